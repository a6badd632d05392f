"""Style left against content lost, a curve over the weights for every backbone and loss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox

from pipeline.grid.series import Series
from pipeline.measures.names import MEASURES
from pipeline.report.fronts import Front, Point, WeighedCell, fronts
from pipeline.report.plots.frame import DPI, SMALL, Frame
from pipeline.report.plots.line_styles import LineStyle, line_styles
from pipeline.report.plots.text_layout import figure_style, fit, measure

# Curves whose every point has its weight beside it; of more only the ends have.
_FEW = 4
# Where a weight may stand beside its mark, points. It takes the first place in the panel that covers the least.
_PLACES = ((4, 3), (-4, 3), (4, -4), (-4, -4))
_HALF_A_MARK = 3.5
_WIDEST = 60.0


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
        figure = frame.finish(entries, [_REMARK] if seen else [], message)
        for axes, found in zip(frame.axes, seen.values(), strict=True):
            _name_points(axes, found, styles)  # now that panels have their size
        return figure


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
    axes.margins(x=0.12)
    # From 0, with room for the weight above the highest mark.
    axes.set_ylim(0, 1.15 * max(point.style for front in found for point in front.points) or 1.0)


def _name_points(axes: Axes, found: Sequence[Front], styles: Mapping[Series, LineStyle]) -> None:
    """Write the weights beside the marks, within the panel, where there is room."""

    def place(point: Point) -> tuple[float, float]:
        x, y = axes.transData.transform((point.content, point.style)) * 72 / DPI
        return float(x), float(y)

    def cost(box: Bbox) -> tuple[bool, int]:
        inside = all(panel.contains(*corner) for corner in (box.min, box.max))
        return not inside, box.count_overlaps(taken)

    size = SMALL - 1.5
    panel = Bbox(axes.bbox.get_points() * 72 / DPI)
    marks = [place(point) for front in found for point in front.points]
    taken = [Bbox.from_bounds(x, y, 0, 0).padded(_HALF_A_MARK) for x, y in marks]
    for front in found:
        for point in front.points if len(found) <= _FEW else (front.points[0], front.points[-1]):
            text = fit(point.weights, width=_WIDEST, size=size, lines=1)
            (x, y), width = place(point), measure(text, size)
            boxes = {}
            for right, up in _PLACES:
                left, bottom = x + right - width * (right < 0), y + up - size * (up < 0)
                boxes[right, up] = Bbox.from_bounds(left, bottom, width, size)
            right, up = min(boxes, key=lambda each: cost(boxes[each]))
            taken.append(boxes[right, up])
            axes.annotate(
                text,
                (point.content, point.style),
                xytext=(right, up),
                ha="left" if right > 0 else "right",
                va="bottom" if up > 0 else "top",
                textcoords="offset points",
                fontsize=size,
                color=styles[front.series].color,
                parse_math=False,
            )


def _legend(front: Front) -> str:
    weights = f"{front.varied} {front.points[0].weights} to {front.points[-1].weights}"
    return f"{front.series.label}, {weights}, n={front.pairs}"
