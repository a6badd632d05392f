"""What all files of a grid's report have in common: when they are complete, and the cells they show."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path, PurePath

import luigi

from nstcore import StyleTransferError
from pipeline.grid.cell import Cell, RejectedCell
from pipeline.grid.expansion import Grid
from pipeline.grid.paths import plan_file, report_folder
from pipeline.outputs.cell_store import CellStore
from pipeline.outputs.made import DRAWN_VERSION, MadeRecord, digest_of
from pipeline.outputs.stores import GridStore
from pipeline.report.gallery import result_file
from pipeline.report.page import ReportCell, Status
from pipeline.storage.places import place_at
from pipeline.storage.sealed import FileRecord, records_of
from tasks.completion_cache import completions_remembered, remembered
from tasks.light import LightTask
from tasks.measures import measures_of
from tasks.parameters import batch_size, output_dir
from tasks.sharing import alone
from tasks.states import keep_state, kept_meanwhile, snapshots, state_every
from tasks.transfer import Transfer

logger = logging.getLogger("luigi-interface")


class ReportTask(LightTask):
    """A file of a grid's report. It is complete while it shows the plan and everything it asks for as they are now.

    What it shows is noted beside it (`pipeline.outputs.made`), with the digests of its files: no times are compared.
    """

    grid: str = luigi.Parameter(description="digest of the grid; its plan lies in the report's folder")
    output_dir: str = output_dir()
    batch_size: int = batch_size()
    state_every: int = state_every()
    keep_state: bool = keep_state()
    snapshots: int = snapshots()

    def folder(self) -> PurePath:
        return _folder(self.output_dir, self.grid)

    def plan_store(self) -> GridStore:
        return _plan_store(self.folder())

    def plan(self) -> Grid:
        return self.plan_store().load()

    def record(self) -> MadeRecord:
        """What is noted of its files."""
        return MadeRecord(self.folder(), self._name(self.output().path))

    def lease_file(self) -> PurePath:
        """The lease of whoever makes it."""
        return self.folder() / f".{self.task_id}.lease.json"

    @remembered
    def identity(self) -> str:
        """What the files are to show: the plan, and each dependency as it is now. Files that differ in it differ."""
        plan = _plan_identity(self.plan_store().path)
        return digest_of(DRAWN_VERSION, plan, [task.identity() for task in self._dependencies()])

    @remembered
    def complete(self) -> bool:
        try:
            with completions_remembered():
                whole = all(task.complete() for task in self._dependencies())
                return whole and self.record().vouches_for(self.identity())
        except StyleTransferError:
            return False  # run() says what is wrong

    @remembered
    def _dependencies(self) -> list[luigi.Task]:
        found: list[luigi.Task] = self.deps()  # which Luigi makes anew each time
        return found

    @alone
    def run(self) -> None:
        self.make()

    def make(self) -> None:
        """Write what is not complete. Whoever calls it sees that nobody else does at the time."""
        with completions_remembered():
            if self.complete():
                return  # something that it asks for was mended, and is what it was
            identity = self.identity()
        for line in self.record().take_away_damaged():
            logger.warning("%s; it is made anew", line)
        self.record().write(identity, self.draw() or self.written())

    def draw(self) -> Mapping[str, FileRecord] | None:
        """Write the files.

        Returns:
            What is to be noted of them, by their paths in the report's folder; None for those of `output`.
        """
        raise NotImplementedError

    def written(self) -> dict[str, FileRecord]:
        """What is to be noted of the files of `output`."""
        return records_of(self.folder(), map(self._name, self.output().paths()))

    def _name(self, path: str) -> str:
        """Of a file in the report's folder."""
        return path.removeprefix(f"{self.folder()}/")


@lru_cache(maxsize=64)  # each of a grid's tasks asks for both several times, and paths take long to join
def _folder(output_dir: str, grid: str) -> PurePath:
    return report_folder(place_at(output_dir), grid)


@lru_cache(maxsize=64)
def _plan_store(folder: PurePath) -> GridStore:
    return GridStore(os.fspath(plan_file(folder)))


@remembered
def _plan_identity(path: str) -> str:
    return GridStore(path).identity()


class CellReport(ReportTask):
    """A report that shows some of a grid's cells."""

    def shows(self, cell: Cell | RejectedCell) -> bool:
        raise NotImplementedError

    def cells(self) -> Iterable[Cell]:
        return (cell for cell in self.plan().cells if self.shows(cell))

    def requires(self) -> list[Transfer]:
        return [Transfer.of(cell, self.output_dir, self.batch_size, **kept_meanwhile(self)) for cell in self.cells()]

    def finished_cells(self) -> list[tuple[Cell, CellStore]]:
        """The cells with a picture, and where it is."""
        stores = ((cell, Transfer.of(cell, self.output_dir, self.batch_size).output()) for cell in self.cells())
        return [(cell, store) for cell, store in stores if store.exists()]

    def report_cells(self) -> list[ReportCell]:
        """How each of the cells ended, those that were never tried included; series in the order of their study."""
        planned = [self._report_cell(cell) for cell in self.cells()]
        rejected = [_without_picture(cell, cell.reason) for cell in self.plan().rejected if self.shows(cell)]
        place = {series: number for number, series in enumerate(self.plan().series)}
        return sorted(planned + rejected, key=lambda cell: place[cell.series])

    def _report_cell(self, cell: Cell) -> ReportCell:
        task = Transfer.of(cell, self.output_dir, self.batch_size)
        store = task.output()
        if not store.exists():
            return _without_picture(cell, task.failure().reason(), task.failure().nature())
        measures, unmeasured = measures_of(cell, self.output_dir, self.batch_size)
        return ReportCell(
            cell.content,
            cell.style,
            cell.backbone,
            "done",
            store.manifest(),
            picture=result_file(cell.digest),
            preset=cell.preset,
            variant=cell.variant,
            method=cell.method,
            measures=measures,
            unmeasured=unmeasured,
        )


def _without_picture(cell: Cell | RejectedCell, reason: str, nature: str = "") -> ReportCell:
    names = (cell.content, cell.style, cell.backbone)
    status: Status = "skipped" if isinstance(cell, RejectedCell) and cell.skipped else "failed"
    how = {"preset": cell.preset, "variant": cell.variant, "method": cell.method}
    return ReportCell(*names, status, None, reason=reason, nature=nature, **how)  # type: ignore[arg-type]


def relative_path(path: PurePath, folder: PurePath) -> str:
    """A file as the report's page links to it, before the quoting that the page does."""
    return Path(os.path.relpath(path, folder)).as_posix()
