"""What happens to the loss of one pair of pictures, iteration by iteration: as a whole, and each of its terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nstcore.config import TransferConfig
from nstcore.losses import Loss
from nstcore.recipe import resolve
from nstcore.result import Trace
from pipeline.grid.series import Series
from pipeline.report.plots.frame import NOTHING, Frame, legend
from pipeline.report.plots.line_styles import LineStyle, line_styles
from pipeline.report.plots.log_axis import LARGEST, SMALLEST, Curve, Floats, draw_on_log_axis, log_range
from pipeline.report.plots.text_layout import figure_style

#: The terms that every loss has: their names in `Iterate`, and for people.
TERMS = {"content": "Content", "style": "Style", "total_variation": "Total variation"}

# Of the initial loss. What is below is rounding, such as the content loss of the content picture itself.
_LEAST_SHARE = 1e-6
_NEGLIGIBLE = "a term that is zero or below a millionth of the initial loss"
NO_INITIAL_LOSS = "no relative curve, since the initial loss is not a positive number"


def loss_per_iteration(traces: Mapping[Series, Trace], *, title: str, notes: Mapping[Series, str] = NOTHING) -> Figure:
    """Compare how the total loss of one content/style pair falls with each series.

    Left the total loss, whose scale is each network's own; right the same divided by its value at the initial
    picture, which can be compared. Both axes are logarithmic: a loss of zero or less is drawn at the bottom with a
    downward triangle, one that is not finite is left out, and a footnote says so. The picture of a trained network
    takes no iterations: a level line stands at its loss.

    Args:
        traces: the iterates per series; empty and one-point traces are drawn as far as they go.
        title: any text; drawn literally.
        notes: remarks per series ("stand-in weights", "failed: …"), shown in the legend, for series without a
            trace too.

    Returns:
        A figure 7.2 inches wide with 200 pixels an inch. Lines are labelled with the series' label.
    """

    def draw(frame: Frame, drawn: Mapping[Series, Trace], styles: Mapping[Series, LineStyle]) -> list[str]:
        raw, relative = frame.axes
        frame.dress(raw, "Raw: each network has its own scale", "Iteration", "Total loss (no unit)")
        frame.dress(relative, "Relative: comparable", "Iteration", "Total loss / loss of initial picture")
        remarks = of_levels(drawn)
        whole = "no curve, since no loss is a finite number"
        for axes, values, lost in ((raw, total, whole), (relative, relative_loss, NO_INITIAL_LOSS)):
            curves = {series: curve(series, values, drawn) for series in drawn}
            remarks += draw_on_log_axis(axes, curves, styles, below="a loss of zero or less", whole=lost)
            number_iterations(axes, drawn.values())
        relative.axhline(1.0, color="0.6", linewidth=0.8, zorder=1)
        return remarks

    return figure_of_pair(traces, title, notes, Panels(2, draw), _final_loss)


def terms_per_iteration(
    traces: Mapping[Series, Trace],
    configs: Mapping[Series, TransferConfig],
    *,
    title: str,
    notes: Mapping[Series, str] = NOTHING,
) -> Figure:
    """Show the content, style and total variation terms of one pair apart, a panel each.

    Further losses that read the content or a style are part of those two; others have panels of their own. A term
    is drawn as its weight × its value / the total loss of the initial picture. Raw terms of different networks do
    not compare, and a term cannot be divided by its own beginning: the content loss of a run that starts from the
    content picture is 0 there. Drawn this way the three add up to the relative loss of `loss_per_iteration`, and
    all panels have one scale. Zeros are drawn as there; a term of weight 0 is left out, which a footnote says.

    Args:
        traces, title, notes: as for `loss_per_iteration`.
        configs: settings of each series with a trace; their weights are needed.

    Returns:
        A figure like that of `loss_per_iteration`.
    """

    terms = TERMS | {name: name for config in configs.values() for name in _others(config)}

    def weight(series: Series, term: str) -> float:
        if term in TERMS:
            return float(getattr(configs[series], f"{term}_weight"))
        others = _others(configs[series])
        return others[term].weight if term in others else 0.0

    def share(series: Series, term: str) -> Curve:
        def weighted(trace: Trace) -> Floats:
            with np.errstate(over="ignore", invalid="ignore"):
                return weight(series, term) * _values(trace, term) / _initial_loss(trace)

        return curve(series, weighted, traces)

    def draw(frame: Frame, drawn: Mapping[Series, Trace], styles: Mapping[Series, LineStyle]) -> list[str]:
        remarks = of_levels(drawn)
        every = [share(series, term) for series in drawn for term in terms if weight(series, term)]
        scale: dict[str, Any] = {"least": _LEAST_SHARE, "limits": log_range(every, _LEAST_SHARE)}
        for axes, (term, heading) in zip(frame.axes, terms.items(), strict=True):
            label = "Weighted term / initial total loss" if axes is frame.axes[0] else ""
            frame.dress(axes, heading, "Iteration", label)
            weightless = [series for series in drawn if not weight(series, term)]
            curves = {series: share(series, term) for series in drawn if series not in weightless}
            if curves:
                remarks += draw_on_log_axis(axes, curves, styles, below=_NEGLIGIBLE, whole=NO_INITIAL_LOSS, **scale)
            else:
                axes.text(0.5, 0.5, "not part of the loss", transform=axes.transAxes, ha="center", color="0.35")
            if weightless:
                names = "; ".join(series.label for series in weightless)
                remarks.append(f"{heading} is no part of the loss (its weight is 0) for {names}.")
            number_iterations(axes, drawn.values(), most=5)
            axes.tick_params(axis="y", which="both", labelleft=axes is frame.axes[0] and bool(curves))
        return [*remarks, "Percentages: of the initial total loss."]

    def final_shares(series: Series, trace: Trace) -> str:
        last = {heading.lower(): share(series, term).y[-1] for term, heading in terms.items()}
        return "final " + ", ".join(f"{name} {_percent(value)}" for name, value in last.items())

    return figure_of_pair(traces, title, notes, Panels(len(terms), draw, one_scale=True), final_shares)


@dataclass(frozen=True)
class Panels:
    """What a figure of one pair shows.

    Attributes:
        count: how many panels.
        draw: fills them and returns remarks.
        one_scale: the axes have their numbers at the first panel alone.
    """

    count: int
    draw: Callable[[Frame, Mapping[Series, Trace], Mapping[Series, LineStyle]], list[str]]
    one_scale: bool = False


def figure_of_pair(
    traces: Mapping[Series, Trace],
    title: str,
    notes: Mapping[Series, str],
    panels: Panels,
    fact: Callable[[Series, Trace], str],
) -> Figure:
    """Build a figure of one pair: its panels, its legend, its remarks, or the news that there is nothing to draw.

    Args:
        fact: what the legend says of a series beside its name.
    """
    with figure_style():
        noted = [series for series in notes if notes[series]]
        styles = line_styles([*traces, *noted])
        drawn = {series: traces[series] for series in styles if len(traces.get(series, ()))}
        frame = Frame(title, panels.count if drawn else 0, one_scale=panels.one_scale)
        remarks = panels.draw(frame, drawn, styles) if drawn else []
        shown = {series: line_style for series, line_style in styles.items() if series in drawn or series in noted}
        entries, others = legend(shown, {series: fact(series, trace) for series, trace in drawn.items()}, notes)
        message = "" if drawn else "No backbone has completed this pair."
        return frame.finish(entries, list(dict.fromkeys([*remarks, *others])), message)


def curve(series: Series, values: Callable[[Trace], Floats], traces: Mapping[Series, Trace]) -> Curve:
    """The line of a series: its values by iteration, or a level line at the last where there are no iterations.

    Args:
        values: gives those of a trace.
        traces: of all series of the figure; the line is as long as the longest.
    """
    trace = traces[series]
    if series.is_iterated:
        return Curve(iterations(trace), values(trace))
    return level(values(trace)[-1], traces)


def level(value: float, traces: Mapping[Series, Trace]) -> Curve:
    """A level line from the first iteration to the last that any optimised picture has."""
    last = max([1.0, *(iterations(trace)[-1] for each, trace in traces.items() if each.is_iterated and len(trace))])
    return Curve(np.array([0.0, last]), np.full(2, value))


def of_levels(drawn: Iterable[Series]) -> list[str]:
    """What has to be said of level lines, if there are any."""
    if all(series.is_iterated for series in drawn):
        return []
    return [
        "Level lines: the picture of a network that was trained for the style, which takes one pass and no iterations."
    ]


def iterations(trace: Trace) -> Floats:
    """The number of each iterate."""
    return _values(trace, "iteration")


def total(trace: Trace) -> Floats:
    """The loss of each iterate."""
    return _values(trace, "total")


def relative_loss(trace: Trace) -> Floats:
    """The loss of each iterate divided by the first, nan where that is not a positive number."""
    with np.errstate(over="ignore", invalid="ignore"):
        return total(trace) / _initial_loss(trace)


def _initial_loss(trace: Trace) -> float:
    first = trace[0].total
    return first if SMALLEST <= first <= LARGEST else np.nan


def _values(trace: Trace, name: str) -> Floats:
    return np.array(
        [iterate.losses[name] if name in iterate.losses else getattr(iterate, name) for iterate in trace], np.float64
    )


def _others(config: TransferConfig) -> dict[str, Loss]:
    """Losses of the picture itself, by name, besides total variation."""
    return {name: loss for name, loss in resolve(config).losses if loss.reads == "picture" and name not in TERMS}


def number_iterations(axes: Axes, traces: Iterable[Trace], most: int = 6) -> None:
    """Give a panel an axis of iterations with at most so many numbers."""
    last = max(1.0, *(iterations(trace).max() for trace in traces))
    axes.set_xlim(-0.02 * last, 1.03 * last)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=most, integer=True, steps=[1, 2, 5, 10]))


def _final_loss(series: Series, trace: Trace) -> str:
    last = relative_loss(trace)[-1]
    share = f" ({_percent(last)} of initial)" if 0 <= last <= LARGEST else ""
    return f"final loss {three_digits(trace[-1].total)}{share}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %" if np.isfinite(share) else "unknown"


def three_digits(value: float) -> str:
    """A number for people: 9500 rather than 9.5e+03."""
    return f"{float(f'{value:.3g}'):.6g}"
