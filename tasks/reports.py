"""The table and the page of a grid, and what the page asks for."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.grid import Cell, RejectedCell
from pipeline.report import grid_csv, index_html
from pipeline.stores import TextStore
from tasks.figures import ImageGrid, LossPlot, SummaryPlot, TermsPlot, TimePlot, VariantTable
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
        varies = any(cell.variant for cell in plan.cells)
        drawn = (VariantTable, LossPlot, TermsPlot, TimePlot) if varies else (LossPlot, TermsPlot, TimePlot)
        return [
            *(self.clone(plot, content=content, style=style) for plot in drawn for content, style in plan.pairs),
            *(
                self.clone(ImageGrid, backbone=series.backbone, variant=series.variant)
                for series in dict.fromkeys(cell.series for cell in plan.cells)
                if len(plan.pairs) > 1 or not varies  # else the table of variants has them all
            ),
            *([self.clone(SummaryPlot)] if plan.cells else []),
            self.clone(GridTable),
        ]

    def output(self) -> TextStore:
        return TextStore(os.fspath(self.folder() / "index.html"))

    def run(self) -> None:
        steps, plan = self.requires(), self.plan()
        files = {step: relative_path(Path(step.output().path), self.folder()) for step in steps}
        page = index_html(
            self.clone(GridTable).report_cells(),
            title=plan.title,
            loss_plots={(step.content, step.style): files[step] for step in steps if isinstance(step, LossPlot)},
            image_grids={
                step.series.label if step.variant else step.backbone: files[step]
                for step in steps
                if isinstance(step, ImageGrid)
            },
            missing_backbones=plan.missing,
            settings=plan.settings,
        )
        self.output().dump(page)
