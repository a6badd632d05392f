"""What every study has in common: its networks are found, its cells planned, its report made, its failures told."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from typing import Any

import luigi

from nstcore import ConfigError, StyleTransferError, WeightsError
from nstcore.system.files import encodable
from pipeline import storage
from pipeline.grid.expansion import Grid, expand, photographs_of, reject_bad_pictures, require_meant
from pipeline.grid.paths import plan_file, report_folder
from pipeline.grid.picture_folder import in_short
from pipeline.grid.study import Study
from pipeline.outputs.cell_files import MANIFEST, TRACE
from pipeline.outputs.stores import GridStore
from pipeline.sharing.leases import in_turn, lease_beside
from pipeline.sharing.shared_run import join
from pipeline.storage.places import place_at, remote
from tasks.completion_cache import completions_remembered
from tasks.inputs import BackboneWeights, OutputFolder
from tasks.light import LightTask
from tasks.outcome import CellFailed
from tasks.page import GridReport
from tasks.parameters import batch_size, many_cells, on_missing_weights, output_dir
from tasks.states import keep_state, kept_meanwhile, snapshots, state_every
from tasks.table import GridTable
from tasks.transfer import Transfer

logger = logging.getLogger("luigi-interface")


class FailedCell(LightTask):
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
    many_cells: bool = many_cells()
    state_every: int = state_every()
    keep_state: bool = keep_state()
    snapshots: int = snapshots()

    def study(self) -> Study:
        """What is asked for.

        Raises:
            StyleTransferError: if that cannot be.
        """
        raise NotImplementedError

    def source(self) -> str:
        """The file that says what is asked for; "" if none does."""
        return ""

    def check(self) -> None:
        """See, before anything is scheduled, that some of what is asked for can be made.

        Raises:
            StyleTransferError: if none can; what is wrong with values of a file names it.
        """
        study = self.study()
        try:
            require_meant(study, self.many_cells)
            study.require_possible()
        except ConfigError as error:
            if not self.source():
                raise
            raise ConfigError(f"{self.source()}: {error}") from error
        photographs_of(study)

    def requires(self) -> list[luigi.Task]:
        weights = self.networks()
        if weights:
            join(self.output_dir)
        return [*self.folders(), *weights] if weights else []  # else run() says what is wrong

    def folders(self) -> list[OutputFolder]:
        """What it writes into."""
        return [OutputFolder(path=self.output_dir)]

    def networks(self) -> list[BackboneWeights]:
        """The weights that it takes; none are fetched for a study that cannot be."""
        try:
            study = self.study()
            require_meant(study, self.many_cells)
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
        self._prefetch(grid)
        rejected = self._plan_store(grid).load().rejected if self._is_planned(grid) else None
        if rejected is None or not all(cell.skipped for cell in rejected) or not self.report(grid).complete():
            return False
        # Those that failed in this run, perhaps in another process, count as settled for the report, but not here.
        transfers = (Transfer.of(cell, self.output_dir, self.batch_size) for cell in grid.cells)
        return not any(task.failure().reason() for task in transfers)

    def run(self) -> Iterator[Any]:
        report = self.planned_report()
        yield report
        say_passed_over(report)
        yield self.failed_cells(report)

    def planned_report(self) -> GridReport:
        """The report of its grid, planned."""
        grid = self.grid()
        with completions_remembered():
            made, planned = self._made_of(grid)
        if made < planned:
            logger.info("%s: %s cells, %s of them made", grid.title, f"{planned:,}", f"{made:,}")
            if photographs := grid.settings.get("photographs"):
                logger.info("photographs that networks are trained on: %s", photographs)
        if not self._is_planned(grid):
            with in_turn(lease_beside(place_at(self._plan_store(grid).path))):
                if not self._is_planned(grid):
                    self._plan_store(grid).dump(reject_bad_pictures(grid))
        self._set_aside_damaged(grid)
        return self.report(grid)

    def _set_aside_damaged(self, grid: Grid) -> None:
        """Read every cell that is made, before a report reads it: what no glance sees would end the run there.

        In object storage a glance sees all: no bit of an object changes but with its time of writing.
        """
        to_the_bit = remote(self.output_dir) is None
        with completions_remembered() if not to_the_bit else contextlib.nullcontext():
            for cell in grid.cells:
                Transfer.of(cell, self.output_dir, self.batch_size).output().set_aside_damaged(to_the_bit=to_the_bit)

    def _prefetch(self, grid: Grid) -> None:
        """Read what tells whether cells are made, of all at a time, where each alone takes its time."""
        if remote(self.output_dir):
            stores = [Transfer.of(cell, self.output_dir, self.batch_size).output() for cell in grid.cells]
            storage.prefetch(place_at(store.path) / name for store in stores for name in (MANIFEST, TRACE))

    def failed_cells(self, report: GridReport) -> list[FailedCell]:
        """A task that fails for each cell of a finished report that could not be made."""
        return [
            FailedCell(cell.content, cell.style, cell.series.label, cell.reason)
            for cell in report.clone(GridTable).report_cells()
            if cell.status == "failed"
        ]

    def left_over(self) -> list[FailedCell]:
        """What this task's own run would end with, if its report is complete: for whoever did not run it."""
        try:
            report = self.report(self.grid())
            return self.failed_cells(report) if report.complete() else []
        except StyleTransferError:
            return []

    def cells_made(self) -> tuple[int, int]:
        """How many of its cells are made, and how many there are."""
        with completions_remembered():
            return self._made_of(self.grid())

    def _made_of(self, grid: Grid) -> tuple[int, int]:
        transfers = (Transfer.of(cell, self.output_dir, self.batch_size) for cell in grid.cells)
        return sum(task.output().exists() for task in transfers), len(grid.cells)

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
        study = self.study()
        require_meant(study, self.many_cells)
        return expand(study, found, missing)

    def report(self, grid: Grid) -> GridReport:
        """The report of its grid."""
        return GridReport(
            grid=grid.digest, output_dir=self.output_dir, batch_size=self.batch_size, **kept_meanwhile(self)
        )

    def _is_planned(self, grid: Grid) -> bool:
        plan = self._plan_store(grid)
        return plan.exists() and plan.load().answers(grid)

    def _plan_store(self, grid: Grid) -> GridStore:
        return GridStore(os.fspath(plan_file(report_folder(place_at(self.output_dir), grid.digest))))


def say_without_strips(task: StudyTask) -> None:
    """Log how many cells of a study lack the snapshots that are asked for, since they were made before."""
    on_a_way = (cell for cell in task.grid().cells if cell.series.is_iterated)
    stores = [Transfer.of(cell, task.output_dir, task.batch_size).output() for cell in on_a_way]
    without = [store for store in stores if store.exists() and store.strip() is None]
    if without:
        logger.warning(
            "%d of %d cells were made without --snapshots, and are not made again for them; "
            "where you want them, remove the folder of the cell, such as %s",
            len(without),
            len(stores),
            without[0].path,
        )


def say_passed_over(report: GridReport) -> None:
    """Log what lies in the folders of pictures and is none: once a run, when its report is made."""
    for folder, lines in report.plan().passed_over.items():
        logger.warning("%s: passed over: %s", encodable(folder), in_short(lines))


@StudyTask.event_handler(luigi.Event.SUCCESS)
def say_where(task: StudyTask) -> None:
    """Log where the page of a finished study lies."""
    logger.info("report: %s", task.page())


@StudyTask.event_handler(luigi.Event.SUCCESS)
@StudyTask.event_handler(luigi.Event.DEPENDENCY_PRESENT)
def say_what_lacks(task: StudyTask) -> None:
    """Log it once a run, also where there was nothing to do."""
    if task.snapshots:
        say_without_strips(task)
