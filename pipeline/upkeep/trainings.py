"""How the networks of a study stand: which are being trained, how many are still to be, and how long that may take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from nstcore.errors import StyleTransferError
from pipeline import storage
from pipeline.grid.cell import Cell
from pipeline.outputs.network_store import NetworkStore
from pipeline.sharing.leases import Lease, cell_lease, read_lease
from pipeline.upkeep.studies_at_hand import network_of


@dataclass(frozen=True)
class Trainings:
    """How the networks of a study stand.

    Attributes:
        running: a cell of each network that a live process trains, and its lease.
        untrained: how many others are still to be trained.
        rest: seconds that are left of those that are being trained, as far as can be told.
        later: seconds that the others may take, as long as those that are trained took; 0 where that cannot be told.
        basis: what that is, for people; "" where no network is left to train.
    """

    running: tuple[tuple[Cell, Lease], ...]
    untrained: int
    rest: tuple[float, ...]
    later: float
    basis: str


def trainings_of(output: PurePath, cells: Iterable[Cell], waiting: Iterable[Cell]) -> Trainings:
    """Look at the networks of cells.

    Args:
        cells: of a study.
        waiting: those that are not made yet; a network that none of them needs is not missing.
    """
    needed = {cell.network.digest for cell in waiting if cell.network}
    any_of = {cell.network.digest: cell for cell in cells if cell.network}
    running: list[tuple[Cell, Lease]] = []
    took: list[float] = []
    untrained = 0
    for digest, cell in any_of.items():
        folder = network_of(output, cell)
        if folder is None:
            continue
        lease = read_lease(folder) if storage.exists(cell_lease(folder)) else None
        if lease is not None and lease.is_live():
            running.append((cell, lease))
        elif NetworkStore(folder).exists():
            took += _seconds(folder)
        else:
            untrained += digest in needed
    known = [whole for _, lease in running if (whole := _whole(lease))]
    rest = tuple(whole - _number(lease, "seconds") for _, lease in running if (whole := _whole(lease)))
    usual = [*took, *known]
    later = untrained * sum(usual) / len(usual) if usual else 0.0
    return Trainings(tuple(running), untrained, rest, later, _basis(len(running), untrained, len(rest), bool(usual)))


def _basis(running: int, untrained: int, known: int, usual: bool) -> str:
    unknown = running - known + (0 if usual else untrained)
    if not running and not untrained:
        return ""
    told = f", and the training of networks: {running + untrained}"
    return f"{told}, of which not yet known how long they take: {unknown}" if unknown else told


def _whole(lease: Lease) -> float | None:
    """Seconds that a training will have taken, if all its steps take alike."""
    share, seconds = _number(lease, "share"), _number(lease, "seconds")
    return seconds / share if share > 0 else None


def _number(lease: Lease, name: str) -> float:
    value = lease.progress.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _seconds(folder: PurePath) -> list[float]:
    try:
        return [float(NetworkStore(folder).manifest()["result"]["seconds"])]
    except (OSError, ValueError, KeyError, TypeError, StyleTransferError):
        return []
