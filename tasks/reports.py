"""The table and the page of a grid, and what the page asks for."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.grid import Cell, RejectedCell
from pipeline.night_page import NightPage
from pipeline.report import ReportCell, grid_csv, index_html
from pipeline.stores import TextStore
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


class GridReport(ReportTask):
    """The page of a grid, and everything it links to."""

    def requires(self) -> list[ReportTask]:
        plan = self.plan()
        backbones = dict.fromkeys(cell.backbone for cell in plan.cells)
        return [
            *(self.clone(LossPlot, content=content, style=style) for content, style in plan.pairs),
            *(self.clone(ImageGrid, backbone=backbone) for backbone in backbones),
            self.clone(GridTable),
        ]

    def output(self) -> TextStore:
        return TextStore(os.fspath(self.folder() / "index.html"))

    def run(self) -> None:
        self.output().dump(self.page())

    def shown_cells(self) -> list[ReportCell]:
        """How each of the grid's cells ended, as the page shows them."""
        table: GridTable = self.clone(GridTable)
        return table.report_cells()

    def page(self, changes: NightPage | None = None) -> str:
        """The page as HTML; that of a night says at the top what changed."""
        steps, plan = self.requires(), self.plan()
        files = {step: relative_path(Path(step.output().path), self.folder()) for step in steps}
        return index_html(
            self.shown_cells(),
            title=plan.title,
            loss_plots={(step.content, step.style): files[step] for step in steps if isinstance(step, LossPlot)},
            image_grids={step.backbone: files[step] for step in steps if isinstance(step, ImageGrid)},
            missing_backbones=plan.missing,
            settings=plan.settings,
            changes=changes,
        )
