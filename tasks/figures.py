"""The figures of a grid's report. None of them needs an accelerator.

`plots` is imported when a task runs: Matplotlib takes longer to import than a finished grid to recognise.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import luigi

from nstcore import Trace, TransferConfig
from nstcore.feedforward.training_trace import TrainingTrace
from pipeline.grid.cell import Cell, RejectedCell
from pipeline.grid.paths import (
    fronts_file,
    image_grid_file,
    loss_plot_file,
    network_folder,
    summary_file,
    terms_plot_file,
    time_plot_file,
    training_figure_file,
    variants_file,
)
from pipeline.grid.series import METHODS, USUAL, Series, Variant
from pipeline.outputs.made import digest_of
from pipeline.outputs.network_store import NetworkStore
from pipeline.outputs.stores import FigureStore, VectorFigureStore
from pipeline.report.cell import weights_note
from pipeline.report.networks import trained
from pipeline.report.page import PageFigure, ReportCell
from pipeline.storage.places import place_at
from tasks.completion_cache import remembered
from tasks.report_task import CellReport, relative_path
from tasks.table import GridTable


class FigureTask(CellReport):
    """A figure of some of a grid's cells."""

    def caption(self) -> str:
        """What the figure shows, a few words."""
        raise NotImplementedError

    def output(self) -> FigureStore:
        raise NotImplementedError

    def page_figure(self) -> PageFigure:
        """The figure as the report's page shows it."""
        store = self.output()
        vector = store.vector().path if isinstance(store, VectorFigureStore) else ""
        picture = relative_path(place_at(store.path), self.folder())
        return PageFigure(self.caption(), picture, vector and relative_path(place_at(vector), self.folder()))


class PairFigure(FigureTask):
    """A figure of one pair of pictures, across backbones and settings."""

    content: str = luigi.Parameter()
    style: str = luigi.Parameter()

    def shows(self, cell: Cell | RejectedCell) -> bool:
        return (cell.content, cell.style) == (self.content, self.style)

    def cells(self) -> Iterable[Cell]:
        return self.plan().pairs[(self.content, self.style)]

    def stem(self) -> str:
        """What its file is named."""
        return self.plan().pair_stems[(self.content, self.style)]

    def title(self) -> str:
        return f"{self.content} × {self.style}"

    def traces(self) -> dict[Series, Trace]:
        return {cell.series: store.trace() for cell, store in self.finished_cells()}

    def configs(self) -> dict[Series, TransferConfig]:
        return {cell.series: cell.config for cell in self.cells()}

    def notes(self) -> dict[Series, str]:
        """What has to be known to read the curves."""
        return {cell.series: _remark(cell) for cell in self.report_cells()}


class LossPlot(PairFigure):
    """Loss per iteration of one pair of pictures."""

    def caption(self) -> str:
        return "Loss per iteration"

    def output(self) -> VectorFigureStore:
        return VectorFigureStore(os.fspath(loss_plot_file(self.folder(), self.stem())))

    def draw(self) -> None:
        from pipeline.report import plots

        self.output().dump(plots.loss_per_iteration(self.traces(), title=self.title(), notes=self.notes()))


class TermsPlot(PairFigure):
    """The terms of the loss per iteration of one pair of pictures."""

    def caption(self) -> str:
        return "Terms of the loss per iteration"

    def output(self) -> VectorFigureStore:
        return VectorFigureStore(os.fspath(terms_plot_file(self.folder(), self.stem())))

    def draw(self) -> None:
        from pipeline.report import plots

        traces, configs = self.traces(), self.configs()
        self.output().dump(plots.terms_per_iteration(traces, configs, title=self.title(), notes=self.notes()))


class TimePlot(PairFigure):
    """Time per iteration, and loss over time, of one pair of pictures."""

    def caption(self) -> str:
        return "Time per iteration, loss over time"

    def output(self) -> VectorFigureStore:
        return VectorFigureStore(os.fspath(time_plot_file(self.folder(), self.stem())))

    def draw(self) -> None:
        from pipeline.report import plots

        notes = {cell.series: _remark(cell, _batch(cell)) for cell in self.report_cells()}
        self.output().dump(plots.time_and_loss(self.traces(), title=self.title(), notes=notes))


class VariantTable(PairFigure):
    """The pictures of one pair, across all that the study varies."""

    def caption(self) -> str:
        return "Pictures by what varies"

    def output(self) -> FigureStore:
        return FigureStore(os.fspath(variants_file(self.folder(), self.stem())))

    def draw(self) -> None:
        from pipeline.report import plots

        pictures = {cell.series: store.picture() for cell, store in self.finished_cells()}
        reasons = {cell.series: cell.reason for cell in self.report_cells() if cell.reason}
        series = self.plan().series
        self.output().dump(plots.variant_table(pictures, series, title=self.title(), missing=reasons))


class SummaryPlot(FigureTask):
    """Medians and spread of a whole grid."""

    def caption(self) -> str:
        return "Summary of all pairs"

    def shows(self, cell: Cell | RejectedCell) -> bool:
        return True

    def requires(self) -> list[GridTable]:
        return [self.clone(GridTable)]

    def output(self) -> VectorFigureStore:
        return VectorFigureStore(os.fspath(summary_file(self.folder())))

    def draw(self) -> None:
        from pipeline.report.plots import SummaryCell, grid_summary

        traces = {(cell.content, cell.style, cell.series): store.trace() for cell, store in self.finished_cells()}
        cells = [
            SummaryCell(cell.series, traces.get((cell.content, cell.style, cell.series)), cell.measures or {})
            for cell in self.report_cells()
        ]
        self.output().dump(grid_summary(cells, title=f"Summary of {len(cells)} cells"))


class TrainingFigure(FigureTask):
    """How one network of a grid was trained.

    It asks for the cells that the network made, and not for the network: of cells that are done none is trained again.
    """

    digest: str = luigi.Parameter(description="of the network")

    def shows(self, cell: Cell | RejectedCell) -> bool:
        return isinstance(cell, Cell) and cell.network is not None and cell.network.digest == self.digest

    @property
    def cell(self) -> Cell:
        """Any that the network makes."""
        return next(iter(self.cells()))

    @remembered
    def identity(self) -> str:
        return digest_of(super().identity(), self.network().identity())

    def network(self) -> NetworkStore:
        """Where the network is."""
        cell = self.cell
        return NetworkStore(network_folder(place_at(self.output_dir), cell.style, cell.backbone, self.digest))

    def caption(self) -> str:
        return f"Training for {self.cell.style}, {self.cell.series.losses_label}"

    def output(self) -> VectorFigureStore:
        cell = self.cell
        return VectorFigureStore(os.fspath(training_figure_file(self.folder(), cell.style, cell.backbone, self.digest)))

    def draw(self) -> None:
        from pipeline.report import plots

        store = self.network()
        trace, frames = (store.trace(), store.frames()) if store.exists() else (TrainingTrace(()), [])
        self.output().dump(plots.training_figure(trace, frames, title=self.caption()))


class FrontsPlot(FigureTask):
    """What the weights of a grid trade: style left against content lost."""

    def caption(self) -> str:
        return "Style left against content lost"

    def shows(self, cell: Cell | RejectedCell) -> bool:
        return isinstance(cell, Cell)

    def requires(self) -> list[GridTable]:
        return [self.clone(GridTable)]

    def output(self) -> VectorFigureStore:
        return VectorFigureStore(os.fspath(fronts_file(self.folder())))

    def draw(self) -> None:
        from pipeline.report.fronts import WeighedCell
        from pipeline.report.plots import pareto_fronts

        measures = {(cell.content, cell.style, cell.series): cell.measures or {} for cell in self.report_cells()}
        cells = [
            WeighedCell(
                (cell.content, cell.style), cell.series, cell.config, measures[cell.content, cell.style, cell.series]
            )
            for cell in self.cells()
        ]
        self.output().dump(pareto_fronts(cells, title="Style left against content lost"))


class ImageGrid(FigureTask):
    """The pictures of one backbone with one set of settings, content x style."""

    backbone: str = luigi.Parameter()
    variant: Variant = luigi.TupleParameter(default=(), description="what a study varied: [[name, value], …]")
    method: str = luigi.Parameter(default=USUAL, description=f"how pictures come about: {', '.join(METHODS)}")

    @property
    def series(self) -> Series:
        return Series(self.backbone, self.variant, self.method)

    def caption(self) -> str:
        return self.series.label

    def shows(self, cell: Cell | RejectedCell) -> bool:
        return cell.series == self.series

    def output(self) -> FigureStore:
        return FigureStore(os.fspath(image_grid_file(self.folder(), self.series)))

    def draw(self) -> None:
        from pipeline.report import plots

        finished, cells = self.finished_cells(), list(self.cells())
        done = {(cell.content, cell.style): store.picture() for cell, store in finished}
        reasons = {(cell.content, cell.style): cell.reason for cell in self.report_cells() if cell.reason}
        contents = {cell.content: cell.load_picture("content") for cell in cells}
        styles = {cell.style: cell.load_picture("style") for cell in cells}
        notes = {weights_note(store.manifest()) for _, store in finished} - {""}
        title = " — ".join((self.series.label, *sorted(notes)))
        self.output().dump(plots.image_grid(done, contents=contents, styles=styles, title=title, missing=reasons))


def _remark(cell: ReportCell, *others: str) -> str:
    """What has to be known to read a cell's curve."""
    remarks = [weights_note(cell.manifest), trained(cell), *others] if cell.manifest else [f"failed: {cell.reason}"]
    return "; ".join(filter(None, remarks))


def _batch(cell: ReportCell) -> str:
    """What has to be known to read its times, too."""
    size = cell.manifest["result"].get("batch_size", 1) if cell.manifest else 1
    return f"in a batch of {size}, whose time is shown" if size > 1 else ""
