"""The papers reproduced: every paper's settings as studies, a page for each, and one that says claim by claim."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import luigi

from pipeline.grid.paths import papers_folder
from pipeline.grid.study import Study
from pipeline.papers import PAPERS, Paper, Setup, choose
from pipeline.papers.page import judge, overview_html, page_name, paper_html
from pipeline.stores import JsonStore, TextStore
from tasks.paper_files import evidence_of, reports_of, write_figures
from tasks.parameters import SettingsParameter, batch_size, on_missing_weights, output_dir
from tasks.study import FailedCell, StudyTask

logger = logging.getLogger("luigi-interface")


class PaperTask(luigi.Task):
    """What all tasks of the papers have in common: the pictures, the scale, and where the pages lie."""

    paper: str = luigi.ChoiceParameter(choices=["all", *PAPERS], default="all", description="which paper")
    content_dir: str = luigi.Parameter(default="inputs/content", description="folder of content pictures")
    style_dir: str = luigi.Parameter(default="inputs/style", description="folder of style pictures")
    content: str = luigi.Parameter(default="china", description="name of the content picture")
    style: str = luigi.Parameter(default="brushwork", description="name of the style picture")
    papers_own_size: bool = luigi.BoolParameter(description="each paper's own size and iterations; for a GPU")
    size: int = luigi.IntParameter(default=0, description="longest side, pixels; 0: what suits the paper")
    iterations: int = luigi.IntParameter(default=0, description="iterations of the optimiser; 0: what suits the paper")
    weights: str = luigi.Parameter(default="imagenet", description='"imagenet", "random" or a folder of weights files')
    settings: dict[str, Any] = SettingsParameter(default={}, description="other TransferConfig fields, as JSON")
    on_missing_weights: str = on_missing_weights()
    output_dir: str = output_dir()
    batch_size: int = batch_size()

    def setup(self) -> Setup:
        return Setup(
            self.content_dir,
            self.style_dir,
            self.content,
            self.style,
            self.papers_own_size,
            self.size,
            self.iterations,
            self.weights,
            dict(self.settings),
        )


class PaperStudy(PaperTask, StudyTask):
    """One study of a paper. A cell that fails does not fail it, since the paper's page says so."""

    name: str = luigi.Parameter(description="which of the paper's studies")

    def study(self) -> Study:
        return self.setup().study(PAPERS[self.paper], self.name)

    def _complete(self) -> bool:
        grid = self.grid()
        found = all(task.complete() for task in self.networks())
        return found and self._is_planned(grid) and self.report(grid).complete()

    def run(self) -> Iterator[Any]:
        yield self.planned_report()

    def finished_at(self) -> float:
        return self.report(self.grid()).finished_at()


class PaperPage(PaperTask):
    """The page of one paper, with its figures, and its verdicts for the overview."""

    folder: str = luigi.Parameter(description="where the pages of the same setup lie")

    def requires(self) -> list[PaperStudy]:
        return [self.clone(PaperStudy, name=name) for name in self.known().studies]

    def output(self) -> JsonStore:
        return JsonStore(os.fspath(self.page_file().with_suffix(".json")))

    def page_file(self) -> Path:
        return Path(self.folder) / page_name(self.paper)

    def complete(self) -> bool:
        """Whether page and verdicts are there, and newer than everything they show."""
        if not self.output().exists() or not self.page_file().exists():
            return False
        dependencies = self.requires()
        return all(task.complete() for task in dependencies) and all(
            self.finished_at() >= task.finished_at() for task in dependencies
        )

    def run(self) -> None:
        paper, setup, folder = self.known(), self.setup(), Path(self.folder)
        evidence = evidence_of({study.name: study for study in self.requires()})
        summary = judge(paper, setup, evidence)
        figures = write_figures(paper, evidence, folder)
        page = paper_html(paper, setup, evidence, summary, figures, reports_of(self.requires(), folder))
        TextStore(os.fspath(self.page_file())).dump(page)
        self.output().dump(summary)

    def known(self) -> Paper:
        return PAPERS[self.paper]

    def finished_at(self) -> float:
        return os.stat(self.output().path).st_mtime


class PaperFigures(PaperTask):
    """The papers reproduced: for each table and figure ours beside theirs, and claim by claim what became of it."""

    def requires(self) -> list[PaperPage]:
        return [self.clone(PaperPage, paper=paper.key, folder=str(self.folder())) for paper in choose(self.paper)]

    def studies(self) -> list[PaperStudy]:
        """Every study of every paper that is asked for."""
        return [study for page in self.requires() for study in page.requires()]

    def check(self) -> None:
        """See that some of every study can be made. A cell that cannot is told on its paper's page.

        Raises:
            StyleTransferError: for the first study of which nothing can.
        """
        for study in self.studies():
            study.check()

    def cells_made(self) -> tuple[int, int]:
        """How many cells of all its studies are made, and how many there are."""
        counts = [study.cells_made() for study in self.studies()]
        return sum(made for made, _ in counts), sum(planned for _, planned in counts)

    def folder(self) -> Path:
        return papers_folder(Path(self.output_dir), self.paper, self.setup().digest())

    def output(self) -> TextStore:
        return TextStore(os.fspath(self.folder() / "index.html"))

    def complete(self) -> bool:
        dependencies = self.requires()
        if not self.output().exists() or not all(task.complete() for task in dependencies) or self.failed():
            return False
        return os.stat(self.output().path).st_mtime >= max(task.finished_at() for task in dependencies)

    def run(self) -> Iterator[Any]:
        self.output().dump(overview_html(self.summaries(), self.setup()))
        logger.info("papers: %s", self.output().path)
        yield self.failed()

    def summaries(self) -> list[dict[str, Any]]:
        return [task.output().load() for task in self.requires()]

    def failed(self) -> list[FailedCell]:
        return [FailedCell(*cell) for summary in self.summaries() for cell in summary["failed"]]


@PaperFigures.event_handler(luigi.Event.SUCCESS)
def say_where(task: PaperFigures) -> None:
    """Log where the page lies, last of all."""
    logger.info("papers: %s", task.output().path)
