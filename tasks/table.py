"""The numbers of a grid. Whoever shows them asks for this file: it stands for all cells and all that was measured."""

from __future__ import annotations

import os

import luigi

from pipeline.grid.cell import Cell, RejectedCell
from pipeline.outputs.stores import TextStore
from pipeline.report.table import grid_csv
from tasks.measures import MeasureCell, is_measured
from tasks.report_task import CellReport
from tasks.states import kept_meanwhile


class GridTable(CellReport):
    """The numbers of every cell."""

    def shows(self, cell: Cell | RejectedCell) -> bool:
        return True

    def requires(self) -> list[luigi.Task]:
        cells = (cell for cell in self.cells() if is_measured(cell))
        return [
            *super().requires(),
            *(MeasureCell.of(cell, self.output_dir, self.batch_size, **kept_meanwhile(self)) for cell in cells),
        ]

    def output(self) -> TextStore:
        return TextStore(os.fspath(self.folder() / "grid.csv"))

    def draw(self) -> None:
        self.output().dump(grid_csv(self.report_cells()))
