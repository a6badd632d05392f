"""What every study has in common: its networks are found, its cells planned, its report made, its failures told."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import luigi

from nstcore import StyleTransferError, WeightsError
from nstcore.system.files import encodable
from pipeline.grid.expansion import Grid, expand, pictures_of, reject_bad_pictures
from pipeline.grid.paths import plan_file, report_folder
from pipeline.grid.picture_folder import in_short
from pipeline.grid.series import Series
from pipeline.grid.study import Study
from pipeline.stores import GridStore
from tasks.completion_cache import completions_remembered
from tasks.inputs import BackboneWeights, OutputFolder
from tasks.outcome import CellFailed
from tasks.page import GridReport
from tasks.parameters import batch_size, on_missing_weights, output_dir
from tasks.table import GridTable
from tasks.transfer import Transfer

logger = logging.getLogger("luigi-interface")


class FailedCell(luigi.Task):
    """A cell that could not be made. It fails with the reason, so that Luigi's summary and exit status tell of it."""

    content: str = luigi.Parameter()
    style: str = luigi.Parameter()
    series: str = luigi.Parameter(description="the backbone, and what the study set for it")
    reason: str = luigi.Parameter(significant=False)

    def complete(self) -> bool:
        return False

    def run(self) -> None:
        raise CellFailed(self.line())

    def line(self) -> str:
        """Which cell it is, and why."""
        return f"{self.content} × {self.style}, {self.series}: {self.reason}"


class StudyTask(luigi.Task):
    """Every cell of a study, with plots, picture grids, a table and a page. Subclasses say which study."""

    on_missing_weights: str = on_missing_weights()
    output_dir: str = output_dir()
    batch_size: int = batch_size()

    def study(self) -> Study:
        """What is asked for.

        Raises:
            StyleTransferError: if that cannot be.
        """
        raise NotImplementedError

    def check(self) -> None:
        """See, before anything is scheduled, that some of what is asked for can be made.

        Raises:
            StyleTransferError: if none can.
        """
        study = self.study()
        study.require_possible()
        pictures_of(study)

    def requires(self) -> list[luigi.Task]:
        weights = self.networks()
        return [*self.folders(), *weights] if weights else []  # else run() says what is wrong

    def folders(self) -> list[OutputFolder]:
        """What it writes into."""
        return [OutputFolder(path=self.output_dir)]

    def networks(self) -> list[BackboneWeights]:
        """The weights that it takes; none are fetched for a study that cannot be."""
        try:
            study = self.study()
            pictures_of(study)
        except StyleTransferError:
            return []
        return [
            BackboneWeights(backbone=backbone, weights=weights, output_dir=self.output_dir)
            for backbone, weights in study.networks()
        ]

    def complete(self) -> bool:
        try:
            with completions_remembered():
                return self._complete()
        except StyleTransferError:
            return False  # run() says what is wrong

    def _complete(self) -> bool:
        if not all(task.output().exists() for task in self.networks()):
            return False
        grid = self.grid()
        rejected = self._plan_store(grid).load().rejected if self._is_planned(grid) else None
        return rejected is not None and all(cell.skipped for cell in rejected) and self.report(grid).complete()

    def run(self) -> Iterator[Any]:
        report = self.planned_report()
        yield report
        say_passed_over(report)
        yield self.failed_cells(report)

    def planned_report(self) -> GridReport:
        """The report of its grid, planned."""
        grid = self.grid()
        if not self._is_planned(grid):
            self._plan_store(grid).dump(reject_bad_pictures(grid))
        return self.report(grid)

    def failed_cells(self, report: GridReport) -> list[FailedCell]:
        """A task that fails for each cell of a finished report that could not be made."""
        return [
            FailedCell(cell.content, cell.style, Series(cell.backbone, cell.variant).label, cell.reason)
            for cell in report.clone(GridTable).report_cells()
            if cell.status == "failed"
        ]

    def cells_made(self) -> tuple[int, int]:
        """How many of its cells are made, and how many there are."""
        cells = self.grid().cells
        transfers = (Transfer.of(cell, self.output_dir, self.batch_size) for cell in cells)
        return sum(task.output().exists() for task in transfers), len(cells)

    def page(self) -> str:
        """Path of the page that it makes."""
        return str(self.report(self.grid()).output().path)

    def grid(self) -> Grid:
        """The study expanded with the weights that are at hand; its pictures are not decoded.

        Raises:
            StyleTransferError: if there is nothing to expand, or weights are missing that may not be.
        """
        networks = {(task.backbone, task.weights): task for task in self.networks()}
        found = {key: task.output().load().sha256 for key, task in networks.items() if task.output().exists()}
        missing = {key: task.failure().reason() for key, task in networks.items() if key not in found}
        if missing and self.on_missing_weights == "fail":
            raise WeightsError(" ".join(missing.values()))
        return expand(self.study(), found, missing)

    def report(self, grid: Grid) -> GridReport:
        """The report of its grid."""
        return GridReport(grid=grid.digest, output_dir=self.output_dir, batch_size=self.batch_size)

    def _is_planned(self, grid: Grid) -> bool:
        plan = self._plan_store(grid)
        return plan.exists() and plan.load().answers(grid)

    def _plan_store(self, grid: Grid) -> GridStore:
        return GridStore(os.fspath(plan_file(report_folder(Path(self.output_dir), grid.digest))))


def say_passed_over(report: GridReport) -> None:
    """Log what lies in the folders of pictures and is none: once a run, when its report is made."""
    for folder, lines in report.plan().passed_over.items():
        logger.warning("%s: passed over: %s", encodable(folder), in_short(lines))


@StudyTask.event_handler(luigi.Event.SUCCESS)
def say_where(task: StudyTask) -> None:
    """Log where the page of a finished study lies."""
    logger.info("report: %s", task.page())
