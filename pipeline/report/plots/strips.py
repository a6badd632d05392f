"""The frame of a summary: strips with a row per series, and the curves beside the first of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from pipeline.grid.series import Series
from pipeline.report.plots.frame import DPI, SMALL, WIDTH, dress_axes
from pipeline.report.plots.line_styles import LineStyle
from pipeline.report.plots.log_axis import Floats, can_show, label_few, label_log_axis
from pipeline.report.plots.text_layout import FONT_SIZE, drawable, fit, measure

_COLUMNS = 4
_EDGE, _GAP = 0.1, 0.26  # inches
_NAMES_IN_ONE_LINE, _NAMES_IN_TWO = 2.0, 1.55  # at most
_SAMPLE = 0.3  # the line and mark beside a label
_LINE = SMALL * 1.35 / 72
_AROUND = 0.78  # above and below a strip: heading of two lines, ticks, label
_MANY = 300  # dots; beyond that they are pixels in an SVG, too, which would be slow to open otherwise
_LARGEST = 1e15  # of a linear axis; a number beyond is a mistake and would flatten the others


@dataclass(frozen=True)
class Strip:
    """One quantity of all cells.

    Attributes:
        heading: what it is.
        unit: what stands under its axis.
        values: per series, (n,); what is not finite is left out.
        log: a logarithmic axis, which leaves out zero and less.
        from_zero: the axis starts at zero.
    """

    heading: str
    unit: str
    values: Mapping[Series, Floats]
    log: bool = False
    from_zero: bool = False

    def shown(self, series: Series) -> Floats:
        values = self.values[series]
        return values[can_show(values) if self.log else np.abs(values) <= _LARGEST]


class SummaryFrame:
    """Strips four in a row, two in the first, which the curves share; labels left of each row."""

    def __init__(self, title: str, styles: Mapping[Series, LineStyle], counts: Mapping[Series, int]) -> None:
        self.figure = Figure(figsize=(WIDTH, 1.0), dpi=DPI)
        self.styles, self.strips = styles, list[Axes]()
        labels = {series: drawable(f"{series.label}, n={counts[series]}") for series in styles}
        widest = max((measure(label, SMALL) for label in labels.values()), default=0)
        self._names_width = (widest if widest <= _NAMES_IN_ONE_LINE * 72 else _NAMES_IN_TWO * 72) / 72
        self._names = [fit(label, width=self._names_width * 72 + 1, size=SMALL, lines=2) for label in labels.values()]
        row = 0.28 if any("\n" in name for name in self._names) else 0.23
        self._panel_height = max(row * len(styles), 0.9)
        self._first_height = max(self._panel_height, 1.6)
        self._title = fit(title, width=(WIDTH - 2 * _EDGE) * 72 * 0.83, size=FONT_SIZE + 1, lines=2)
        self._above = _EDGE + 0.2 * (self._title.count("\n") + 1)
        self._remarks: list[str] = []
        self.curves = self.figure.add_axes((0, 0, 1, 1), label="curves")

    def draw(self, strip: Strip) -> None:
        """Add a strip."""
        axes = self.figure.add_axes((0, 0, 1, 1), label=strip.heading)
        self.strips.append(axes)
        every = [strip.shown(series) for series in self.styles]
        many = sum(map(len, every)) > _MANY
        for row, ((series, line_style), values) in enumerate(zip(self.styles.items(), every, strict=True)):
            if not values.size:
                continue
            first, median, third = np.percentile(values, (25, 50, 75))
            # The fractional parts of a multiple of the golden ratio spread evenly, and the same each time.
            heights = row + 0.56 * (np.arange(1, values.size + 1) * 0.6180339887 % 1 - 0.5)
            dots: dict[str, Any] = {"markersize": 3.2, "markeredgewidth": 0, "alpha": 0.15 if many else 0.4}
            axes.plot(
                values, heights, "o", color=line_style.color, label=f"{series.label} cells", rasterized=many, **dots
            )
            bar: dict[str, Any] = {"linewidth": 3.2, "solid_capstyle": "butt", "alpha": 0.75}
            axes.plot([first, third], [row, row], "-", color=line_style.color, label=f"{series.label} quartiles", **bar)
            mark: dict[str, Any] = {"markersize": 6, "markeredgecolor": "white", "markeredgewidth": 0.8, "zorder": 3}
            axes.plot(
                [median],
                [row],
                line_style.marker or "o",
                color=line_style.color,
                label=f"{series.label} median",
                **mark,
            )
        self._dress(axes, strip, np.concatenate([*every, np.empty(0)]))
        lost = sum(np.isfinite(strip.values[series]).sum() - strip.shown(series).size for series in self.styles)
        if lost:
            self._remarks.append(f"{strip.heading}: values that its axis cannot show: {lost}.")

    def _dress(self, axes: Axes, strip: Strip, values: Floats) -> None:
        room = (self._column_width + _GAP - 0.06) * 72
        axes.set_title(fit(strip.heading, width=room, size=SMALL, lines=2), loc="left", fontsize=SMALL, pad=3)
        axes.set_xlabel(strip.unit, fontsize=SMALL, labelpad=1)
        dress_axes(axes)
        axes.set_ylim(max(len(self.styles), 1) - 0.5, -0.5)
        axes.set_yticks(range(len(self.styles)), [""] * len(self.styles))
        axes.tick_params(axis="y", length=0)
        axes.grid(True, axis="y", color="0.93", linewidth=0.7)
        if strip.log:
            axes.set_xscale("log")
            low, high = (values.min(), values.max()) if values.size else (0.1, 1.0)
            low, high = low / (high / low) ** 0.08 / 1.05, high * (high / low) ** 0.08 * 1.05
            axes.set_xlim(low, high)
            label_few(axes.xaxis, low, high, most=4)
            return
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
        if strip.from_zero:
            axes.set_xlim(0, (values.max() if values.size else 0) * 1.08 or 1)

    def draw_bands(self, bands: Mapping[Series, tuple[Floats, Floats]]) -> None:
        """Draw the relative loss: iteration numbers (n,) and its quartiles (3, n) per series."""
        axes = self.curves
        for series, (numbers, (first, median, third)) in bands.items():
            line_style = self.styles[series]
            axes.fill_between(
                numbers, first, third, color=line_style.color, alpha=0.18 if line_style.apart else 0.06, linewidth=0
            )
            axes.plot(numbers, median, label=series.label, markevery=[-1], **line_style.line())
        axes.set_title("Loss per iteration", loc="left", fontsize=SMALL, pad=3)
        axes.set_xlabel("iteration", fontsize=SMALL, labelpad=1)
        axes.set_ylabel("loss / initial loss", fontsize=SMALL, labelpad=2)
        dress_axes(axes)
        axes.set_yscale("log")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, steps=[1, 2, 5, 10]))
        values = np.concatenate([quartiles.ravel() for _, quartiles in bands.values()]) if bands else np.array([0.1, 1])
        label_log_axis(axes.yaxis, values.min(), values.max())

    @property
    def _left(self) -> float:
        return _EDGE + _SAMPLE + 0.06 + self._names_width + 0.08

    @property
    def _column_width(self) -> float:
        return (WIDTH - _EDGE - 0.06 - self._left - (_COLUMNS - 1) * _GAP) / _COLUMNS

    def finish(self, remarks: Sequence[str]) -> Figure:
        """Give everything its place and write the remarks."""
        gray = [series.label for series, line_style in self.styles.items() if not line_style.apart]
        more = [f"Thin and grey, more than can be told apart: {'; '.join(gray)}."] if gray else []
        notes = [
            fit(remark, width=(WIDTH - 2 * _EDGE) * 72, size=SMALL, lines=4)
            for remark in [*remarks, *self._remarks, *more]
        ]
        rows = [self.strips[:2], *(self.strips[at : at + 4] for at in range(2, len(self.strips), 4))]
        heights = [self._first_height] + [self._panel_height] * (len(rows) - 1)
        under = sum(note.count("\n") + 1 for note in notes) * _LINE
        self._height = self._above + sum(heights) + len(rows) * _AROUND + under + 2 * _EDGE
        self.figure.set_size_inches(WIDTH, self._height)
        self._text(self._title, WIDTH / 2, _EDGE, FONT_SIZE + 1, ha="center", fontweight="bold")
        y = self._above
        for row, height in zip(rows, heights, strict=True):
            y += 0.33
            self._names_beside(y, height)
            for column, axes in enumerate(row):
                self._place(axes, self._left + column * (self._column_width + _GAP), y, self._column_width, height)
            if row is rows[0]:
                left = self._left + 2 * (self._column_width + _GAP) + 0.5
                self._place(self.curves, left, y, WIDTH - _EDGE - 0.06 - left, height)
            y += height + _AROUND - 0.33
        for note in notes:
            self._text(note, _EDGE, y, SMALL, color="0.25")
            y += (note.count("\n") + 1) * _LINE
        return self.figure

    def _place(self, axes: Axes, left: float, top: float, width: float, height: float) -> None:
        axes.set_position((left / WIDTH, 1 - (top + height) / self._height, width / WIDTH, height / self._height))

    def _names_beside(self, top: float, height: float) -> None:
        """A label per series, with its line and mark: the legend of the whole figure."""
        for row, (name, line_style) in enumerate(zip(self._names, self.styles.values(), strict=True)):
            y = top + (row + 0.5) * height / len(self.styles)
            xs = [(_EDGE + part * _SAMPLE / 2) / WIDTH for part in range(3)]
            sample = Line2D(xs, [1 - y / self._height] * 3, markevery=[1], **line_style.line())
            sample.set_transform(self.figure.transFigure)
            self.figure.add_artist(sample)
            self._text(name, _EDGE + _SAMPLE + 0.06, y, SMALL, va="center")

    def _text(self, text: str, x: float, y: float, size: float, **style: Any) -> None:
        options = {"va": "top", "linespacing": 1.2, "fontsize": size, "parse_math": False, **style}
        self.figure.text(x / WIDTH, 1 - y / self._height, text, **options)
