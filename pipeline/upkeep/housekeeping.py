"""What an output folder holds that nothing needs any more: found, told with its size, and removed when asked to.

Kept is what a plan in `reports` refers to, and every cell that a night names. What a process at work may be using
stays, whether anything refers to it or not.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from nstcore.errors import InputError
from pipeline import storage
from pipeline.grid.paths import nights_folder, parts_of_output, runs_folder
from pipeline.nights.archive import SNAPSHOT
from pipeline.outputs.cell_files import look, read_manifest
from pipeline.outputs.damaged import DAMAGED
from pipeline.outputs.network_store import NetworkStore
from pipeline.outputs.states import STATE_NAME
from pipeline.sharing import leases, shared_run
from pipeline.sharing.leases import cell_lease, lease_beside
from pipeline.storage import is_own_part
from pipeline.storage.clock import storage_time
from pipeline.storage.folders import (
    Entry,
    entries,
    files_below,
    folders_in,
    is_folder,
    remove_folder,
    remove_if_empty,
)
from pipeline.storage.glance import glancing
from pipeline.storage.places import require_known
from pipeline.upkeep import studies_at_hand
from pipeline.upkeep.studies_at_hand import network_of, place_of, studies_in, targets_of

# What is younger may be in use by a process that holds no lease, such as one that writes a report; seconds.
_HOUR, _DAY = 3600.0, 86400.0

# Folders that hold a folder for each content, in it one for each style (or the kind, and a picture), and then these.
_CELLS, _TARGETS, _MEASURES = "cells", "targets", "measures"
# One that holds a folder for each style, and then these.
_NETWORKS = "networks"
# All of these have the digest of what they are made from in their names. Nothing else in such folders is of a grid.
_DIGEST = re.compile(r"-[0-9a-f]{8,}")

_DEAD_LEASES, _OLD_RECORDS = "leases of dead processes", "failure records older than a day"


#: The reports that have a plan, with when it was written.
Plans = set[tuple[str, int]]


@dataclass(frozen=True)
class Leftover:
    """Something that nothing needs.

    Attributes:
        path: a file, or a folder with all that is in it.
        kind: what it is, for people.
        size: bytes.
    """

    path: PurePath
    kind: str
    size: int
    is_folder: bool = False


def find_leftovers(output: PurePath, *, states: bool = False, nights: Sequence[PurePath] = ()) -> list[Leftover]:
    """What could be removed.

    Args:
        states: also those from which unfinished cells would go on.
        nights: folders of nights besides the one in the output folder.

    Raises:
        InputError: if there is no such folder, or a plan or night cannot be read: what it refers to is not known.
        OutputError: if it takes no file, by which the age of others is told.
    """
    require_known(output)
    if not is_folder(output):
        raise InputError(f"{output}: no such folder; name the output folder of a grid")
    with glancing():
        return list(_leftovers(output, nights, storage_time(output), states=states))


def _leftovers(output: PurePath, nights: Sequence[PurePath], now: float, *, states: bool) -> Iterator[Leftover]:
    # First what is there, then what is referred to: a cell that is made meanwhile has been planned before.
    there = {name: list(_level(output / name, 2)) for name in (_CELLS, _TARGETS, _MEASURES)}
    there[_NETWORKS] = list(_level(output / _NETWORKS, 1))
    kept = _kept(output, nights)
    # A record counts for as long as its run goes on, which may be for weeks.
    over = _DAY if not shared_run.members(output) else math.inf
    yield from _parts(output, now)
    yield from _of_folders(there[_CELLS], "cells", kept.has_cell, _is_done_with, now, over, states=states)
    yield from _of_folders(there[_NETWORKS], "networks", kept.has_network, _is_trained, now, over, states=states)
    yield from _of_files(there[_TARGETS], "targets that no report's cells are made with", kept.has_target, now, over)
    yield from _of_files(there[_MEASURES], "measures of cells that no report refers to", kept.has_measures, now, over)
    yield from _damaged(output / DAMAGED)


def remove(output: PurePath, leftovers: Iterable[Leftover], plans: Plans) -> list[Leftover]:
    """Remove them, but what has come into use since they were found.

    Args:
        plans: those that there were before they were looked for. With another, nothing more is removed.

    Returns:
        Those that are gone.

    Raises:
        OutputError: if the system does not let one be removed.
    """
    removed = []
    for each in leftovers:
        if plans_in(output) != plans:
            break  # someone plans a study, whose cells may be among these
        if _in_use(each.path):
            continue
        if each.is_folder:
            remove_folder(each.path)
        else:
            storage.remove(each.path)
        removed.append(each)
        for folder in (folder for folder in list(each.path.parents)[:2] if output in folder.parents):
            remove_if_empty(folder)
    return removed


def plans_in(output: PurePath) -> Plans:
    """The plans that there are, each with its version."""
    return {(path.parent.name, seen.mtime_ns) for path, seen in studies_at_hand.plans_in(output).items()}


@dataclass(frozen=True)
class _Kept:
    """What something refers to: folders of cells and of networks, digests of cells, targets; and what nights name.

    Nights hold pictures of their own and know the cells by their digests.
    """

    cells: set[PurePath]
    networks: set[PurePath]
    digests: set[str]
    targets: set[PurePath]
    of_nights: set[str]

    def has_cell(self, folder: PurePath) -> bool:
        return folder in self.cells or folder.name.rpartition("-")[2] in self.of_nights

    def has_network(self, folder: PurePath) -> bool:
        return folder in self.networks

    def has_target(self, path: PurePath) -> bool:
        return path in self.targets

    def has_measures(self, path: PurePath) -> bool:
        return any(part in self.digests or part in self.of_nights for part in path.name.split("-"))


def _kept(output: PurePath, nights: Sequence[PurePath]) -> _Kept:
    cells = [cell for study in studies_in(output) for cell in study.plan.cells]
    return _Kept(
        cells={place_of(output, cell) for cell in cells},
        networks={folder for cell in cells if (folder := network_of(output, cell))},
        digests={cell.digest for cell in cells},
        targets={target for cell in cells for target in targets_of(output, cell)},
        of_nights=set(_named_by_nights([nights_folder(output), *nights])),
    )


def _named_by_nights(folders: Iterable[PurePath]) -> Iterator[str]:
    for path in (night / SNAPSHOT for folder in folders for night in folders_in(folder)):
        if not storage.exists(path):
            continue
        try:
            yield from (str(cell.get("digest", "")) for cell in json.loads(storage.read(path))["cells"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: cannot be read as a night; move it away, or mend it") from error


def _level(folder: PurePath, depth: int) -> Iterator[Entry]:
    """What lies in folders so many below."""
    levels = [folder]
    for _ in range(depth):
        levels = [entry.path for level in levels for entry in entries(level) if entry.is_folder]
    for level in levels:
        yield from entries(level)


def _of_folders(
    there: Iterable[Entry],
    what: str,
    is_kept: Callable[[PurePath], bool],
    is_done_with: Callable[[PurePath], bool],
    now: float,
    over: float,
    *,
    states: bool,
) -> Iterator[Leftover]:
    """Cells, or networks."""
    for entry in there:
        folder = entry.path
        if not entry.is_folder or not _DIGEST.search(folder.name) or _in_use(folder):
            continue
        if not is_kept(folder):
            if now - _written(entry) > _HOUR:
                yield Leftover(folder, f"{what} that no report refers to", _size(folder), is_folder=True)
            continue
        for file in entries(folder):
            if file.path.name == cell_lease(folder).name:
                yield _leftover(file, _DEAD_LEASES)
            elif file.path.name == "failure.json" and now - file.written > over:
                yield _leftover(file, _OLD_RECORDS)
            elif file.path.name == STATE_NAME and is_done_with(folder):
                yield _leftover(file, f"states of {what} that are done")
            elif file.path.name == STATE_NAME and states:
                yield _leftover(file, f"states of {what}")


def _is_done_with(folder: PurePath) -> bool:
    """Whether a cell is whole and keeps no state: its maker was killed right before it removed the last one."""
    return look(folder).is_whole and not read_manifest(folder).get("keeps_state")


def _is_trained(folder: PurePath) -> bool:
    """Whether a network is whole: its maker was killed right before it removed the last state."""
    return NetworkStore(folder).exists()


def _of_files(
    there: Iterable[Entry], kind: str, is_kept: Callable[[PurePath], bool], now: float, over: float
) -> Iterator[Leftover]:
    """Targets, or measures."""
    for entry in there:
        path = entry.path
        if entry.is_folder:
            continue
        if path.name.startswith("."):
            lease = leases.read(path) if path.name.endswith(".lease.json") else None
            if lease is not None and not lease.is_live():
                yield _leftover(entry, _DEAD_LEASES)
        elif path.name.endswith(".failure.json"):
            if now - entry.written > over:
                yield _leftover(entry, _OLD_RECORDS)
        elif _DIGEST.search(path.name) and not is_kept(path) and now - entry.written > _HOUR and not _in_use(path):
            yield _leftover(entry, kind)


def _parts(output: PurePath, now: float) -> Iterator[Leftover]:
    below = (files_below(place) for place in (*parts_of_output(output), runs_folder(output)))
    for entry in itertools.chain(entries(output), *below):
        if not entry.is_folder and is_own_part(entry.path.name) and now - entry.written > _HOUR:
            yield Leftover(entry.path, "files that killed processes were writing", entry.size)


def _damaged(folder: PurePath) -> Iterator[Leftover]:
    if is_folder(folder):
        yield Leftover(folder, "damaged files that were set aside", _size(folder), is_folder=True)


def _in_use(path: PurePath) -> bool:
    """Whether a process that is alive makes what is there."""
    for lease_file in (cell_lease(path), lease_beside(path)):
        lease = leases.read(lease_file) if storage.exists(lease_file) else None
        if lease is not None and lease.is_live():
            return True
    return False


def _leftover(entry: Entry, kind: str) -> Leftover:
    return Leftover(entry.path, kind, entry.size)


def _written(folder: Entry) -> float:
    """When anything in a folder was written last."""
    return max([folder.written, *(entry.written for entry in entries(folder.path))])


def _size(folder: PurePath) -> int:
    """Bytes of the files in a folder. What another folder links to as well takes no room of its own, and counts not."""
    return sum(entry.size for entry in files_below(folder) if entry.links == 1)
