"""The papers reproduced: every paper's settings as studies, a page for each, and one that says claim by claim."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import luigi

from nstcore import ConfigError, StyleTransferError
from nstcore.feedforward.photographs import find_photographs
from pipeline.grid.feedforward import PHOTOGRAPHS, Training, photographs_folder
from pipeline.grid.paths import papers_folder
from pipeline.grid.picture_folder import find_pictures
from pipeline.grid.study import Study
from pipeline.outputs.made import DRAWN_VERSION, MadeRecord, digest_of
from pipeline.outputs.stores import TextStore, VerdictsStore
from pipeline.papers import PAPERS, Paper, Setup, choose
from pipeline.papers.page import judge, overview_html, page_name, paper_html
from pipeline.papers.setup import (
    LARGE_CONTENTS,
    LARGE_FEWER_CONTENTS,
    LARGE_FEWER_STYLES,
    LARGE_SEEDS,
    LARGE_STYLES,
    SAMPLE_PORTRAITS,
    USUAL_CONTENT,
    USUAL_STYLE,
)
from pipeline.sharing.shared_run import join
from pipeline.storage.places import place_at
from pipeline.storage.sealed import records_of
from tasks.completion_cache import completions_remembered
from tasks.paper_computed import ComputedPictures
from tasks.paper_files import evidence_of, reports_of, write_figures
from tasks.parameters import (
    NamesParameter,
    SettingsParameter,
    WholeNumberParameter,
    batch_size,
    on_missing_weights,
    output_dir,
)
from tasks.states import keep_state, snapshots, state_every
from tasks.study import FailedCell, StudyTask

logger = logging.getLogger("luigi-interface")


class PaperTask(luigi.Task):
    """What all tasks of the papers have in common: the pictures, the scale, and where the pages lie."""

    paper: str = luigi.ChoiceParameter(choices=["all", *PAPERS], default="all", description="which paper")
    content_dir: str = luigi.Parameter(default="inputs/content", description="folder of content pictures")
    style_dir: str = luigi.Parameter(default="inputs/style", description="folder of style pictures")
    content: str = luigi.Parameter(default="", description=f"name of the content picture; empty: {USUAL_CONTENT}")
    style: str = luigi.Parameter(default="", description=f"name of the style picture; empty: {USUAL_STYLE}")
    contents: tuple[str, ...] = NamesParameter("contents", default=(), description="several content pictures, as JSON")
    styles: tuple[str, ...] = NamesParameter("styles", default=(), description="several style pictures, as JSON")
    portraits: tuple[str, ...] = NamesParameter(
        "portraits",
        default=SAMPLE_PORTRAITS,
        description="which content pictures are portraits, as JSON; those that are there count",
    )
    large: bool = luigi.BoolParameter(description="many pairs of sample pictures at 256 px")
    papers_own_size: bool = luigi.BoolParameter(description="each paper's own size and iterations; for a GPU")
    size: int = WholeNumberParameter("size", 0, default=0, description="longest side, pixels; 0: what suits the paper")
    iterations: int = WholeNumberParameter(
        "iterations", 0, default=0, description="iterations of the optimiser; 0: what suits the paper"
    )
    weights: str = luigi.Parameter(default="imagenet", description='"imagenet", "random" or a folder of weights files')
    settings: dict[str, Any] = SettingsParameter(default={}, description="other TransferConfig fields, as JSON")
    on_missing_weights: str = on_missing_weights()
    photographs_dir: str = luigi.Parameter(
        default="", description=f"folder of pictures to train networks on; empty: {PHOTOGRAPHS}, else the contents"
    )
    output_dir: str = output_dir()
    batch_size: int = batch_size()
    state_every: int = state_every()
    keep_state: bool = keep_state()
    snapshots: int = snapshots()

    def setup(self) -> Setup:
        contents = self.contents or (LARGE_CONTENTS if self.large else (self.content or USUAL_CONTENT,))
        styles = self.styles or (LARGE_STYLES if self.large else (self.style or USUAL_STYLE,))
        return Setup(
            content_dir=self.content_dir,
            style_dir=self.style_dir,
            contents=contents,
            styles=styles,
            portraits=_there(self.content_dir, self.portraits),
            seeds=LARGE_SEEDS if self.large else (0,),
            fewer_contents=LARGE_FEWER_CONTENTS if self.large and not self.contents else (),
            fewer_styles=LARGE_FEWER_STYLES if self.large and not self.styles else (),
            large=self.large,
            own_size=self.papers_own_size,
            size=self.size,
            iterations=self.iterations,
            weights=self.weights,
            settings=dict(self.settings),
            photographs_dir=self.photographs_dir,
            trains=bool(self.photographs_dir) or _trains(self.content_dir),
        )


def _there(folder: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of some pictures that a folder has."""
    try:
        found = find_pictures(folder).pictures
    except StyleTransferError:
        return ()  # the studies say what is wrong
    return tuple(name for name in names if name in found)


def _trains(content_dir: str) -> bool:
    """Whether there are photographs to train networks on where a person names none."""
    try:
        find_photographs(photographs_folder(Training(), content_dir))
    except StyleTransferError:
        return False
    return True


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

    def identity(self) -> str:
        """What the paper's page shows of the study."""
        return self.report(self.grid()).identity()


class PaperPage(PaperTask):
    """The page of one paper, with its figures, and its verdicts for the overview."""

    folder: str = luigi.Parameter(description="where the pages of the same setup lie")

    def requires(self) -> list[luigi.Task]:
        studies = self.studies()
        if studies:
            # Even where the page is found complete, and its studies never asked: by what failed in a run of others
            # that is not ours it would be so only until they end.
            join(self.output_dir)
        return [*studies, *self.computed()]

    def studies(self) -> list[PaperStudy]:
        """Those that there are pictures for."""
        return [self.clone(PaperStudy, name=name) for name in self.setup().studies(self.known())]

    def computed(self) -> list[ComputedPictures]:
        """Of every pair, where there are trained networks to judge."""
        setup = self.setup()
        if setup.weights == "random":
            return []
        size = setup.scale(self.known()).size
        return [
            ComputedPictures(
                content_dir=setup.content_dir,
                style_dir=setup.style_dir,
                content=content,
                style=style,
                size=size,
                output_dir=self.output_dir,
            )
            for content, style in setup.pairs
        ]

    def output(self) -> VerdictsStore:
        return VerdictsStore(os.fspath(self.page_file().with_suffix(".json")))

    def page_file(self) -> PurePath:
        return place_at(self.folder) / page_name(self.paper)

    def record(self) -> MadeRecord:
        """What is noted of the page and what belongs to it."""
        return MadeRecord(place_at(self.folder), page_name(self.paper))

    def identity(self) -> str:
        """What the page is to show: the studies as they are now, and how it was asked for."""
        return digest_of(DRAWN_VERSION, self.setup().digest(), [task.identity() for task in self.requires()])

    def complete(self) -> bool:
        """Whether page and verdicts are there, and show what they should."""
        try:
            with completions_remembered():
                return all(task.complete() for task in self.requires()) and self.record().vouches_for(self.identity())
        except StyleTransferError:
            return False  # run() says what is wrong

    def run(self) -> None:
        for line in self.record().take_away_damaged():
            logger.warning("%s; it is made anew", line)
        paper, setup, folder, identity = self.known(), self.setup(), place_at(self.folder), self.identity()
        evidence = evidence_of({study.name: study for study in self.studies()}, setup, self.computed())
        summary = judge(paper, setup, evidence)
        figures = write_figures(paper, evidence, folder)
        page = paper_html(paper, setup, evidence, summary, figures, reports_of(self.studies(), folder))
        TextStore(os.fspath(self.page_file())).dump(page)
        self.output().dump(summary)
        drawn = [path for shown in figures.values() for each in shown for path in (each.picture, each.vector)]
        names = [self.page_file().name, place_at(self.output().path).name, *drawn]
        self.record().write(identity, records_of(folder, names))

    def known(self) -> Paper:
        return PAPERS[self.paper]


class PaperFigures(PaperTask):
    """The papers reproduced: for each table and figure ours beside theirs, and claim by claim what became of it."""

    def requires(self) -> list[PaperPage]:
        return [self.clone(PaperPage, paper=paper.key, folder=str(self.folder())) for paper in choose(self.paper)]

    def studies(self) -> list[PaperStudy]:
        """Every study of every paper that is asked for."""
        return [study for page in self.requires() for study in page.studies()]

    def check(self) -> None:
        """See that some of every study can be made. A cell that cannot is told on its paper's page.

        Raises:
            StyleTransferError: for the first study of which nothing can, or for pictures that would be passed over.
        """
        self._require_one_choice("content", self.content, self.contents)
        self._require_one_choice("style", self.style, self.styles)
        for study in self.studies():
            study.check()

    def _require_one_choice(self, name: str, one: str, several: tuple[str, ...]) -> None:
        """See that a picture that a person names is taken.

        Raises:
            ConfigError: if several are named too, or the large set is asked for.
        """
        if one and (several or self.large):
            instead = f"--{name}s" if several else "--large"
            raise ConfigError(
                f"--{name} names one picture and {instead} takes others; give one of the two. Received: {one}"
            )

    def cells_made(self) -> tuple[int, int]:
        """How many cells of all its studies are made, and how many there are."""
        counts = [study.cells_made() for study in self.studies()]
        return sum(made for made, _ in counts), sum(planned for _, planned in counts)

    def folder(self) -> PurePath:
        return papers_folder(place_at(self.output_dir), self.paper, self.setup().digest())

    def output(self) -> TextStore:
        return TextStore(os.fspath(self.folder() / "index.html"))

    def record(self) -> MadeRecord:
        """What is noted of the overview."""
        return MadeRecord(self.folder(), place_at(self.output().path).name)

    def identity(self) -> str:
        """What the overview is to show."""
        return digest_of(DRAWN_VERSION, [page.identity() for page in self.requires()])

    def complete(self) -> bool:
        try:
            with completions_remembered():
                whole = all(task.complete() for task in self.requires()) and self.record().vouches_for(self.identity())
                return whole and not self.failed()
        except StyleTransferError:
            return False  # run() says what is wrong

    def run(self) -> Iterator[Any]:
        for line in self.record().take_away_damaged():
            logger.warning("%s; it is made anew", line)
        identity = self.identity()
        self.output().dump(overview_html(self.paper, self.summaries(), self.setup()))
        self.record().write(identity, records_of(self.folder(), [place_at(self.output().path).name]))
        logger.info("papers: %s", self.output().path)
        yield self.failed()

    def summaries(self) -> list[dict[str, Any]]:
        return [task.output().load() for task in self.requires()]

    def left_over(self) -> list[FailedCell]:
        """What this task's own run would end with: for whoever did not run it."""
        return self.failed() if self.output().exists() else []

    def failed(self) -> list[FailedCell]:
        return [FailedCell(*cell) for summary in self.summaries() for cell in summary["failed"]]


@PaperFigures.event_handler(luigi.Event.SUCCESS)
def say_where(task: PaperFigures) -> None:
    """Log where the page lies, last of all."""
    logger.info("papers: %s", task.output().path)
