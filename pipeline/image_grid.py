"""The pictures of one backbone as a figure: a row per content, a column per style."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from nstcore.images import Picture, read_picture, resize
from pipeline.lettering import figure_style, fit, measure

# A power of two, so that pixels / _DPI * _DPI is exact and the canvas has the pixels asked for.
_DPI = 128
_MOST = 4096  # pixels on a figure's longest side: 20 × 20 pictures of 170 pixels; browsers and viewers open it
_LEAST = 96  # pixels of a picture's longest side, so that its name and reason can be read
_WITHOUT_RESULTS = 256  # pixels of the originals where there is no result to go by
_GAP = 6  # pixels between pictures
_INK, _FAINT, _PAPER = "0.1", "0.45", "0.94"


def image_grid(
    pictures: Mapping[tuple[str, str], NDArray[np.uint8]],
    *,
    contents: Mapping[str, NDArray[np.uint8]],
    styles: Mapping[str, NDArray[np.uint8]],
    title: str,
    missing: Mapping[tuple[str, str], str] = MappingProxyType({}),
) -> Figure:
    """Lay out results as a table with the style pictures above and the content pictures at the left, sorted by name.

    Every picture is brought to one longest side, that of the largest result, and drawn pixel by pixel: a result of
    that size is in the saved PNG unchanged. Where the table would be longer than 4096 pixels all are made smaller.

    Args:
        pictures: results by (content name, style name), uint8 (H, W, 3), RGB.
        contents: content pictures by name, likewise.
        styles: style pictures by name, likewise.
        title: any text; drawn literally, as are all names.
        missing: why a pair has no picture; shown in its cell. Names that occur only here or in `pictures` get a row
            or column too.

    Returns:
        A figure with 128 pixels an inch. Save it at that resolution (`pipeline.plots.save` does).

    Raises:
        PictureError: if an array is no picture.
    """
    pairs = {*pictures, *missing}
    rows = sorted({*contents, *(content for content, _ in pairs)})
    columns = sorted({*styles, *(style for _, style in pairs)})
    longest = max((max(array.shape[:2]) for array in pictures.values()), default=_WITHOUT_RESULTS)
    side = _side(longest, len(rows), len(columns))
    cells: dict[tuple[int, int], Picture] = {}
    for row, content in enumerate(rows, start=1):
        for column, style in enumerate(columns, start=1):
            if (content, style) in pictures:
                cells[row, column] = _prepare(pictures[content, style], side)
        if content in contents:
            cells[row, 0] = _prepare(contents[content], side)
    for column, style in enumerate(columns, start=1):
        if style in styles:
            cells[0, column] = _prepare(styles[style], side)
    with figure_style():
        return _Table(cells, rows, columns, side).draw(title, missing)


def _prepare(array: NDArray[np.uint8], side: int) -> Picture:
    return resize(read_picture(array), side)


def _letter_height(side: int) -> int:
    """Pixels of the font: larger with larger pictures, since those are looked at from further away."""
    return round(min(max(side / 17, 11), 26))


def _side(longest: int, rows: int, columns: int) -> int:
    """The longest side of every picture, in pixels: as asked, unless the table gets too long."""
    side = max(longest, _LEAST)
    while side > 1:
        letters = _letter_height(side)
        width = (columns + 1) * (side + _GAP) + 8 * letters + 4 * _GAP
        height = (rows + 1) * (side + _GAP) + 9 * letters + 4 * _GAP
        if max(width, height) <= _MOST:
            break
        side -= 1
    return side


class _Table:
    """Where everything goes, in pixels from the figure's upper left corner. Row and column 0 are the originals."""

    def __init__(
        self, cells: Mapping[tuple[int, int], Picture], rows: list[str], columns: list[str], side: int
    ) -> None:
        self.cells, self.rows, self.columns, self.letters = cells, rows, columns, _letter_height(side)
        self.line = 1.3 * self.letters
        self.widths = [min(side, 8 * self.letters)] * (len(columns) + 1)
        self.heights = [min(side, 4 * self.letters)] * (len(rows) + 1)
        for (row, column), picture in cells.items():
            self.heights[row] = max(self.heights[row], picture.shape[0])
            self.widths[column] = max(self.widths[column], picture.shape[1])
        room = 8 * self.letters  # for the contents' names, left of them
        self.row_names = [
            fit(name, width=room, size=self.letters, lines=max(1, int(height / self.line)))
            for name, height in zip(rows, self.heights[1:], strict=True)
        ]
        self.column_names = [
            fit(name, width=width, size=self.letters, lines=3)
            for name, width in zip(columns, self.widths[1:], strict=True)
        ]
        label_width = max(
            (measure(line, self.letters) for name in self.row_names for line in name.split("\n")), default=0
        )
        heading_lines = max((name.count("\n") + 1 for name in self.column_names), default=0)
        self.left = _starts(3 * _GAP + round(label_width), self.widths)
        self.top = _starts(4 * _GAP + round(1.5 * self.line + heading_lines * self.line), self.heights)
        self.width = self.left[-1] + self.widths[-1] + 2 * _GAP
        self.height = self.top[-1] + self.heights[-1] + 2 * _GAP

    def draw(self, title: str, missing: Mapping[tuple[str, str], str]) -> Figure:
        self.figure = Figure(figsize=(self.width / _DPI, self.height / _DPI), dpi=_DPI, facecolor="white")
        big = 1.25 * self.letters
        heading = fit(title, width=(self.width - 4 * _GAP) * 0.87, size=big, lines=1)  # bold is wider than measured
        self._text(heading, 2 * _GAP, 2 * _GAP, big, va="top", fontweight="bold")
        if not self.rows or not self.columns:
            self._text("No pictures.", 2 * _GAP, self.height - 2 * _GAP, self.letters)
            return self.figure
        corner = self.top[1] - 4 * _GAP
        self._text("content ↓", self.left[0], corner, self.letters, va="baseline", color=_FAINT)
        right = self.left[0] + self.widths[0]
        self._text("style →", right, corner - self.line, self.letters, va="baseline", ha="right", color=_FAINT)
        self._rules()
        for column, name in enumerate(self.column_names, start=1):
            height = self.cells[0, column].shape[0] if (0, column) in self.cells else self.heights[0]
            middle = self.left[column] + self.widths[column] / 2
            self._text(name, middle, self.top[0] + self.heights[0] - height - _GAP, self.letters, ha="center")
        for row, name in enumerate(self.row_names, start=1):
            middle = self.top[row] + self.heights[row] / 2
            self._text(name, self.left[0] - _GAP, middle, self.letters, ha="right", va="center")
        for row in range(len(self.rows) + 1):
            for column in range(len(self.columns) + 1):
                if (row, column) in self.cells:
                    self._picture(row, column)
                elif row or column:
                    pair = (self.rows[row - 1], self.columns[column - 1]) if row and column else None
                    self._gap(row, column, missing.get(pair, "no picture") if pair else "no picture")
        return self.figure

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
        """Lines between the originals and the results."""
        x = (self.left[1] - 1.5 * _GAP) / self.width
        y = 1 - (self.top[1] - 1.5 * _GAP) / self.height
        for xs, ys in (((x, x), (0.01, y)), ((x, 0.99), (y, y))):
            self.figure.add_artist(Line2D(xs, ys, color="0.8", linewidth=0.8, transform=self.figure.transFigure))

    def _text(self, text: str, x: float, y: float, letters: float, **style: Any) -> None:
        options = {"va": "bottom", "color": _INK, "linespacing": 1.15, "fontsize": letters * 72 / _DPI, **style}
        self.figure.text(x / self.width, 1 - y / self.height, text, parse_math=False, **options)


def _starts(first: int, sizes: list[int]) -> list[int]:
    """Where each row or column begins; a wider gap parts the originals from the results."""
    starts = [first]
    for number, size in enumerate(sizes[:-1]):
        starts.append(starts[-1] + size + (_GAP if number else 3 * _GAP))
    return starts
