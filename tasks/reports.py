"""The table, the pictures and the page of a grid, and what the page asks for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from pipeline import gallery
from pipeline.grid import Cell, RejectedCell
from pipeline.paths import gallery_file
from pipeline.report import PageFigure, ReportCell, grid_csv, index_html
from pipeline.series import Series
from pipeline.stores import GalleryStore, TextStore
from tasks.figures import ImageGrid, LossPlot
from tasks.report_files import CellReport, ReportTask, relative_path


class GridTable(CellReport):
    """The numbers of every cell."""

    def shows(self, cell: Cell | RejectedCell) -> bool:
        return True

    def output(self) -> TextStore:
        return TextStore(os.fspath(self.folder() / "grid.csv"))

    def run(self) -> None:
        self.output().dump(grid_csv(self.report_cells()))


class Gallery(ReportTask):
    """Every picture that the page shows, with its small version, so that the report's folder can be moved as it is.

    It asks for the table and not for the cells: that stands for all of them, and they are many to ask twice.
    """

    def requires(self) -> list[ReportTask]:
        return [self.clone(GridTable)]

    def output(self) -> GalleryStore:
        return GalleryStore(os.fspath(gallery_file(self.folder())))

    def run(self) -> None:
        cells = [(step.cell, step.output()) for step in self.clone(GridTable).requires()]
        shown = [(cell, store.picture_path()) for cell, store in cells if store.exists()]
        self.output().dump(gallery.fill(self.folder(), shown))

    def illustrated(self, cells: Iterable[ReportCell]) -> list[ReportCell]:
        """The report's cells with their pictures."""
        return gallery.illustrated(cells, self.output().load())


class GridReport(ReportTask):
    """The page of a grid, and everything it links to."""

    def requires(self) -> list[ReportTask]:
        plan = self.plan()
        backbones = dict.fromkeys(cell.backbone for cell in plan.cells)
        return [
            *(self.clone(LossPlot, content=content, style=style) for content, style in plan.pairs),
            *(self.clone(ImageGrid, backbone=backbone) for backbone in backbones),
            self.clone(Gallery),  # which asks for the table
        ]

    def output(self) -> TextStore:
        return TextStore(os.fspath(self.folder() / "index.html"))

    def run(self) -> None:
        steps, plan = self.requires(), self.plan()
        files = {step: relative_path(Path(step.output().path), self.folder()) for step in steps}
        plots = [step for step in steps if isinstance(step, LossPlot)]
        page = index_html(
            self.clone(Gallery).illustrated(self.clone(GridTable).report_cells()),
            title="Style transfer grid",
            pair_figures={
                (plot.content, plot.style): [PageFigure("Loss per iteration", files[plot])] for plot in plots
            },
            image_grids={Series(step.backbone): files[step] for step in steps if isinstance(step, ImageGrid)},
            missing_backbones=plan.missing,
            settings=plan.settings,
        )
        self.output().dump(page)
