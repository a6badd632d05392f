"""Logarithmic axes: what they cannot show is marked and said, and their ticks are quick to draw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, LogFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from pipeline.grid.series import Series
from pipeline.report.plots.line_styles import LineStyle

Floats = NDArray[np.float64]

#: What a logarithmic axis is asked to show: float32 ends at 3e38, and with much more Matplotlib's ticks overflow.
SMALLEST, LARGEST = 1e-100, 1e100

_WIDE = 1e4
_MOST_TRIANGLES = 20  # in a row
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Curve:
    """Points of one line: `x` on a linear axis, `y` on a logarithmic one; both (n,)."""

    x: Floats
    y: Floats


class _Plain(LogFormatter):
    """Labels the ticks its base class would, but as 0.1 and 97 instead of 1e-01 and 1e+02."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:.6g}" if super().__call__(x, pos) else ""


class _Power(LogFormatter):
    """10⁻³ and 2×10⁵ in letters: formulas look the same and take most of the time a figure takes."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        if not super().__call__(x, pos):
            return ""
        factor, exponent = f"{x:.3e}".split("e")
        power = f"10{str(int(exponent)).translate(_RAISED)}"
        return power if float(factor) == 1 else f"{float(factor):g}×{power}"


def label_log_axis(axis: Axis, low: float, high: float) -> None:
    """Choose how the ticks of an axis from `low` to `high` are written."""
    kind = _Plain if low > 1e-4 and high < 1e5 else _Power
    for place in (axis.set_major_formatter, axis.set_minor_formatter):
        place(kind(labelOnlyBase=False, minor_thresholds=(2, 0.5)))
    if high > _WIDE * low:
        axis.set_minor_locator(NullLocator())  # more ticks than can be seen take most of the time of drawing


def label_few(axis: Axis, low: float, high: float, most: int) -> None:
    """Give a short axis from `low` to `high` at most so many numbers, which then do not run into each other."""
    tens = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    even = np.asarray(MaxNLocator(nbins=most - 1).tick_values(low, high))
    for ticks in ((tens[:, None] * (1, 2, 5)).ravel(), tens, even):
        inside: Floats = ticks[(ticks >= low) & (ticks <= high)]
        if 2 <= inside.size <= most:
            break
    else:
        inside = tens[:: -(-tens.size // most)]
    axis.set_major_locator(FixedLocator(inside.tolist()))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))


def can_show(values: Floats) -> NDArray[np.bool_]:
    """Which values a logarithmic axis can show; nan is none of them."""
    return (values >= SMALLEST) & (values <= LARGEST)


def log_range(curves: Iterable[Curve], least: float = SMALLEST) -> tuple[float, float]:
    """Where a logarithmic axis for these curves begins, room for triangles included, and the largest value it shows.

    Args:
        least: what is below has no place of its own.
    """
    values = np.concatenate([np.empty(0), *(curve.y for curve in curves)])
    shown = values[can_show(values) & (values >= least)]
    return (shown.min() / 10, shown.max()) if shown.size else (0.1, 10.0)


def draw_on_log_axis(
    axes: Axes,
    curves: Mapping[Series, Curve],
    styles: Mapping[Series, LineStyle],
    *,
    below: str,
    whole: str,
    least: float = SMALLEST,
    limits: tuple[float, float] | None = None,
) -> list[str]:
    """Draw curves, those that touch zero included, and say what could not be shown.

    A value below `least` is drawn at the bottom with a downward triangle, one that is not finite is left out.

    Args:
        below: what those at the bottom are: "a loss of zero or less".
        whole: what it is when a curve has no value to draw at all: "no curve, since no loss is finite".
        limits: a `log_range`, where other panels have the same.
    """
    bottom, top = limits or log_range(curves.values(), least)
    remarks = []
    for series, curve in curves.items():
        line_style, low = styles[series], curve.y < least
        lost = ~low & ~can_show(curve.y)
        drawn = np.where(low, bottom, np.where(lost, np.nan, curve.y))
        axes.plot(curve.x, drawn, label=series.label, markevery=[-1], **line_style.line())
        if low.any():
            spots: dict[str, Any] = {
                "marker": "v",
                "markersize": 6,
                "linestyle": "none",
                "color": line_style.color,
                "clip_on": False,
            }
            every = 1 + int(low.sum()) // _MOST_TRIANGLES
            axes.plot(curve.x[low], drawn[low], label=f"{series.label} below", markevery=every, **spots)
            remarks.append(f"Triangles at the bottom: {below}, which the logarithmic axis cannot show.")
        if lost.all():
            remarks.append(f"{series.label}: {whole}.")
        elif lost.any():
            remarks.append(f"{series.label}: points left out because not finite or too large: {lost.sum()}.")
    axes.set_yscale("log")
    if limits or not any((curve.y >= least).any() for curve in curves.values()):
        axes.set_ylim(bottom / 1.5, top * 1.5)
    label_log_axis(axes.yaxis, bottom, top)
    return remarks
