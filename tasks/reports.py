"""What people look at: plots, picture grids, the table and the page. None of them needs an accelerator."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import luigi

from pipeline.backbone_labels import display_name
from pipeline.grid import Cell, Grid, RejectedCell
from pipeline.paths import image_grid_file, loss_plot_file, plan_file, report_folder
from pipeline.report import ReportCell, grid_csv, index_html
from pipeline.stores import FigureStore, GridStore, TextStore
from tasks.parameters import batch_size, output_dir
from tasks.transfer import Transfer


class ReportTask(luigi.Task):
    """A file of a grid's report. It is complete while it is newer than everything it shows, like a target of `make`."""

    grid: str = luigi.Parameter(description="digest of the grid; its plan lies in the report's folder")
    output_dir: str = output_dir()
    batch_size: int = batch_size()

    def folder(self) -> Path:
        return report_folder(Path(self.output_dir), self.grid)

    def plan_store(self) -> GridStore:
        return GridStore(os.fspath(plan_file(self.folder())))

    def plan(self) -> Grid:
        return self.plan_store().load()

    def planned_at(self) -> float:
        return os.stat(self.plan_store().path).st_mtime

    def finished_at(self) -> float:
        return os.stat(self.output().path).st_mtime

    def complete(self) -> bool:
        steps = self.deps()
        return (
            self.output().exists()
            and all(step.complete() for step in steps)
            and self.finished_at() >= max([self.planned_at(), *(step.finished_at() for step in steps)])
        )


class CellReport(ReportTask):
    """A report that shows some of a grid's cells."""

    def shows(self, cell: Cell | RejectedCell) -> bool:
        raise NotImplementedError

    def cells(self) -> Iterable[Cell]:
        return (cell for cell in self.plan().cells if self.shows(cell))

    def requires(self) -> list[Transfer]:
        return [Transfer.of(cell, self.output_dir, self.batch_size) for cell in self.cells()]

    def report_cells(self) -> list[ReportCell]:
        """How each of the cells ended, those that were never tried included."""
        planned = [self._report_cell(step) for step in self.requires()]
        rejected = [cell for cell in self.plan().rejected if self.shows(cell)]
        return planned + [
            ReportCell(cell.content, cell.style, cell.backbone, "failed", None, reason=cell.reason) for cell in rejected
        ]

    def _report_cell(self, step: Transfer) -> ReportCell:
        names, store = (step.content, step.style, step.backbone), step.output()
        if not store.exists():
            return ReportCell(*names, "failed", None, reason=step.failure().reason())
        return ReportCell(*names, "done", store.manifest(), picture=_url(store.picture_path(), self.folder()))


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
        steps, plan = self.requires(), self.plan()
        files = {step: _url(Path(step.output().path), self.folder()) for step in steps}
        page = index_html(
            self.clone(GridTable).report_cells(),
            title="Style transfer grid",
            loss_plots={(step.content, step.style): files[step] for step in steps if isinstance(step, LossPlot)},
            image_grids={step.backbone: files[step] for step in steps if isinstance(step, ImageGrid)},
            missing_backbones=plan.missing,
            settings=plan.settings,
        )
        self.output().dump(page)


def _remark(cell: ReportCell) -> str:
    """What has to be known to read a cell's curve."""
    return cell.manifest["weights"]["note"] if cell.manifest else f"failed: {cell.reason}"


def _url(path: Path, folder: Path) -> str:
    """A file as the report's page links to it, before the quoting that the page does."""
    return Path(os.path.relpath(path, folder)).as_posix()
