"""The studies that an output folder holds: the plans in its reports, and what they refer to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from nstcore.errors import InputError, StyleTransferError
from pipeline import storage
from pipeline.grid.cell import Cell
from pipeline.grid.digest import target_digest
from pipeline.grid.expansion import Grid
from pipeline.grid.paths import cell_folder, network_folder, picture_name, plan_file, report_folder, target_file
from pipeline.outputs.stores import GridStore
from pipeline.storage.folders import folders_in
from pipeline.storage.glance import glancing


@dataclass(frozen=True)
class StudyAtHand:
    """A report's folder with the plan in it.

    Attributes:
        name: the report's folder, which is the grid's digest.
        plan: what it was made by.
    """

    name: str
    plan: Grid


def plans_in(output: PurePath) -> dict[PurePath, storage.Version]:
    """The plans in an output folder's reports, each with its version."""
    with glancing():
        places = [plan_file(folder) for folder in folders_in(report_folder(output, "x").parent)]
        return {place: seen for place in places if (seen := storage.version(place))}


def studies_in(output: PurePath) -> Iterator[StudyAtHand]:
    """The studies of an output folder, the newest plan last.

    Raises:
        InputError: for a plan that cannot be read: what it refers to is not known.
    """
    plans = plans_in(output)
    for plan in sorted(plans, key=lambda plan: plans[plan].mtime_ns):
        try:
            yield StudyAtHand(plan.parent.name, GridStore(os.fspath(plan)).load())
        except (ValueError, KeyError, TypeError, StyleTransferError) as error:
            raise InputError(f"{plan}: cannot be read as a plan; run its study again, which mends it") from error


def place_of(output: PurePath, cell: Cell) -> PurePath:
    """The folder of a cell."""
    return cell_folder(output, cell.content, cell.style, cell.backbone, cell.digest)


def network_of(output: PurePath, cell: Cell) -> PurePath | None:
    """The folder of the network that makes a cell; None where it is optimised."""
    return network_folder(output, cell.style, cell.backbone, cell.network.digest) if cell.network else None


def targets_of(output: PurePath, cell: Cell) -> set[PurePath]:
    """Where the targets lie that a cell is made with, whether they are there or not."""
    content = cell.file("content")
    named = [("content", content.picture, 1.0), *(("style", style.picture, style.scale) for style in cell.styles)]
    return {
        target_file(
            output,
            kind,
            picture_name(Path(picture.path)),
            cell.backbone,
            target_digest(picture.sha256, cell.weights_identity(kind), kind, cell.config, scale),  # type: ignore[arg-type]
        )
        for kind, picture, scale in named
    }
