"""The pictures and the page of a grid, and what the page asks for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace

from pipeline.grid.paths import gallery_file
from pipeline.grid.series import USUAL
from pipeline.nights.page import NightPage
from pipeline.outputs.stores import JsonStore, TextStore
from pipeline.report import gallery
from pipeline.report.fronts import weights_vary
from pipeline.report.networks import Compared, saved_iterations, worth_iterations
from pipeline.report.page import PageFigure, ReportCell, index_html
from pipeline.storage.sealed import FileRecord
from pipeline.votes.ballot import BALLOT, ballot_html, scenes
from tasks.figure_sets import FigureSet, figure_sets
from tasks.figures import FrontsPlot, ImageGrid, PairFigure, SummaryPlot, TrainingFigure
from tasks.report_task import ReportTask
from tasks.table import GridTable


class Gallery(ReportTask):
    """Every picture that the page shows, with its small version, so that the report's folder can be moved as it is.

    It asks for the table and not for the cells: that stands for all of them, and they are many to ask twice.
    """

    def requires(self) -> list[ReportTask]:
        return [self.clone(GridTable)]

    def output(self) -> JsonStore:
        return JsonStore(os.fspath(gallery_file(self.folder())))

    def draw(self) -> Mapping[str, FileRecord]:
        finished = self.clone(GridTable).finished_cells()
        shown = [(cell, store.picture_path(), store.picture_sha256()) for cell, store in finished]
        strips = {cell.digest: strip for cell, store in finished if (strip := store.strip())}
        index, files = gallery.fill(self.folder(), shown, self.record().whole_files(), strips)
        self.output().dump(index)
        return {**files, **self.written()}

    def shown_cells(self) -> list[ReportCell]:
        """How each of the grid's cells ended, with the pictures that pages show."""
        return gallery.illustrated(self.clone(GridTable).report_cells(), self.output().load())


class Ballot(ReportTask):
    """The page on which people vote on the grid's pictures without knowing whose they are."""

    def requires(self) -> list[ReportTask]:
        return [self.clone(Gallery)]

    def output(self) -> TextStore:
        return TextStore(os.fspath(self.folder() / BALLOT))

    def draw(self) -> None:
        cells = self.clone(Gallery).shown_cells()
        self.output().dump(ballot_html(cells, title=self.plan().title, grid=self.grid))


class GridReport(ReportTask):
    """The page of a grid, and everything it links to."""

    def requires(self) -> list[ReportTask]:
        plan = self.plan()
        return [
            *figure_sets(self),
            *(
                self.clone(ImageGrid, backbone=series.backbone, variant=series.variant, method=series.method)
                for series in dict.fromkeys(cell.series for cell in plan.cells)
                if len(plan.pairs) > 1 or not plan.varies  # else the table of variants has them all
            ),
            *([self.clone(SummaryPlot)] if plan.cells else []),
            *([self.clone(FrontsPlot)] if weights_vary(cell.config for cell in plan.cells) else []),
            *(
                self.clone(TrainingFigure, digest=digest)
                for digest in dict.fromkeys(cell.network.digest for cell in plan.cells if cell.network)
            ),
            self.clone(Gallery),  # which asks for the table
            *([self.clone(Ballot)] if self.has_ballot() else []),
        ]

    def has_ballot(self) -> bool:
        """Whether there is anything to choose between, if cells get done."""
        return len(self.plan().series) > 1

    def output(self) -> TextStore:
        return TextStore(os.fspath(self.folder() / "index.html"))

    def draw(self) -> None:
        self.output().dump(self.page())

    def shown_cells(self) -> list[ReportCell]:
        """How each of the grid's cells ended, with the pictures that the page shows."""
        pictures: Gallery = self.clone(Gallery)
        return pictures.shown_cells()

    def page(self, changes: NightPage | None = None) -> str:
        """The page as HTML; that of a night says at the top what changed."""
        dependencies, plan, cells = self.requires(), self.plan(), self.shown_cells()
        return index_html(
            cells,
            title=plan.title,
            pair_figures=_by_pair(
                figure for task in dependencies if isinstance(task, FigureSet) for figure in task.figures()
            ),
            image_grids={
                task.series: task.page_figure().picture for task in dependencies if isinstance(task, ImageGrid)
            },
            summary_figures=[task.page_figure() for task in dependencies if isinstance(task, SummaryPlot | FrontsPlot)],
            network_figures={
                task.digest: task.page_figure() for task in dependencies if isinstance(task, TrainingFigure)
            },
            compared=self.compared(),
            missing_backbones=plan.missing,
            settings=plan.settings,
            passed_over=plan.passed_over,
            ballot=BALLOT if changes is None and self.has_ballot() and scenes(cells) else "",
            changes=changes,
        )

    def compared(self) -> Compared:
        """The pictures of networks, and starts from them, with the usual start of the same cells."""
        table: GridTable = self.clone(GridTable)
        if all(series.is_usual for series in self.plan().series):
            return {}
        traces = {(cell.content, cell.style, cell.series): store.trace() for cell, store in table.finished_cells()}
        compare = {"feedforward": worth_iterations, "refine": saved_iterations}
        return {
            (content, style, series): compare[series.method](usual, trace)
            for (content, style, series), trace in traces.items()
            if series.method in compare
            and (usual := traces.get((content, style, replace(series, method=USUAL)))) is not None
        }


def _by_pair(dependencies: Iterable[PairFigure]) -> dict[tuple[str, str], list[PageFigure]]:
    figures: dict[tuple[str, str], list[PageFigure]] = {}
    for task in dependencies:
        figures.setdefault((task.content, task.style), []).append(task.page_figure())
    return figures
