"""The curve of a training: plain data."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from nstcore.errors import InputError, one_line

# The columns that every training has; those of further losses follow.
_COLUMNS = ("step", "seconds", "total", "content", "style", "total_variation", "held_out")


@dataclass(frozen=True)
class TrainingStep:
    """One step of a training.

    Attributes:
        step: how many weights there were before; 0 is the network as it was built.
        seconds: wall time since the training began, compilation included.
        total: the loss of the step's crops, the mean of the batch.
        content, style: sums of the losses that read the one and the other, before `content_weight` and `style_weight`.
        total_variation: before its weight.
        held_out: the total loss of the held-out photographs at these weights; NaN where it was not looked at.
        losses: each further loss before its weight, by its name.
    """

    step: int
    seconds: float
    total: float
    content: float
    style: float
    total_variation: float
    held_out: float = math.nan
    losses: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingTrace:
    """The steps of a training, in order."""

    steps: tuple[TrainingStep, ...]

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[TrainingStep]:
        return iter(self.steps)

    def __getitem__(self, index: int) -> TrainingStep:
        return self.steps[index]

    @property
    def held_out(self) -> list[TrainingStep]:
        """The steps at which the held-out photographs were looked at."""
        return [step for step in self.steps if not math.isnan(step.held_out)]

    def to_csv(self) -> str:
        """Text with a header line; numbers keep every digit, and what was not looked at is empty."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        further = further_losses(self.steps)
        writer.writerow((*_COLUMNS, *further))
        for step in self.steps:
            values = [getattr(step, name) for name in _COLUMNS]
            values = ["" if isinstance(value, float) and math.isnan(value) else value for value in values]
            writer.writerow((*values, *(step.losses[name] for name in further)))
        return text.getvalue()

    @classmethod
    def from_csv(cls, lines: Iterable[str]) -> TrainingTrace:
        """Read what `to_csv` wrote (a file, or the lines of a text).

        Raises:
            InputError: if it is anything else, naming the line.
        """
        reader = csv.reader(lines, strict=True)
        try:
            names = next(reader, [])
            if len(set(names)) != len(names) or names[: len(_COLUMNS)] != list(_COLUMNS):
                raise ValueError(f"the first line is to name {', '.join(_COLUMNS)} and further losses")
            rows = [[float(value) if value else math.nan for value in row] for row in reader]
            if any(len(row) != len(names) for row in rows):
                raise ValueError("a line has another number of columns than the first")
            return cls(tuple(steps_of(np.array(rows, np.float64).reshape(len(rows), -1), names[len(_COLUMNS) :])))
        except (csv.Error, ValueError) as error:  # a text that is not UTF-8 among them, if it is read from a file
            raise InputError(f"is no trace of a training: line {reader.line_num}: {one_line(error)[:200]}") from None


def further_losses(steps: Sequence[TrainingStep]) -> list[str]:
    """The names of the losses in `TrainingStep.losses`, the same for all steps of a training."""
    return list(steps[0].losses) if steps else []


def table(steps: Sequence[TrainingStep], further: Sequence[str]) -> np.ndarray:
    """Steps as float64 (steps, columns), to the bit."""
    rows = [[*(getattr(each, name) for name in _COLUMNS), *(each.losses[name] for name in further)] for each in steps]
    return np.array(rows, np.float64).reshape(len(rows), len(_COLUMNS) + len(further))


def steps_of(rows: np.ndarray, further: Sequence[str]) -> list[TrainingStep]:
    """What `table` was made of."""
    found = []
    for numbers in rows.tolist():
        common = dict(zip(_COLUMNS[1:], numbers[1:], strict=False))
        losses = dict(zip(further, numbers[len(_COLUMNS) :], strict=True))
        found.append(TrainingStep(step=int(numbers[0]), **common, losses=losses))
    return found
