"""The main job: content x style x backbone."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import luigi

from nstcore import BACKBONES, StyleTransferError, WeightsError
from pipeline.grid import Grid, check_names, expand, find_pictures, reject_bad_pictures
from pipeline.paths import plan_file, report_folder
from pipeline.stores import GridStore
from tasks.inputs import BackboneWeights
from tasks.outcome import CellFailed
from tasks.parameters import batch_size, output_dir
from tasks.reports import GridReport, GridTable

logger = logging.getLogger("luigi-interface")


class FailedCell(luigi.Task):
    """A cell that could not be made. It fails with the reason, so that Luigi's summary and exit status tell of it."""

    content: str = luigi.Parameter()
    style: str = luigi.Parameter()
    backbone: str = luigi.Parameter()
    reason: str = luigi.Parameter(significant=False)

    def complete(self) -> bool:
        return False

    def run(self) -> None:
        raise CellFailed(f"{self.content} × {self.style}, {self.backbone}: {self.reason}")


class FullGrid(luigi.Task):
    """Every content picture in every style through every backbone, with plots, picture grids, a table and a page."""

    content_dir: str = luigi.Parameter(default="inputs/content", description="folder of content pictures")
    style_dir: str = luigi.Parameter(default="inputs/style", description="folder of style pictures")
    backbones: str = luigi.Parameter(default=",".join(BACKBONES), description="names, separated by commas")
    preset: str = luigi.Parameter(default="balanced", description="named settings, see nstcore.presets")
    size: int = luigi.IntParameter(default=256, description="longest side of the pictures, pixels")
    iterations: int = luigi.IntParameter(default=100, description="iterations of the optimiser")
    weights: str = luigi.Parameter(default="imagenet", description='"imagenet", "random", a weights file, or a folder')
    settings: dict[str, Any] = luigi.DictParameter(
        default={}, description='other TransferConfig fields as JSON, such as {"style_weight": 20}'
    )
    on_missing_weights: str = luigi.ChoiceParameter(
        choices=["fail", "skip"], default="fail", description="what to do about a backbone without trained weights"
    )
    output_dir: str = output_dir()
    batch_size: int = batch_size()

    def requires(self) -> list[BackboneWeights]:
        try:
            check_names(self._backbones(), self.preset)
            for folder in (self.content_dir, self.style_dir):
                find_pictures(folder)
        except StyleTransferError:
            return []  # run() says what is wrong, and no weights are fetched for it
        return [
            BackboneWeights(backbone=name, weights=self.weights, output_dir=self.output_dir)
            for name in self._backbones()
            if name in BACKBONES
        ]

    def complete(self) -> bool:
        if not all(step.output().exists() for step in self.requires()):
            return False
        try:
            grid = self._expand()
        except StyleTransferError:
            return False  # run() says what is wrong
        plan = self._plan_store(grid.digest)
        return self._is_planned(grid) and not plan.load().rejected and self._report(grid).complete()

    def run(self) -> Iterator[Any]:
        grid = self._expand()
        if not self._is_planned(grid):
            self._plan_store(grid.digest).dump(reject_bad_pictures(grid))
        report = self._report(grid)
        yield report
        failed = [cell for cell in report.clone(GridTable).report_cells() if cell.status == "failed"]
        yield [
            FailedCell(content=cell.content, style=cell.style, backbone=cell.backbone, reason=cell.reason)
            for cell in failed
        ]

    def _expand(self) -> Grid:
        overrides = {"size": self.size, "iterations": self.iterations, "weights": self.weights, **self.settings}
        found = {step.backbone: step.output().load().sha256 for step in self.requires() if step.output().exists()}
        missing = {step.backbone: step.failure().reason() for step in self.requires() if step.backbone not in found}
        if missing and self.on_missing_weights == "fail":
            raise WeightsError(" ".join(missing.values()))
        folders = (self.content_dir, self.style_dir)
        return expand(*folders, self._backbones(), self.preset, overrides, found, missing)

    def _backbones(self) -> list[str]:
        return [name.strip() for name in self.backbones.split(",")]

    def _report(self, grid: Grid) -> GridReport:
        return GridReport(grid=grid.digest, output_dir=self.output_dir, batch_size=self.batch_size)

    def _is_planned(self, grid: Grid) -> bool:
        plan = self._plan_store(grid.digest)
        return plan.exists() and plan.load().answers(grid)

    def _plan_store(self, digest: str) -> GridStore:
        return GridStore(os.fspath(plan_file(report_folder(Path(self.output_dir), digest))))


@FullGrid.event_handler(luigi.Event.SUCCESS)
def say_where(task: FullGrid) -> None:
    """Log where the page of a finished grid lies."""
    logger.info("report: %s", task._report(task._expand()).output().path)
