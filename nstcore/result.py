"""What a run gives back: plain data."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nstcore.config import TransferConfig
from nstcore.errors import InputError, PictureError, one_line
from nstcore.system.files import write_whole

if TYPE_CHECKING:
    import numpy as np

    from nstcore.networks.weights import Provenance
    from nstcore.pictures.encoding import Bits
    from nstcore.pictures.images import PictureSource


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
        """Read what `to_csv` wrote (a file, or the lines of a text).

        Raises:
            InputError: if it is anything else, naming the line.
        """
        reader = csv.reader(lines, strict=True)
        try:
            names = next(reader, [])
            if len(set(names)) != len(names) or not {*_COUNTS, *_NUMBERS} <= set(names):
                raise ValueError(f"the first line is to name {', '.join((*_COUNTS, *_NUMBERS))} and further losses")
            return cls(tuple(_iterate(dict(zip(names, row, strict=True))) for row in reader))
        except (csv.Error, ValueError) as error:  # a text that is not UTF-8 among them, if it is read from a file
            raise InputError(f"is no trace: line {reader.line_num}: {one_line(error)[:200]}") from None


def _iterate(row: Mapping[str, str]) -> Iterate:
    return Iterate(
        iteration=int(row["iteration"]),
        evaluations=int(row["evaluations"]),
        **{name: float(row[name]) for name in _NUMBERS},
        losses={name: float(value) for name, value in row.items() if name not in (*_COUNTS, *_NUMBERS)},
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
class Resumption:
    """Where a transfer was taken up that another process had begun.

    Attributes:
        size: longest side of the run, pixels; coarse runs are smaller.
        iteration: of that run, the last that was not done again.
        seconds: wall time until then.
        note: why the result may differ from that of a transfer that nothing interrupted; "" if it does not.
    """

    size: int
    iteration: int
    seconds: float
    note: str = ""


@dataclass(frozen=True)
class TransferResult:
    """A stylised picture and how it came about.

    Attributes:
        image: uint8 (H, W, 3), RGB.
        pixels: the same before it was rounded, float32 (H, W, 3), 0 to 255, for files of 16 bits; None where only the
            picture was kept.
        trace: the iterates.
        config: the resolved settings.
        weights: where the backbone's weights came from.
        message: why the optimiser stopped, in its own words.
        seconds: wall time of the optimisation, compilation and coarse runs included.
        content_weights: where those of the network that the content is seen through came from, if it is another.
        coarse: the runs at smaller sizes that this one started from, in order.
        resumed: where it was taken up, in order; () if nothing interrupted it.
    """

    image: np.ndarray
    trace: Trace
    config: TransferConfig
    weights: Provenance
    message: str
    seconds: float
    coarse: tuple[CoarseRun, ...] = ()
    content_weights: Provenance | None = None
    pixels: np.ndarray | None = None
    resumed: tuple[Resumption, ...] = ()

    def save(self, path: str | os.PathLike[str], *, bits: Bits = 8, opacity_of: PictureSource | None = None) -> None:
        """Write the picture to a file that is whole or absent; its suffix says of what kind.

        Args:
            bits: of each channel; 16 for .png and .tif, of a result that has its `pixels`.
            opacity_of: a picture, such as the content, that the file is to be as transparent as, if it is at all.

        Raises:
            PictureError: for a suffix that cannot be written so, listing those that can, or for 16 bits of a result
                without its `pixels`.
            OutputError: if it cannot be written.
        """
        from nstcore.pictures import images  # what reads pictures takes as long as all of this

        suffix = images.writable_suffix(path, bits, opacity=opacity_of is not None)
        opacity = None if opacity_of is None else images.read_opacity(opacity_of, *self.image.shape[:2])
        write_whole(path, self.encoded(suffix, bits, opacity))

    def encoded(self, suffix: str, bits: Bits, opacity: np.ndarray | None) -> bytes:
        """The picture's file, as `nstcore.pictures.encoding.encode_file` makes it, of what was not rounded for 16 bits.

        Raises:
            PictureError: for a picture that such a file cannot hold, or that was rounded already.
        """
        from nstcore.pictures.encoding import encode_file

        if bits == 8:
            return encode_file(self.image, suffix, 8, opacity)
        if self.pixels is None:
            raise PictureError("a result without its pixels was rounded to 8 bits and has no 16 to write")
        return encode_file(self.pixels, suffix, 16, opacity)
