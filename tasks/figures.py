"""The figures of a grid's report. None of them needs an accelerator."""

from __future__ import annotations

import os
from collections.abc import Iterable

import luigi

from pipeline.backbone_labels import display_name
from pipeline.grid import Cell, RejectedCell
from pipeline.paths import image_grid_file, loss_plot_file
from pipeline.report import ReportCell
from pipeline.stores import FigureStore
from tasks.report_files import CellReport


class LossPlot(CellReport):
    """Loss per iteration of one pair of pictures, across backbones."""

    content: str = luigi.Parameter()
    style: str = luigi.Parameter()

    def shows(self, cell: Cell | RejectedCell) -> bool:
        return (cell.content, cell.style) == (self.content, self.style)

    def cells(self) -> Iterable[Cell]:
        return self.plan().pairs[(self.content, self.style)]

    def output(self) -> FigureStore:
        return FigureStore(os.fspath(loss_plot_file(self.folder(), self.content, self.style)))

    def run(self) -> None:
        from pipeline import plots  # Matplotlib takes longer to import than a finished grid to recognise

        traces = {step.backbone: step.output().trace() for step in self.requires() if step.output().exists()}
        notes = {cell.backbone: _remark(cell) for cell in self.report_cells()}
        self.output().dump(plots.loss_per_iteration(traces, title=f"{self.content} × {self.style}", notes=notes))


class ImageGrid(CellReport):
    """The pictures of one backbone, content x style."""

    backbone: str = luigi.Parameter()

    def shows(self, cell: Cell | RejectedCell) -> bool:
        return cell.backbone == self.backbone

    def output(self) -> FigureStore:
        return FigureStore(os.fspath(image_grid_file(self.folder(), self.backbone)))

    def run(self) -> None:
        from pipeline import plots

        steps = self.requires()
        done = {(step.content, step.style): step.output().picture() for step in steps if step.output().exists()}
        reasons = {(cell.content, cell.style): cell.reason for cell in self.report_cells() if cell.reason}
        contents = {step.content: step.cell.load_picture("content") for step in steps}
        styles = {step.style: step.cell.load_picture("style") for step in steps}
        notes = {step.output().manifest()["weights"]["note"] for step in steps if step.output().exists()} - {""}
        title = " — ".join((display_name(self.backbone), *notes))
        self.output().dump(plots.image_grid(done, contents=contents, styles=styles, title=title, missing=reasons))


def _remark(cell: ReportCell) -> str:
    """What has to be known to read a cell's curve."""
    return cell.manifest["weights"]["note"] if cell.manifest else f"failed: {cell.reason}"
