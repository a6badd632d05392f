"""The state of a transfer in a file that a person named: `nst --state`."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np

from nstcore.checkpoint import Checkpoint
from nstcore.errors import OutputError
from nstcore.pictures.images import Picture
from nstcore.state_file import is_state
from nstcore.system.files import reading
from nstcore.system.places import require_place
from nstcore.system.refusals import refused

# A state of 512 pixels takes a fraction of a second to write, and this much at most is done twice.
_SECONDS = 30.0
_BEGINNING = 200


def require_state_place(path: str) -> None:
    """See that a state can be written to a place, and that what lies there is nothing else.

    Raises:
        OutputError: if not.
    """
    require_place(path)
    with reading(path), contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        beginning = file.read(_BEGINNING)
        if beginning and not is_state(beginning):
            raise OutputError(f"{path}: is not the state of a transfer; name another file")


def checkpoint_at(path: str, frames: list[Picture], frames_every: int) -> Checkpoint:
    """Keep a state there, with the frames of a film so far, of which there is one every so many iterations or none."""
    return Checkpoint.at(
        path,
        _SECONDS,
        made_from={"frames every": str(frames_every)},
        more=lambda: {str(number): frame for number, frame in enumerate(frames)},
        take_more=lambda kept: frames.extend(kept[str(number)] for number in range(len(kept))),
    )


def remove_state(path: str) -> None:
    """Have no state any more.

    Raises:
        OutputError: if it cannot be removed.
    """
    try:
        Path(path).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(refused(error, path, "removed")) from error


def left_behind(path: str | None) -> str:
    """What an interruption leaves, as the end of a sentence."""
    if path is None or not Path(path).exists():
        return "nothing written"
    return f"the same command goes on from {path}"


def trained_left_behind(path: str) -> str:
    """The same of a training: how many of its steps are kept."""
    left = left_behind(path)
    # Said last, and however the file may be: a state that is damaged is told of when it is to be taken up.
    with contextlib.suppress(Exception), np.load(path, allow_pickle=False) as state:
        steps = len(state["trace"])
        return f"{steps} {'step is' if steps == 1 else 'steps are'} kept; {left}"
    return left
