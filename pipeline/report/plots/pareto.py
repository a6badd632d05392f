"""Style left against content lost, a curve over the weights for every backbone and loss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pipeline.grid.series import Series
from pipeline.measures.names import MEASURES
from pipeline.report.fronts import Front, Point, WeighedCell, fronts
from pipeline.report.plots.frame import SMALL, Frame
from pipeline.report.plots.line_styles import LineStyle, line_styles
from pipeline.report.plots.text_layout import figure_style

# Curves whose every point has its weight beside it; of more only the ends have.
_FEW = 4
# Of a panel's sides: names of marks that are nearer would cover each other.
_NEAR = 0.07


def pareto_fronts(cells: Iterable[WeighedCell], *, title: str) -> Figure:
    """Show what weights trade, a panel per judge: content lost across, style left up, the best at the lower left.

    A mark is the mean over the pairs that all weights of its curve have. The line goes through the marks that no other
    of the curve beats in both; those that one does are hollow.

    Args:
        cells: of any weights and settings; those without measures are left out.
        title: any text; drawn literally.

    Returns:
        A figure 7.2 inches wide with 200 pixels an inch.
    """
    cells = list(cells)
    seen = {judge: fronts(cells, judge) for judge in _judges()}
    seen = {judge: found for judge, found in seen.items() if found}
    every = {front.series: front for found in seen.values() for front in found}
    styles = line_styles(every)
    with figure_style():
        frame = Frame(title, len(seen))
        for axes, (judge, found) in zip(frame.axes, seen.items(), strict=True):
            shown = _judges()[judge]
            frame.dress(axes, shown, "Content lost  (← better)", "Style left  (← better)")
            axes.set_label(judge)
            _draw(axes, found, styles)
        entries = [(Line2D([], [], **styles[series].line()), _legend(every[series])) for series in styles]
        message = "" if seen else "No two choices of weights have pictures that were measured."
        return frame.finish(entries, [_REMARK] if seen else [], message)


_REMARK = (
    "A mark: the mean over the pairs of pictures at one weight of the style. The line joins the weights that no other "
    "of the curve beats in both; hollow marks are beaten."
)


def _judges() -> dict[str, str]:
    """Their names and titles, of the measures that every judge has one of."""
    prefix = "Style left ("
    return {
        measure.name.removeprefix("style_"): measure.title.removeprefix(prefix).rstrip(")")
        for measure in MEASURES
        if measure.title.startswith(prefix)
    }


def _draw(axes: Axes, found: Sequence[Front], styles: Mapping[Series, LineStyle]) -> None:
    for front in found:
        drawn = styles[front.series].line()
        best = front.best
        across, up = [point.content for point in best], [point.style for point in best]
        axes.plot(across, up, **drawn, label=f"{front.series.label} best")
        beaten = [point for point in front.points if point not in best]
        axes.plot(
            [point.content for point in beaten],
            [point.style for point in beaten],
            **{**drawn, "linestyle": "none", "markerfacecolor": "white"},
            label=f"{front.series.label} beaten",
        )
    axes.set_ylim(bottom=0)
    axes.margins(x=0.12)
    _name_points(axes, found, styles)


def _name_points(axes: Axes, found: Sequence[Front], styles: Mapping[Series, LineStyle]) -> None:
    """Write the weights beside the marks: above them, or below where another's name is."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    taken: list[Point] = []
    for front in found:
        for point in front.points if len(found) <= _FEW else (front.points[0], front.points[-1]):
            near = any(
                abs(point.content - other.content) < _NEAR * (right - left)
                and abs(point.style - other.style) < _NEAR * (top - bottom)
                for other in taken
            )
            taken.append(point)
            axes.annotate(
                point.weights,
                (point.content, point.style),
                xytext=(-4, -5) if near else (4, 3),
                ha="right" if near else "left",
                va="top" if near else "bottom",
                textcoords="offset points",
                fontsize=SMALL - 1.5,
                color=styles[front.series].color,
                parse_math=False,
            )


def _legend(front: Front) -> str:
    weights = f"{front.varied} {front.points[0].weights} to {front.points[-1].weights}"
    return f"{front.series.label}, {weights}, n={front.pairs}"
