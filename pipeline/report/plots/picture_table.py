"""Pictures in rows and columns with their names, drawn pixel by pixel."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from nstcore.pictures.images import Picture, read_picture
from nstcore.pictures.resizing import resize
from pipeline.report.plots.text_layout import figure_style, fit, measure

# A power of two, so that pixels / _DPI * _DPI is exact and the canvas has the pixels asked for.
_DPI = 128
_MOST = 4096  # pixels on a figure's longest side: 20 × 20 pictures of 170 pixels; browsers and viewers open it
_LEAST = 96  # pixels of a picture's longest side, so that its name and reason can be read
_WITHOUT_RESULTS = 256  # pixels of the originals where there is no result to go by
_GAP = 6  # pixels between pictures
_CAPTION_LINES = 2  # at most, below a picture of a wall
_INK, _FAINT, _PAPER = "0.1", "0.45", "0.94"

_Place = tuple[int, int]  # row and column, from 1; 0 are heads


@dataclass(frozen=True)
class Heads:
    """What stands above the columns and left of the rows.

    Attributes:
        rows, columns: their names, in order; any text.
        row_title, column_title: what the names are; "" for nothing.
        row_pictures, column_pictures: pictures by name, uint8 (H, W, 3), RGB; None where heads are names alone. A
            name without its picture gets an empty box.
    """

    rows: Sequence[str]
    columns: Sequence[str]
    row_title: str = ""
    column_title: str = ""
    row_pictures: Mapping[str, NDArray[np.uint8]] | None = None
    column_pictures: Mapping[str, NDArray[np.uint8]] | None = None

    @property
    def pictured(self) -> bool:
        return self.row_pictures is not None or self.column_pictures is not None

    @property
    def room(self) -> int:
        """Width of the row names in letter heights: names that stand for a picture may be longer."""
        return 8 if self.pictured else 14


def draw_table(
    pictures: Mapping[tuple[str, str], NDArray[np.uint8]],
    heads: Heads,
    *,
    title: str,
    missing: Mapping[tuple[str, str], str],
) -> Figure:
    """Draw a table of pictures, as `pipeline.report.plots.image_grid` says."""
    rows, columns = [*enumerate(heads.rows, start=1)], [*enumerate(heads.columns, start=1)]
    side = _side(_longest(pictures.values()), len(rows), len(columns), heads.room)
    found = {(row, 0): (heads.row_pictures or {}).get(name) for row, name in rows}
    found |= {(0, column): (heads.column_pictures or {}).get(name) for column, name in columns}
    gaps = dict.fromkeys(found if heads.pictured else (), "no picture")
    for row, row_name in rows:
        for column, name in columns:
            found[row, column] = pictures.get((row_name, name))
            gaps[row, column] = missing.get((row_name, name), "no picture")
    return _drawn(found, gaps, heads, side, {}, title)


def draw_wall(
    pictures: Mapping[str, NDArray[np.uint8]], names: Sequence[str], *, title: str, missing: Mapping[str, str]
) -> Figure:
    """Hang pictures in lines, about as many lines as there are pictures in one, each with its name below.

    Sizes are as in `pipeline.report.plots.image_grid`.

    Args:
        pictures: uint8 (H, W, 3), RGB, by name.
        names: all of them, in order; each different from the others.
        title: any text; drawn literally, as are all names.
        missing: why there is no picture; shown in its place.
    """
    across = max(1, math.ceil(math.sqrt(len(names))))
    places = {name: (1 + number // across, 1 + number % across) for number, name in enumerate(names)}
    heads = Heads([""] * math.ceil(len(names) / across), [""] * across)
    side = _side(_longest(pictures.values()), len(heads.rows), across, 0, captioned=True)
    return _drawn(
        {places[name]: picture for name, picture in pictures.items()},
        {place: missing.get(name, "no picture") for name, place in places.items()},
        heads,
        side,
        {place: name for name, place in places.items()},
        title,
    )


def _drawn(
    found: Mapping[_Place, NDArray[np.uint8] | None],
    gaps: Mapping[_Place, str],
    heads: Heads,
    side: int,
    captions: Mapping[_Place, str],
    title: str,
) -> Figure:
    """`gaps` says why there is no picture at a place; one that it does not name stays empty."""
    cells = {place: resize(read_picture(array), side) for place, array in found.items() if array is not None}
    with figure_style():
        return _Table(cells, heads, side, captions).draw(title, gaps)


def _longest(pictures: Iterable[NDArray[np.uint8]]) -> int:
    return max((max(array.shape[:2]) for array in pictures), default=_WITHOUT_RESULTS)


def _letter_height(side: int) -> int:
    """Pixels of the font: larger with larger pictures, since those are looked at from further away."""
    return round(min(max(side / 17, 11), 26))


def _side(longest: int, rows: int, columns: int, room: int, *, captioned: bool = False) -> int:
    """The longest side of every picture, in pixels: as asked, unless the table gets too long."""
    side = max(longest, _LEAST)
    while side > 1:
        letters = _letter_height(side)
        width = (columns + 1) * (side + _GAP) + room * letters + 4 * _GAP
        under = 1.3 * letters * _CAPTION_LINES * captioned
        height = (rows + 1) * (side + under + _GAP) + 11 * letters + 4 * _GAP
        if max(width, height) <= _MOST:
            break
        side -= 1
    return side


class _Table:
    """Where everything goes, in pixels from the figure's upper left corner. Row and column 0 are pictures of heads."""

    def __init__(
        self, cells: Mapping[_Place, Picture], heads: Heads, side: int, captions: Mapping[_Place, str]
    ) -> None:
        self.cells, self.heads, self.letters = cells, heads, _letter_height(side)
        self.line = 1.3 * self.letters
        self.widths = [min(side, 8 * self.letters)] * (len(heads.columns) + 1)
        self.heights = [min(side, 4 * self.letters)] * (len(heads.rows) + 1)
        if not heads.pictured:
            self.widths[0] = self.heights[0] = 0
        for (row, column), picture in cells.items():
            self.heights[row] = max(self.heights[row], picture.shape[0])
            self.widths[column] = max(self.widths[column], picture.shape[1])
        room = heads.room * self.letters
        self.row_names = [
            fit(name, width=room, size=self.letters, lines=max(1, int(height / self.line)))
            for name, height in zip(heads.rows, self.heights[1:], strict=True)
        ]
        self.column_names = [
            fit(name, width=width, size=self.letters, lines=3)
            for name, width in zip(heads.columns, self.widths[1:], strict=True)
        ]
        self.row_title = fit(f"{heads.row_title} ↓" if heads.row_title else "", width=room, size=self.letters, lines=1)
        labels = [*(line for name in self.row_names for line in name.split("\n"))]
        labels += [] if heads.pictured else [self.row_title]
        label_width = max((measure(line, self.letters) for line in labels), default=0)
        lines = max((name.count("\n") + 1 for name in self.column_names if name), default=0) + 1.5
        lines += 1.2 if heads.column_title and not heads.pictured else 0
        self.captions = {
            (row, column): fit(text, width=self.widths[column], size=self.letters, lines=_CAPTION_LINES)
            for (row, column), text in captions.items()
        }
        under = [0] * len(self.heights)
        for (row, _), text in self.captions.items():
            under[row] = max(under[row], round((text.count("\n") + 1) * self.line))
        self.left = _starts(3 * _GAP + round(label_width), self.widths)
        self.top = _starts(4 * _GAP + round(lines * self.line), [*map(sum, zip(self.heights, under, strict=True))])
        self.width = self.left[-1] + self.widths[-1] + 2 * _GAP
        self.height = self.top[-1] + self.heights[-1] + under[-1] + 2 * _GAP

    def draw(self, title: str, gaps: Mapping[_Place, str]) -> Figure:
        self.figure = Figure(figsize=(self.width / _DPI, self.height / _DPI), dpi=_DPI, facecolor="white")
        big = 1.25 * self.letters
        heading = fit(title, width=(self.width - 4 * _GAP) * 0.87, size=big, lines=1)  # bold is wider than measured
        self._text(heading, 2 * _GAP, 2 * _GAP, big, va="top", fontweight="bold")
        if not self.heads.rows or not self.heads.columns:
            self._text("No pictures.", 2 * _GAP, self.height - 2 * _GAP, self.letters)
            return self.figure
        self._titles()
        self._rules()
        for column, name in enumerate(self.column_names, start=1):
            height = self.cells[0, column].shape[0] if (0, column) in self.cells else self.heights[0]
            middle = self.left[column] + self.widths[column] / 2
            foot = self.top[0] + self.heights[0] - height - _GAP - self.letters / 4
            self._text(name, middle, foot, self.letters, ha="center", va="baseline")
        for row, name in enumerate(self.row_names, start=1):
            middle = self.top[row] + self.heights[row] / 2
            self._text(name, self.left[0] - _GAP, middle, self.letters, ha="right", va="center")
        for row, column in self.cells:
            self._picture(row, column)
        for (row, column), reason in gaps.items():
            if (row, column) not in self.cells:
                self._gap(row, column, reason)
        for (row, column), text in self.captions.items():
            middle = self.left[column] + self.widths[column] / 2
            foot = self.top[row] + self.heights[row] + _GAP / 2
            self._text(text, middle, foot, self.letters, ha="center", va="top")
        return self.figure

    def _titles(self) -> None:
        """Say what rows and columns are: in the empty corner, or by the names where those are all there is."""
        corner = self.top[1] - 4 * _GAP
        row_title, column_title = {"va": "baseline", "color": _FAINT}, {"va": "baseline", "color": _FAINT}
        if self.heads.pictured:
            x, right, above = self.left[0], self.left[0] + self.widths[0], corner - self.line
            column_title["ha"] = "right"
        else:
            x, right = self.left[0] - _GAP, self.left[1]
            row_title["ha"] = "right"
            above = self.top[0] - self.line * (max(name.count("\n") + 1 for name in self.column_names) + 0.4) - _GAP
        self._text(self.row_title, x, corner, self.letters, **row_title)
        shown = f"{self.heads.column_title} →" if self.heads.column_title else ""
        wide = self.widths[0] if self.heads.pictured else self.width - right - 2 * _GAP
        self._text(fit(shown, width=wide, size=self.letters, lines=1), right, above, self.letters, **column_title)

    def _picture(self, row: int, column: int) -> None:
        picture = self.cells[row, column]
        height, width = picture.shape[:2]
        x = self.left[column] + (self.widths[column] - width) // 2
        spare = self.heights[row] - height
        y = self.top[row] + (spare // 2 if row else spare)  # styles stand on the line, each under its own name
        # Unlike an image in axes, this one is copied to the canvas without resampling.
        self.figure.figimage(picture, xo=x, yo=self.height - y - height, origin="upper")

    def _gap(self, row: int, column: int, reason: str) -> None:
        x, y, width, height = self.left[column], self.top[row], self.widths[column], self.heights[row]
        corner = (x / self.width, 1 - (y + height) / self.height)
        box = Rectangle(
            corner, width / self.width, height / self.height, facecolor=_PAPER, edgecolor="0.75", linestyle="--"
        )
        box.set_transform(self.figure.transFigure)
        self.figure.add_artist(box)
        lines = max(1, int((height - _GAP) / self.line))
        shown = fit(reason, width=width - 4 * _GAP, size=self.letters, lines=lines)
        self._text(shown, x + width / 2, y + height / 2, self.letters, ha="center", va="center")

    def _rules(self) -> None:
        """Lines between the heads and the pictures."""
        if not any((*self.heads.rows, *self.heads.columns)):
            return
        x = (self.left[1] - 1.5 * _GAP) / self.width
        y = 1 - (self.top[1] - 1.5 * _GAP) / self.height
        for xs, ys in (((x, x), (0.01, y)), ((x, 0.99), (y, y))):
            self.figure.add_artist(Line2D(xs, ys, color="0.8", linewidth=0.8, transform=self.figure.transFigure))

    def _text(self, text: str, x: float, y: float, letters: float, **style: Any) -> None:
        options = {"va": "bottom", "color": _INK, "linespacing": 1.15, "fontsize": letters * 72 / _DPI, **style}
        self.figure.text(x / self.width, 1 - y / self.height, text, parse_math=False, **options)


def _starts(first: int, sizes: list[int]) -> list[int]:
    """Where each row or column begins; a wider gap parts the heads from the pictures."""
    starts = [first]
    for number, size in enumerate(sizes[:-1]):
        starts.append(starts[-1] + size + (_GAP if number else 3 * _GAP))
    return starts
