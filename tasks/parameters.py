"""Parameters that carry the project's own values between tasks."""

from __future__ import annotations

import json
from dataclasses import asdict

import luigi
from luigi.parameter import ParameterVisibility

from nstcore import TransferConfig
from pipeline.grid import Cell


class CellParameter(luigi.Parameter):
    """A `pipeline.grid.Cell`. Not significant: the tasks that take one are told apart by the digest beside it."""

    def __init__(self) -> None:
        super().__init__(significant=False, visibility=ParameterVisibility.HIDDEN)

    def parse(self, text: str) -> Cell:
        data = json.loads(text)
        return Cell(**{**data, "config": TransferConfig.from_dict(data["config"])})

    def serialize(self, cell: Cell) -> str:
        return json.dumps(asdict(cell), sort_keys=True)


def output_dir() -> luigi.Parameter:
    """The folder that everything is written under."""
    return luigi.Parameter(default="outputs", significant=False, description="folder that everything is written under")
