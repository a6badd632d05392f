"""Parameters that carry the project's own values between tasks."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from typing import Any

import luigi
from luigi.parameter import ParameterVisibility

from nstcore import ConfigError
from nstcore.checks import LARGEST, expected, whole_number
from pipeline.grid.cell import Cell


class CellParameter(luigi.Parameter):
    """A `Cell`. Not significant: the tasks that take one are told apart by the digest beside it."""

    def __init__(self) -> None:
        super().__init__(significant=False, visibility=ParameterVisibility.HIDDEN)

    def parse(self, text: str) -> Cell:
        return _cell(json.loads(text))

    def serialize(self, cell: Cell) -> str:
        return json.dumps(cell.to_dict(), sort_keys=True)


class CellsParameter(luigi.Parameter):
    """One cell or more, not significant either. Luigi makes a batch of tasks by joining their cells."""

    def __init__(self) -> None:
        super().__init__(significant=False, visibility=ParameterVisibility.HIDDEN, batch_method=_joined)

    def parse(self, text: str) -> tuple[Cell, ...]:
        return tuple(_cell(data) for data in json.loads(text))

    def serialize(self, cells: tuple[Cell, ...]) -> str:
        return json.dumps([cell.to_dict() for cell in cells], sort_keys=True)


class SettingsParameter(luigi.DictParameter):
    """Fields of `TransferConfig` by name. Their values are checked by the study that takes them."""

    def normalize(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise ConfigError(expected("settings", "names with values", value))
        try:
            frozen = super().normalize(value)
            self.serialize(frozen)
        except (TypeError, ValueError, RecursionError) as error:
            raise ConfigError(expected("settings", "what JSON can hold", value)) from error
        return frozen


class NamesParameter(luigi.ListParameter):
    """Names of pictures, as a JSON list: a name may hold any letter."""

    def __init__(self, name: str, **others: Any) -> None:
        super().__init__(**others)
        self._name = name

    def parse(self, text: str) -> Any:
        try:
            return self.normalize(json.loads(text))
        except (ValueError, RecursionError):
            raise ConfigError(expected(self._name, 'names as a JSON list, such as ["china"]', text)) from None

    def normalize(self, value: Any) -> Any:
        if not isinstance(value, list | tuple) or not all(isinstance(each, str) and each for each in value):
            raise ConfigError(expected(self._name, 'names as a JSON list, such as ["china"]', value))
        return tuple(value)


class WholeNumberParameter(luigi.IntParameter):
    """A whole number that may not be too small, nor too large."""

    def __init__(self, name: str, least: int, most: int = LARGEST, **others: Any) -> None:
        super().__init__(**others)
        self._name, self._least, self._most = name, least, most

    def normalize(self, value: Any) -> Any:
        whole_number(self._name, value, self._least, most=self._most)
        return super().normalize(value)


class ThresholdParameter(luigi.FloatParameter):
    """How much worse something may get, 0 or more."""

    def __init__(self, name: str, **others: Any) -> None:
        super().__init__(**others)
        self._name = name

    def normalize(self, value: Any) -> Any:
        if not isinstance(value, int | float) or not value >= 0:
            raise ConfigError(expected(self._name, "a number >= 0", value))
        return super().normalize(value)


def joined_text(description: str) -> luigi.Parameter:
    """A text that a batch of tasks joins with commas."""
    return luigi.Parameter(description=description, batch_method=", ".join)


def output_dir() -> luigi.Parameter:
    """The folder that everything is written under. It tells tasks apart: one scheduler may serve several folders."""
    return luigi.Parameter(default="outputs", positional=False, description="folder that everything is written under")


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
    return WholeNumberParameter(
        "batch_size",
        1,
        default=1,
        significant=False,
        positional=False,
        description="cells that are evaluated together, for GPUs; a processor gains little from more than 1",
    )


def many_cells() -> luigi.Parameter:
    """Whether a study of more cells than anyone means is meant."""
    return luigi.BoolParameter(
        significant=False, positional=False, description="make a study of more than 100,000 cells, too"
    )


def threshold(name: str, default: float, of_what: str) -> luigi.Parameter:
    """How much worse something may get."""
    description = f"how much worse may get: {of_what}"
    return ThresholdParameter(name, default=default, significant=False, description=description)


def _cell(data: dict[str, Any]) -> Cell:
    return Cell.from_dict(data)


def _joined(cells: Iterable[tuple[Cell, ...]]) -> tuple[Cell, ...]:
    return tuple(itertools.chain.from_iterable(cells))
