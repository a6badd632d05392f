"""What all files of a grid's report have in common: when they are complete, and the cells they show."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import luigi

from nstcore import StyleTransferError
from pipeline.grid.cell import Cell, RejectedCell
from pipeline.grid.expansion import Grid
from pipeline.grid.paths import plan_file, report_folder
from pipeline.report.gallery import result_file
from pipeline.report.page import ReportCell, Status
from pipeline.stores import CellStore, GridStore
from tasks.completion_cache import remembered
from tasks.measures import measures_of
from tasks.parameters import batch_size, output_dir
from tasks.transfer import Transfer


class ReportTask(luigi.Task):
    """A file of a grid's report. It is complete while it is newer than everything it shows, like a target of `make`."""

    grid: str = luigi.Parameter(description="digest of the grid; its plan lies in the report's folder")
    output_dir: str = output_dir()
    batch_size: int = batch_size()

    def folder(self) -> Path:
        return report_folder(Path(self.output_dir), self.grid)

    def plan_store(self) -> GridStore:
        return GridStore(os.fspath(plan_file(self.folder())))

    def plan(self) -> Grid:
        return self.plan_store().load()

    def planned_at(self) -> float:
        return os.stat(self.plan_store().path).st_mtime

    def finished_at(self) -> float:
        return os.stat(self.output().path).st_mtime

    @remembered
    def complete(self) -> bool:
        try:
            return bool(self.output().exists()) and self._is_newest(self.deps())
        except StyleTransferError:
            return False  # run() says what is wrong

    def _is_newest(self, dependencies: list[luigi.Task]) -> bool:
        return all(task.complete() for task in dependencies) and self.finished_at() >= max(
            [self.planned_at(), *(task.finished_at() for task in dependencies)]
        )


class CellReport(ReportTask):
    """A report that shows some of a grid's cells."""

    def shows(self, cell: Cell | RejectedCell) -> bool:
        raise NotImplementedError

    def cells(self) -> Iterable[Cell]:
        return (cell for cell in self.plan().cells if self.shows(cell))

    def requires(self) -> list[Transfer]:
        return [Transfer.of(cell, self.output_dir, self.batch_size) for cell in self.cells()]

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
            return _without_picture(cell, task.failure().reason())
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
            measures=measures,
            unmeasured=unmeasured,
        )


def _without_picture(cell: Cell | RejectedCell, reason: str) -> ReportCell:
    names = (cell.content, cell.style, cell.backbone)
    status: Status = "skipped" if isinstance(cell, RejectedCell) and cell.skipped else "failed"
    return ReportCell(*names, status, None, reason=reason, preset=cell.preset, variant=cell.variant)


def relative_path(path: Path, folder: Path) -> str:
    """A file as the report's page links to it, before the quoting that the page does."""
    return Path(os.path.relpath(path, folder)).as_posix()
