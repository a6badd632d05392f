"""How the studies of an output folder stand: what is done, who makes what, what failed and why, when it will be done.

Everything is read from the outputs, so that it can be asked for on any machine that sees them, of a run on any other.
"""

from __future__ import annotations

import datetime
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

from nstcore.errors import InputError, StyleTransferError
from pipeline import storage
from pipeline.grid.cell import Cell
from pipeline.outputs.cell_files import MANIFEST, TRACE
from pipeline.outputs.cell_store import CellStore
from pipeline.sharing.leases import Lease, cell_lease, read_lease
from pipeline.storage.folders import is_folder
from pipeline.storage.glance import glancing
from pipeline.storage.places import require_known
from pipeline.upkeep.studies_at_hand import StudyAtHand, place_of, studies_in
from pipeline.upkeep.trainings import Trainings, trainings_of

# Of the finished cells of a kind that are asked how long they took: enough for a mean, few enough for 10,000 cells.
_ASKED = 30

#: What the time of a cell depends on most: backbone, longest side, iterations.
Kind = tuple[str, int, int]


@dataclass(frozen=True)
class RunningCell:
    """A cell that a process makes.

    Attributes:
        name: which cell.
        who: the process.
        since: when it began, ISO 8601, by that machine's clock.
        progress: size, iteration, iterations, total (the loss), seconds; empty where nothing was told yet.
    """

    name: str
    who: str
    since: str
    progress: Mapping[str, Any]


@dataclass(frozen=True)
class Expected:
    """When a study will be done.

    Attributes:
        seconds: from now, the cells alone; None if that cannot be told.
        basis: how it was estimated, or why it was not.
    """

    seconds: float | None
    basis: str


@dataclass(frozen=True)
class StudyStatus:
    """How a study stands.

    Attributes:
        name: its report's folder; title: of its report.
        cells: how many it has; done: finished ones; waiting: not begun, or begun by a process that is dead.
        running: those that a live process makes.
        training: the networks that a live process trains.
        untrained: how many others are still to be trained.
        failed: cells with the reason, of their last try; skipped: how many were left out, as asked.
        expected: when it will be done.
    """

    name: str
    title: str
    cells: int
    done: int
    waiting: int
    running: tuple[RunningCell, ...]
    failed: tuple[tuple[str, str], ...]
    skipped: int
    expected: Expected
    training: tuple[RunningCell, ...] = ()
    untrained: int = 0


def status_of(output: PurePath) -> list[StudyStatus]:
    """Every study of an output folder.

    Raises:
        InputError: if there is no such folder, or a plan in it cannot be read.
    """
    require_known(output)
    if not is_folder(output):
        raise InputError(f"{output}: no such folder; name the output folder of a grid")
    with glancing():
        return [_status(output, study) for study in studies_in(output)]


_Found = Literal["done", "running", "failed", "waiting"]


def _status(output: PurePath, study: StudyAtHand) -> StudyStatus:
    found: dict[_Found, list[Cell]] = defaultdict(list)
    running: list[tuple[Cell, Lease]] = []
    failed = [(_name(cell), cell.reason) for cell in study.plan.rejected if not cell.skipped]
    storage.prefetch(place_of(output, cell) / name for cell in study.plan.cells for name in (MANIFEST, TRACE))
    for cell in study.plan.cells:
        state, told = _state(place_of(output, cell))
        found[state].append(cell)
        if isinstance(told, Lease):
            running.append((cell, told))
        elif told:
            failed.append((_name(cell), told))
    trainings = trainings_of(output, study.plan.cells, found["waiting"])
    return StudyStatus(
        study.name,
        study.plan.title,
        cells=len(study.plan.cells) + len(study.plan.rejected),
        done=len(found["done"]),
        waiting=len(found["waiting"]),
        running=tuple(RunningCell(_name(cell), lease.who, lease.started, lease.progress) for cell, lease in running),
        failed=tuple(failed),
        skipped=sum(cell.skipped for cell in study.plan.rejected),
        expected=_expected(output, found["done"], found["waiting"], running, trainings),
        training=tuple(
            RunningCell(
                f"network for {cell.style}, {cell.series.losses_label}", lease.who, lease.started, lease.progress
            )
            for cell, lease in trainings.running
        ),
        untrained=trainings.untrained,
    )


def _name(cell: Any) -> str:
    return f"{cell.content} × {cell.style}, {cell.series.label}"


def _state(folder: PurePath) -> tuple[_Found, Lease | str]:
    """How a cell stands, with its lease if it is being made, or the reason if it failed."""
    lease = read_lease(folder) if storage.exists(cell_lease(folder)) else None
    if lease is not None and lease.is_live():
        return "running", lease
    if CellStore(folder).exists():
        return "done", ""
    reason = _reason(folder / "failure.json") if storage.exists(folder / "failure.json") else ""
    return ("failed", reason) if reason else ("waiting", "")


def _reason(path: PurePath) -> str:
    try:
        return str(json.loads(storage.read(path))["reason"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _expected(
    output: PurePath,
    done: Iterable[Cell],
    waiting: Iterable[Cell],
    running: Iterable[tuple[Cell, Lease]],
    trainings: Trainings,
) -> Expected:
    """From what finished cells and networks took, by backbone, size and iterations, and how many are made at once."""
    left, under_way = Counter(map(_kind, waiting)), list(running)
    if not left and not under_way:
        return Expected(0.0, "nothing is left to make")
    took = _seconds_by_kind(output, done)
    if not took:
        return Expected(None, "no cell is finished yet from which to tell")
    rest = [_rest(lease, _seconds(_kind(cell), took)) for cell, lease in under_way] + list(trainings.rest)
    work = sum(number * _seconds(kind, took) for kind, number in left.items()) + sum(rest) + trainings.later
    basis = f"{left.total() + len(under_way)} cells, as long as finished ones of their backbone and size took"
    if any(kind not in took for kind in left):
        basis += ", scaled where none is finished"
    basis += trainings.basis
    at_once = len(under_way) + len(trainings.running)
    if not at_once:
        return Expected(None, f"nothing is being made; {work:.0f} s of work for one process: {basis}")
    # However many are at work, the longest of the cells under way has to end.
    return Expected(max([work / at_once, *rest]), f"{basis}, {at_once} at once")


def _kind(cell: Cell) -> Kind:
    if cell.method == "refine":
        return f"{cell.backbone} {cell.method}", cell.config.size, cell.config.iterations
    if cell.network:  # one pass, whatever the settings say of an optimiser
        return f"{cell.backbone} {cell.method}", cell.config.size, 1
    return cell.backbone, cell.config.size, cell.config.iterations


def _seconds_by_kind(output: PurePath, done: Iterable[Cell]) -> dict[Kind, float]:
    by_kind: dict[Kind, list[Cell]] = defaultdict(list)
    for cell in done:
        by_kind[_kind(cell)].append(cell)
    means = {}
    for kind, cells in by_kind.items():
        asked = cells[:: max(1, len(cells) // _ASKED)]
        seconds = [found for cell in asked if (found := _own_seconds(place_of(output, cell))) is not None]
        if seconds:
            means[kind] = sum(seconds) / len(seconds)
    return means


def _own_seconds(folder: PurePath) -> float | None:
    """What a finished cell took, of a batch its share; None if its manifest does not say."""
    try:
        result = CellStore(folder).manifest()["result"]
        return float(result["seconds"]) / int(result.get("batch_size", 1))
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError, StyleTransferError):
        return None


def _seconds(kind: Kind, took: Mapping[Kind, float]) -> float:
    """What a cell of a kind takes: as the finished ones, else as others of its backbone by pixels and iterations."""
    if kind in took:
        return took[kind]
    alike = [each for each in took if each[0] == kind[0]] or list(took)
    pixels = [took[each] / (each[1] ** 2 * max(1, each[2])) for each in alike]
    return sum(pixels) / len(pixels) * kind[1] ** 2 * max(1, kind[2])


def _rest(lease: Lease, whole: float) -> float:
    """What is left of a cell under way, if all its iterations take alike."""
    iteration, iterations = (lease.progress.get(name) for name in ("iteration", "iterations"))
    if isinstance(iteration, int) and isinstance(iterations, int) and 0 < iterations >= iteration:
        return whole * (1 - iteration / iterations)
    return whole


def when(seconds: float) -> str:
    """So many seconds from now, for people: "in 12 min, at 14:05"."""
    end = datetime.datetime.now() + datetime.timedelta(seconds=seconds)
    clock = end.strftime("%H:%M" if seconds < 64800 else "%Y-%m-%d %H:%M")
    return f"in {_long(seconds)}, at {clock}"


def _long(seconds: float) -> str:
    for unit, name in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"
