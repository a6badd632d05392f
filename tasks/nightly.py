"""The nightly grid: the same study every night, and what changed since the last one."""

from __future__ import annotations

import datetime
import logging
import os
from collections.abc import Iterator
from typing import Any, ClassVar

import luigi

from nstcore import StyleTransferError
from pipeline import storage
from pipeline.grid.paths import nights_folder
from pipeline.grid.study import Study, read_study
from pipeline.nights.archive import KeepRule, NightArchive
from pipeline.nights.changes import Thresholds
from pipeline.nights.night import Night, night_cells
from pipeline.nights.publish import prune, write_night
from pipeline.outputs.stores import TextStore
from pipeline.sharing.leases import in_turn, lease_beside
from pipeline.storage.places import place_at
from tasks.grid import FullGrid
from tasks.inputs import OutputFolder
from tasks.page import GridReport
from tasks.parameters import WholeNumberParameter, threshold
from tasks.study import FailedCell, StudyTask, say_passed_over

logger = logging.getLogger("luigi-interface")


class WorseCell(FailedCell):
    """A cell that a night left worse than the one before. It fails, so that Luigi's summary and exit status tell."""

    date: datetime.date = luigi.DateParameter(description="of the night")

    def line(self) -> str:
        return f"worse: {super().line()}"


class NightlyGrid(StudyTask):
    """A study, as of a date: its cells, its report, and what changed since the night before.

    A night is made once and is then frozen, whatever becomes of its study. One that was missed and is made later shows
    the study as it is then, compared with the latest night of an earlier date, whichever nights came after. Cells are
    shared with every other night and study, so a night on which nothing changed computes none.
    """

    date: datetime.date = luigi.DateParameter(description="of the night, such as 2025-10-31")
    config: str = luigi.Parameter(default="", description="the study's TOML file; without one, that of FullGrid")
    nights_dir: str = luigi.Parameter(
        default="", description="folder of the nights, one for each study; without one, nights in the output folder"
    )
    on_worse: str = luigi.ChoiceParameter(
        choices=["fail", "tell"],
        default="fail",
        significant=False,
        description="whether the run fails for a cell that got worse, or the page alone tells",
    )
    worse_loss: float = threshold("worse_loss", Thresholds.loss, "of the final loss, as a share: 0.05 is five percent")
    worse_time: float = threshold("worse_time", Thresholds.seconds, "of the time of a cell made again, as a share")
    worse_time_seconds: float = threshold(
        "worse_time_seconds", Thresholds.least_seconds, "and of that time in seconds besides"
    )
    worse_measure: float = threshold("worse_measure", Thresholds.measure, "of a measure, on its own scale")
    keep_nights: int = WholeNumberParameter(
        "keep_nights",
        1,
        default=KeepRule.last,
        significant=False,
        description="how many of the newest nights are kept",
    )
    keep_firsts: bool = luigi.BoolParameter(
        default=KeepRule.firsts,
        parsing=luigi.BoolParameter.EXPLICIT_PARSING,
        significant=False,
        description="whether the first night of each month is kept too",
    )

    # Each night is compared with the one before, so there is one at a time, the oldest first.
    resources: ClassVar[dict[str, int]] = {"night": 1}

    @property
    def priority(self) -> float:
        """More for earlier nights. Luigi knows none below 0, and from 1 on it would be that of other tasks."""
        return 1 - self.date.toordinal() / (datetime.date.max.toordinal() + 1)

    def study(self) -> Study:
        return read_study(self.config) if self.config else FullGrid().study()

    def source(self) -> str:
        return self.config

    def check(self) -> None:
        if not self.complete():  # a night that was made stays, whatever became of its study
            super().check()

    def archive(self) -> NightArchive:
        return NightArchive(place_at(self.nights_dir) if self.nights_dir else nights_folder(place_at(self.output_dir)))

    def folders(self) -> list[OutputFolder]:
        return [*super().folders(), OutputFolder(path=os.fspath(self.archive().folder))]

    def output(self) -> TextStore:
        return TextStore(self.page())

    def page(self) -> str:
        return os.fspath(self.archive().page(self.date))

    def complete(self) -> bool:
        try:
            archive = self.archive()
            return (archive.has(self.date) and not archive.damage(self.date)) or self.date in archive.pruned()
        except StyleTransferError:
            return False  # run() says what is wrong

    def run(self) -> Iterator[Any]:
        limits = Thresholds(self.worse_loss, self.worse_time, self.worse_time_seconds, self.worse_measure)
        rule = KeepRule(self.keep_nights, self.keep_firsts)
        report = self.planned_report()
        yield report
        say_passed_over(report)
        with in_turn(lease_beside(self.archive().folder / "nights")):  # also under schedulers of their own
            if damage := self.archive().damage(self.date):
                logger.warning("%s; set aside in %s, and made anew", damage, self.archive().set_aside(self.date))
            if not self.archive().has(self.date):
                top = write_night(self.archive(), self.night(report), report.folder(), report.page, limits)
                logger.info("night: %s: %s", self.page(), top.summary)
                prune(self.archive(), self.archive().load(self.date), rule)
        yield [*self.failed_cells(report), *self.worse_cells()]

    def night(self, report: GridReport) -> Night:
        """The study as a finished report shows it."""
        plan = report.plan()
        cells = night_cells(report.shown_cells(), lambda name: storage.sha256(report.folder() / name))
        return Night(self.date, plan.title, plan.settings, cells)

    def left_over(self) -> list[FailedCell]:
        return [*super().left_over(), *(self.worse_cells() if self.archive().has(self.date) else [])]

    def worse_cells(self) -> list[WorseCell]:
        """A task that fails for each cell that got worse."""
        if self.on_worse == "tell":
            return []
        return [WorseCell(*each, date=self.date) for each in self.archive().load(self.date).worse]
