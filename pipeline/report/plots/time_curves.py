"""What the iterations of one pair of pictures cost, and what their time buys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nstcore.result import Trace
from pipeline.grid.series import Series
from pipeline.report.plots.curves import (
    NO_INITIAL_LOSS,
    Panels,
    figure_of_pair,
    iterations,
    number_iterations,
    relative_loss,
    three_digits,
)
from pipeline.report.plots.frame import NOTHING, Frame
from pipeline.report.plots.line_styles import LineStyle
from pipeline.report.plots.log_axis import Curve, Floats, draw_on_log_axis

# Seconds; thirty thousand years are a broken clock.
_LONGEST = 1e12
_WINDOW = 9  # iterations whose median is drawn


@dataclass(frozen=True)
class Pace:
    """When the iterates of a trace came.

    Attributes:
        start: wall time before the first step: compilation, first evaluation, coarse runs; nan if unknown.
        end: wall time of the last iterate; nan if unknown.
        steps: iteration numbers whose time is known, (n,).
        seconds: wall time of each of these iterations, (n,).
        unknown: iterations whose time is not, because the clock was not finite or went backwards.
    """

    start: float
    end: float
    steps: Floats
    seconds: Floats
    unknown: int

    @classmethod
    def of(cls, trace: Trace) -> Pace:
        numbers, clock = iterations(trace), read_clock(trace)
        with np.errstate(invalid="ignore", divide="ignore"):
            taken = np.diff(clock) / np.diff(numbers)
        known = np.isfinite(taken) & (taken >= 0)
        return cls(clock[0], clock[-1], numbers[1:][known], taken[known], int((~known).sum()))

    @property
    def median(self) -> float:
        return float(np.median(self.seconds)) if self.seconds.size else np.nan


def read_clock(trace: Trace) -> Floats:
    """Wall time of each iterate in seconds, nan where it is no time."""
    seconds = np.array([iterate.seconds for iterate in trace], dtype=np.float64)
    return np.where((seconds >= 0) & (seconds <= _LONGEST), seconds, np.nan)


def time_and_loss(traces: Mapping[Series, Trace], *, title: str, notes: Mapping[Series, str] = NOTHING) -> Figure:
    """Show the wall time of each iteration of one pair, and the relative loss against wall time.

    Left a dot per iteration and a line through the median of nine. At iteration 0 stands what passes before the first
    step: compilation, and the coarse runs of a large picture. The scale is that of the ordinary iterations; what is
    longer stands at the top with an open triangle, and a footnote says how long the longest is. Right the loss
    divided by that of the initial picture, over seconds since the start; a dotted line leads to the first iterate.

    Of a picture that a trained network gave, the time of its one pass stands at iteration 1, without training.

    Args:
        traces, title, notes: as for `pipeline.report.plots.loss_per_iteration`.

    Returns:
        A figure like that of `pipeline.report.plots.loss_per_iteration`.
    """

    def draw(frame: Frame, drawn: Mapping[Series, Trace], styles: Mapping[Series, LineStyle]) -> list[str]:
        pace, progress = frame.axes
        frame.dress(pace, "Cost: each iteration", "Iteration", "Wall time of iteration (s)")
        frame.dress(
            progress, "Progress: loss over time", "Wall time since start (s)", "Total loss / loss of initial picture"
        )
        return [*_draw_paces(pace, drawn, styles), *_draw_progress(progress, drawn, styles)]

    return figure_of_pair(traces, title, notes, Panels(2, draw), _pace_in_words)


def _draw_paces(axes: Axes, drawn: Mapping[Series, Trace], styles: Mapping[Series, LineStyle]) -> list[str]:
    paces = {series: Pace.of(trace) for series, trace in drawn.items()}
    usual = [
        max(_running_median(pace.seconds).max(), np.percentile(pace.seconds, 90))
        for pace in paces.values()
        if pace.seconds.size
    ]
    top = 1.25 * max(usual, default=0.0) or 1.0
    remarks, beyond = [], []
    for series, pace in paces.items():
        line_style = styles[series]
        steps, seconds = np.append(0.0, pace.steps), np.append(pace.start, pace.seconds)
        inside, above = seconds <= top, seconds > top
        dots: dict[str, Any] = {"linestyle": "none", "color": line_style.color, "clip_on": False}
        axes.plot(steps[inside], seconds[inside], ".", label=f"{series.label} each", markersize=3, alpha=0.5, **dots)
        if pace.steps.size:
            median = _running_median(pace.seconds)
            axes.plot(pace.steps, median, label=series.label, markevery=[-1], **line_style.line())
        if above.any():
            height = np.full(int(above.sum()), top)
            axes.plot(
                steps[above], height, "^", label=f"{series.label} above", markersize=6, markerfacecolor="white", **dots
            )
            beyond.append(seconds[above].max())
        if pace.unknown:
            remarks.append(f"{series.label}: iterations whose time is not known: {pace.unknown}.")
    if beyond:
        remarks.append(f"Open triangles at the top: longer than the scale shows, up to {max(beyond):.3g} s.")
    remarks.append(
        "Per iteration: the median. Start: all before the first step (compilation, first evaluation, coarse runs), at "
        "iteration 0 on the left, dotted on the right."
    )
    axes.set_ylim(0, top)
    number_iterations(axes, drawn.values())
    return remarks


def _draw_progress(axes: Axes, drawn: Mapping[Series, Trace], styles: Mapping[Series, LineStyle]) -> list[str]:
    curves = {series: Curve(read_clock(trace), relative_loss(trace)) for series, trace in drawn.items()}
    remarks = draw_on_log_axis(axes, curves, styles, below="a loss of zero or less", whole=NO_INITIAL_LOSS)
    for series, curve in curves.items():
        if np.isfinite(curve.x[0]) and np.isfinite(curve.y[0]):
            wait: dict[str, Any] = {"color": styles[series].color, "linestyle": ":", "linewidth": 1.0}
            axes.plot([0, curve.x[0]], [1, 1], label=f"{series.label} start", **wait)
    times = np.concatenate([curve.x for curve in curves.values()])
    last = max(times[np.isfinite(times)], default=0.0) or 1.0
    axes.set_xlim(-0.02 * last, 1.03 * last)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    return remarks


def _running_median(values: Floats) -> Floats:
    """The median of the iterations around each, fewer at the ends; the values themselves where they are few."""
    reach = min(_WINDOW, values.size // 3) // 2
    return np.array([np.median(values[max(0, at - reach) : at + reach + 1]) for at in range(values.size)])


def _pace_in_words(series: Series, trace: Trace) -> str:
    pace = Pace.of(trace)

    def known(value: float) -> str:
        return f"{three_digits(value)} s" if np.isfinite(value) else "unknown"

    if not series.is_iterated:
        return f"{known(pace.end)} in one pass"
    return f"{known(pace.median)} per iteration, {known(pace.end)} in all, start {known(pace.start)}"
