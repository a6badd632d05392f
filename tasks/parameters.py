"""Parameters that carry the project's own values between tasks."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import luigi
from luigi.parameter import ParameterVisibility

from pipeline.cell import Cell


class CellParameter(luigi.Parameter):
    """A `pipeline.grid.Cell`. Not significant: the tasks that take one are told apart by the digest beside it."""

    def __init__(self) -> None:
        super().__init__(significant=False, visibility=ParameterVisibility.HIDDEN)

    def parse(self, text: str) -> Cell:
        return _cell(json.loads(text))

    def serialize(self, cell: Cell) -> str:
        return json.dumps(asdict(cell), sort_keys=True)


class CellsParameter(luigi.Parameter):
    """One cell or more, not significant either. Luigi makes a batch of tasks by joining their cells."""

    def __init__(self) -> None:
        super().__init__(significant=False, visibility=ParameterVisibility.HIDDEN, batch_method=_joined)

    def parse(self, text: str) -> tuple[Cell, ...]:
        return tuple(_cell(data) for data in json.loads(text))

    def serialize(self, cells: tuple[Cell, ...]) -> str:
        return json.dumps([asdict(cell) for cell in cells], sort_keys=True)


def joined_text(description: str) -> luigi.Parameter:
    """A text that a batch of tasks joins with commas."""
    return luigi.Parameter(description=description, batch_method=", ".join)


def output_dir() -> luigi.Parameter:
    """The folder that everything is written under."""
    return luigi.Parameter(
        default="outputs", significant=False, positional=False, description="folder that everything is written under"
    )


def on_missing_weights() -> luigi.Parameter:
    """What to do about a network that has none."""
    return luigi.ChoiceParameter(
        choices=["fail", "skip"],
        default="fail",
        positional=False,
        description="what to do about a backbone without trained weights",
    )


def batch_size() -> luigi.Parameter:
    """How many cells are evaluated together. Not significant: it changes a picture by no more than rounding does."""
    return luigi.IntParameter(
        default=1,
        significant=False,
        positional=False,
        description="cells that are evaluated together, for GPUs; a processor gains little from more than 1",
    )


def threshold(default: float, of_what: str) -> luigi.Parameter:
    """How much worse something may get."""
    return luigi.FloatParameter(default=default, significant=False, description=f"how much worse may get: {of_what}")


def _cell(data: dict[str, Any]) -> Cell:
    return Cell.from_dict(data)


def _joined(cells: Iterable[tuple[Cell, ...]]) -> tuple[Cell, ...]:
    return tuple(itertools.chain.from_iterable(cells))
