"""Which run a process belongs to: all that work on one output folder at a time are one run.

What failed in a run is not tried again in it, by none of its processes, and counts as settled for all of them. A run
ends with the last of them; the next one tries again.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import time
import uuid
from pathlib import PurePath

from nstcore.errors import StyleTransferError
from pipeline import storage
from pipeline.grid.paths import runs_folder
from pipeline.sharing import leases
from pipeline.sharing.leases import Held, Lease, take
from pipeline.storage.folders import remove_if_empty
from pipeline.storage.places import place_at

# Between two looks at who works on a folder, by a process that is not one of them.
_SECONDS_BETWEEN_LOOKS = 2.0

# By output folder: what this process says of itself there. None where it cannot be said.
_joined: dict[str, Held | None] = {}
# By output folder: when it was looked for others, and their run.
_looked: dict[str, tuple[float, str]] = {}
# The run of a process that belongs to no other, and the process that it is of.
_own = uuid.uuid4().hex
_process = os.getpid()
_only_serves = False


def serve_only() -> None:
    """Be no part of any run: a worker that goes on for weeks would keep what failed from being tried again."""
    global _only_serves
    _only_serves = True


def join(output: str | os.PathLike[str]) -> None:
    """Become part of the run of an output folder, or begin one, until `leave`."""
    folder = runs_folder(place_at(output))
    if _only_serves or str(folder) in _joined:
        return
    try:
        _joined[str(folder)] = _join(folder)
    except (StyleTransferError, OSError):  # where nothing can be written no failure is recorded either
        _joined[str(folder)] = None


def run_of(output: str | os.PathLike[str], *, as_of_now: bool = False) -> str:
    """The identity of the run that this process works for in an output folder.

    Args:
        as_of_now: look who is there, instead of going by what was seen within the last seconds.
    """
    folder = runs_folder(place_at(output))
    held = _joined.get(str(folder))
    if as_of_now:
        _looked.pop(str(folder), None)
    return str(held.more["run"]) if held is not None else _of_others(folder) or _own


def counts(output: str | os.PathLike[str], run: str) -> bool:
    """Whether what failed in a run is settled for this process: in its own, or where it only serves and nobody asks.

    Without those who asked for a grid the workers that still make it are of no common run, and each would try again
    what another has failed at, for ever. Whoever asks for it next begins a run in which it is tried again.
    """
    if run == run_of(output):
        return True
    # As of now: of one who asks since a moment ago, what failed before is to be tried again.
    return _only_serves and run_of(output, as_of_now=True) in (run, _own)


def leave() -> None:
    """Leave all runs. What failed in them counts no more for this process, unless others go on."""
    global _own
    if os.getpid() != _process:
        return  # a forked worker: its parent stays
    for folder, held in _joined.items():
        if held is not None:
            held.release()
            with contextlib.suppress(StyleTransferError, OSError):  # whoever joins next does it
                _remove_the_dead(place_at(folder))
            remove_if_empty(folder)  # else others are there
    _joined.clear()
    _looked.clear()
    _own = uuid.uuid4().hex


def members(output: str | os.PathLike[str]) -> list[Lease]:
    """The processes of the run of an output folder, as far as they are alive."""
    return [lease for lease in _records(runs_folder(place_at(output))) if lease.is_live()]


def _join(folder: PurePath) -> Held:
    with leases.in_turn(leases.lease_beside(folder / "joining")):  # two that begin at once are to find one another
        _remove_the_dead(folder)
        run = _run_of_the_living(folder) or _own
        return take(folder / f"{uuid.uuid4().hex}.json", {"run": run})


def _remove_the_dead(folder: PurePath) -> None:
    """Remove what processes said of themselves that were killed."""
    for record in _records(folder):
        if not record.is_live():
            storage.remove(record.path)


def _of_others(folder: PurePath) -> str:
    at, run = _looked.get(str(folder), (-_SECONDS_BETWEEN_LOOKS, ""))
    if time.monotonic() - at >= _SECONDS_BETWEEN_LOOKS:
        run = _run_of_the_living(folder)
        _looked[str(folder)] = (time.monotonic(), run)
    return run


def _run_of_the_living(folder: PurePath) -> str:
    runs = (str(lease.content.get("run", "")) for lease in _records(folder) if lease.is_live())
    return min(filter(None, runs), default="")


def _records(folder: PurePath) -> list[Lease]:
    """What processes say of themselves, those of the dead included."""
    try:
        names = [name for name in storage.names(folder) if name.endswith(".json") and not name.startswith(".")]
    except OSError:
        return []
    return [lease for name in names if (lease := leases.read(folder / name)) is not None]


atexit.register(leave)
