"""The frame of a figure with curves: title, panels side by side, legend and remarks under them.

Everything is placed in inches by measured widths. Matplotlib's own layout engines draw a figure twice to do so, which
would take half of the time of a grid's figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pipeline.grid.series import Series
from pipeline.report.plots.line_styles import LineStyle
from pipeline.report.plots.text_layout import FONT_SIZE, fit, measure

#: Inches: the text width of a journal's page, so that letters are printed in the size they have here.
WIDTH = 7.2
#: Pixels an inch.
DPI = 200
#: Points; of ticks and panel headings.
SMALL = 8.0

NOTHING: Mapping[Any, str] = MappingProxyType({})

_LINE = FONT_SIZE * 1.35 / 72  # inches from one line of text to the next
_SMALL_LINE = SMALL * 1.35 / 72
_EDGE = 0.1
_LEFT_OF_PANEL = 0.66  # its ticks and label
_RIGHT_OF_PANEL = 0.08  # half of the last number
_SAMPLE = 0.36  # a line in the legend
_HEIGHT = 2.35  # of a panel
_ONE_COLUMN = 4  # entries of a legend that stay below each other


class Frame:
    """A figure that is filled from above: `panels` axes, then what `finish` puts under them."""

    def __init__(self, title: str, panels: int, *, one_scale: bool = False) -> None:
        """With `one_scale` the axes have their numbers at the first panel alone."""
        self.figure = Figure(figsize=(WIDTH, 1.0), dpi=DPI)
        self.axes = [self.figure.add_axes((0, 0, 1, 1), label=f"panel {number}") for number in range(panels)]
        size = FONT_SIZE + 1
        # Bold is wider than measured.
        self._title = fit(title, width=(WIDTH - 2 * _EDGE) * 72 * 0.83, size=size, lines=3)
        self._above = _EDGE + _LINE * (self._title.count("\n") + 1) * size / FONT_SIZE

        self._between = _EDGE if one_scale else _LEFT_OF_PANEL
        room = WIDTH - 2 * _EDGE - _LEFT_OF_PANEL - (panels - 1) * self._between
        self._panel_width = room / max(panels, 1) - _RIGHT_OF_PANEL

    def dress(self, axes: Axes, heading: str, x_label: str, y_label: str) -> None:
        """Put the words around a panel."""
        shown = fit(heading, width=self._panel_width * 72, size=FONT_SIZE, lines=1)
        axes.set_title(shown, loc="left", fontsize=FONT_SIZE, pad=8)
        axes.set_xlabel(x_label, labelpad=2)
        axes.set_ylabel(y_label, labelpad=3)
        dress_axes(axes)

    def finish(self, entries: Sequence[tuple[Line2D, str]], remarks: Sequence[str], message: str = "") -> Figure:
        """Write the legend and the remarks, and give everything its place.

        Args:
            message: stands where there is no panel.
        """
        rows = _legend_rows(entries)
        notes = [fit(remark, width=(WIDTH - 2 * _EDGE) * 72, size=SMALL, lines=8) for remark in remarks]
        lines = sum(max(label.count("\n") + 1 for _, label in row) for row in rows)
        under = lines * _LINE + sum(note.count("\n") + 1 for note in notes) * _SMALL_LINE
        above = self._above + (0.34 if self.axes else 0.05)
        middle = _HEIGHT + 0.5 if self.axes else 0.5
        height = above + middle + under + 2 * _EDGE
        self.figure.set_size_inches(WIDTH, height)
        self._text(self._title, WIDTH / 2, _EDGE, FONT_SIZE + 1, ha="center", fontweight="bold")
        self._text(message, WIDTH / 2, above + 0.15, FONT_SIZE + 2, ha="center", color="0.35")
        for number, axes in enumerate(self.axes):
            left = _EDGE + _LEFT_OF_PANEL + number * (self._panel_width + _RIGHT_OF_PANEL + self._between)
            axes.set_position(
                (left / WIDTH, 1 - (above + _HEIGHT) / height, self._panel_width / WIDTH, _HEIGHT / height)
            )
        y = above + middle
        for row in rows:
            for column, (line, label) in enumerate(row):
                self._entry(line, label, _EDGE + column * (WIDTH - _EDGE) / 2, y)
            y += _LINE * max(label.count("\n") + 1 for _, label in row)
        for note in notes:
            self._text(note, _EDGE, y, SMALL, color="0.25")
            y += _SMALL_LINE * (note.count("\n") + 1)
        return self.figure

    def _entry(self, line: Line2D, label: str, x: float, y: float) -> None:
        height = self.figure.get_figheight()
        middle = 1 - (y + _LINE / 2) / height
        line.set_data([x / WIDTH, (x + _SAMPLE / 2) / WIDTH, (x + _SAMPLE) / WIDTH], [middle] * 3)
        line.set(markevery=[1], transform=self.figure.transFigure)
        self.figure.add_artist(line)
        self._text(label, x + _SAMPLE + 0.08, y, FONT_SIZE)

    def _text(self, text: str, x: float, y: float, size: float, **style: Any) -> None:
        height = self.figure.get_figheight()
        options = {"va": "top", "linespacing": 1.2, "fontsize": size, "parse_math": False, **style}
        self.figure.text(x / WIDTH, 1 - y / height, text, **options)


def dress_axes(axes: Axes) -> None:
    """Small ticks, a faint grid behind the data, and no lines above and at the right."""
    axes.tick_params(labelsize=SMALL, pad=2)
    axes.tick_params(which="minor", labelsize=SMALL)
    axes.grid(True, which="major", color="0.88", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def legend(
    styles: Mapping[Series, LineStyle], facts: Mapping[Series, str], notes: Mapping[Series, str]
) -> tuple[list[tuple[Line2D, str]], list[str]]:
    """Entries for the series that can be told apart or have no curve, and remarks on all others.

    A note that several series of one backbone have in common is made one remark.

    Args:
        styles: of all series, in their order.
        facts: of the series with a curve.
        notes: any text, per series, with a curve or without.
    """
    entries, remarks, gray = [], [], []
    common: dict[tuple[str, str], list[Series]] = {}
    for series in styles:
        if series in facts and notes.get(series):
            common.setdefault((series.backbone, notes[series]), []).append(series)
    for series, line_style in styles.items():
        note = notes.get(series, "")
        if len(common.get((series.backbone, note), ())) > 1:
            note = ""
        if series not in facts:
            mark = Line2D([], [], color=line_style.color, linestyle="none", marker="x")
            entries.append((mark, f"{series.label}, no curve" + (f"; {note}" if note else "")))
        elif line_style.apart:
            entries.append(
                (
                    Line2D([], [], **line_style.line()),
                    f"{series.label}, {facts[series]}" + (f"; {note}" if note else ""),
                )
            )
        else:
            gray.append(series)
            if note:
                remarks.append(f"{series.label}: {note}")
    remarks += [
        f"{Series(backbone).label}, all settings: {note}" for (backbone, note), many in common.items() if len(many) > 1
    ]
    if gray:
        entries.append((Line2D([], [], **styles[gray[0]].line()), f"{len(gray)} others, too many to tell apart"))
        remarks.append(f"The others: {'; '.join(series.label for series in gray)}.")
    return entries, remarks


def _legend_rows(entries: Sequence[tuple[Line2D, str]]) -> list[list[tuple[Line2D, str]]]:
    """In two columns where there are many entries and all are short enough, read down the columns."""
    half, whole = ((space - _SAMPLE - 0.2) * 72 for space in (WIDTH / 2, WIDTH - _EDGE))
    texts = [fit(label, width=whole, size=FONT_SIZE, lines=3) for _, label in entries]
    fitted = [(line, text) for (line, _), text in zip(entries, texts, strict=True)]
    wide = ["\n" in text or measure(text, FONT_SIZE) > half for text in texts]
    if len(fitted) <= _ONE_COLUMN or any(wide):
        return [[entry] for entry in fitted]
    deep = (len(fitted) + 1) // 2
    return [fitted[row::deep] for row in range(deep)]
