"""What a run gives back: plain data."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

from nstcore.config import TransferConfig
from nstcore.files import write_whole

if TYPE_CHECKING:
    import numpy as np

    from nstcore.weights import Provenance


@dataclass(frozen=True)
class Iterate:
    """One accepted step of the optimiser.

    Attributes:
        iteration: steps so far; 0 is the initial picture.
        evaluations: evaluations of loss and gradient so far; a step takes one or more.
        seconds: wall time since the optimiser was started, compilation and coarse runs included.
        total: the loss that is minimised.
        content, style, total_variation: the three terms before their weights.
    """

    iteration: int
    evaluations: int
    seconds: float
    total: float
    content: float
    style: float
    total_variation: float


@dataclass(frozen=True)
class Trace:
    """The iterates of a run, in order, starting with the initial picture."""

    iterates: tuple[Iterate, ...]

    def __len__(self) -> int:
        return len(self.iterates)

    def __iter__(self) -> Iterator[Iterate]:
        return iter(self.iterates)

    def __getitem__(self, index: int) -> Iterate:
        return self.iterates[index]

    def to_csv(self) -> str:
        """Text with a header line; numbers keep every digit."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(field.name for field in fields(Iterate))
        writer.writerows(astuple(iterate) for iterate in self.iterates)
        return text.getvalue()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `to_csv` to a file that is whole or absent.

        Raises:
            OutputError: if it cannot be written.
        """
        write_whole(path, self.to_csv().encode())

    @classmethod
    def from_csv(cls, lines: Iterable[str]) -> Trace:
        """Read what `to_csv` wrote (a file, or the lines of a text)."""
        return cls(
            tuple(
                Iterate(
                    int(row["iteration"]),
                    int(row["evaluations"]),
                    *(float(row[name]) for name in ("seconds", "total", "content", "style", "total_variation")),
                )
                for row in csv.DictReader(lines)
            )
        )


@dataclass(frozen=True)
class CoarseRun:
    """A run at a smaller size, before the one that gave the result.

    Attributes:
        size: longest side, pixels.
        trace: its iterates. Losses of different sizes do not compare.
    """

    size: int
    trace: Trace


@dataclass(frozen=True)
class TransferResult:
    """A stylised picture and how it came about.

    Attributes:
        image: uint8 (H, W, 3), RGB.
        trace: the iterates.
        config: the resolved settings.
        weights: where the backbone's weights came from.
        message: why the optimiser stopped, in its own words.
        seconds: wall time of the optimisation, compilation and coarse runs included.
        coarse: the runs at smaller sizes that this one started from, in order.
    """

    image: np.ndarray
    trace: Trace
    config: TransferConfig
    weights: Provenance
    message: str
    seconds: float
    coarse: tuple[CoarseRun, ...] = ()
