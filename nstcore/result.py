"""What a run gives back: plain data."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nstcore.config import TransferConfig
from nstcore.system.files import write_whole

if TYPE_CHECKING:
    import numpy as np

    from nstcore.networks.weights import Provenance


@dataclass(frozen=True)
class Iterate:
    """One accepted step of the optimiser.

    Attributes:
        iteration: steps so far; 0 is the initial picture.
        evaluations: evaluations of loss and gradient so far; a step takes one or more.
        seconds: wall time since the optimiser was started, compilation and coarse runs included.
        total: the loss that is minimised.
        content, style: sums of the losses that read the one and the other, before `content_weight` and `style_weight`.
        total_variation: before its weight.
        losses: each further loss before its weight, by its name.
    """

    iteration: int
    evaluations: int
    seconds: float
    total: float
    content: float
    style: float
    total_variation: float
    losses: Mapping[str, float] = field(default_factory=dict)


# The columns of a trace that every run has; further losses follow.
_COUNTS = ("iteration", "evaluations")
_NUMBERS = ("seconds", "total", "content", "style", "total_variation")


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
        further = tuple(self.iterates[0].losses) if self.iterates else ()
        writer.writerow((*_COUNTS, *_NUMBERS, *further))
        for iterate in self.iterates:
            columns = (getattr(iterate, name) for name in (*_COUNTS, *_NUMBERS))
            writer.writerow((*columns, *(iterate.losses[name] for name in further)))
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
        reader = csv.DictReader(lines)
        further = [name for name in reader.fieldnames or () if name not in (*_COUNTS, *_NUMBERS)]
        return cls(
            tuple(
                Iterate(
                    iteration=int(row["iteration"]),
                    evaluations=int(row["evaluations"]),
                    **{name: float(row[name]) for name in _NUMBERS},
                    losses={name: float(row[name]) for name in further},
                )
                for row in reader
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
        content_weights: where those of the network that the content is seen through came from, if it is another.
        coarse: the runs at smaller sizes that this one started from, in order.
    """

    image: np.ndarray
    trace: Trace
    config: TransferConfig
    weights: Provenance
    message: str
    seconds: float
    coarse: tuple[CoarseRun, ...] = ()
    content_weights: Provenance | None = None
