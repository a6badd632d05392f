"""One figure for a whole grid: what each series reaches, what it costs, and how the measures judge it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from matplotlib.figure import Figure

from nstcore.result import Trace
from pipeline.grid.series import Series
from pipeline.measures.names import MEASURES, Measure
from pipeline.report.plots.curves import iterations, relative_loss
from pipeline.report.plots.line_styles import line_styles
from pipeline.report.plots.log_axis import Floats, can_show
from pipeline.report.plots.strips import Strip, SummaryFrame
from pipeline.report.plots.text_layout import figure_style
from pipeline.report.plots.time_curves import Pace

_QUARTILES = (25, 50, 75)
_MOST_ROWS = 24  # more make a figure of several pages, whose curves nobody can tell apart


@dataclass(frozen=True)
class SummaryCell:
    """One cell of a grid as the summary sees it.

    Attributes:
        series: what it belongs to.
        trace: its iterates; None or empty where there is no picture.
        measures: by the names in `pipeline.measures.names`, as far as known; nan is unknown too.
    """

    series: Series
    trace: Trace | None = None
    measures: Mapping[str, float] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        return bool(self.trace)


def grid_summary(cells: Iterable[SummaryCell], *, title: str) -> Figure:
    """Show medians and spread per series, over all pairs of pictures of a grid.

    A row of strips per quantity: every cell a faint dot, a bar from the first to the third quartile, a bold mark at
    the median. The quantities are the relative loss at the end, the median wall time of an iteration, and those
    measures that any cell has, the same measure by different judges side by side. Beside them the relative loss per
    iteration: the median of the series' cells, with a band between the quartiles. A cell that ended early keeps its
    last value. More than 24 series are brought together by backbone, and a footnote says so.

    Args:
        cells: in any order; those without a trace are counted in a footnote.
        title: any text; drawn literally.

    Returns:
        A figure 7.2 inches wide with 200 pixels an inch.
    """
    cells = list(cells)
    settings = len({cell.series for cell in cells})
    if settings > _MOST_ROWS:
        cells = [replace(cell, series=replace(cell.series, variant=())) for cell in cells]
    by_series: dict[Series, list[SummaryCell]] = {}
    for cell in cells:
        by_series.setdefault(cell.series, []).append(cell)
    styles = line_styles(by_series)
    members = {series: [cell for cell in by_series[series] if cell.done] for series in styles}
    strips = [*_strips_of_traces(members), *_strips_of_measures(members)]
    with figure_style():
        frame = SummaryFrame(title, styles, {series: len(done) for series, done in members.items()})
        for strip in strips:
            frame.draw(strip)
        bands = {series: band for series, done in members.items() if (band := _band(done)) is not None}
        last = max([1.0, *(numbers[-1] for series, (numbers, _) in bands.items() if series.is_iterated)])
        bands = {
            series: band if series.is_iterated else (np.array([0.0, last]), np.repeat(band[1][:, -1:], 2, axis=1))
            for series, band in bands.items()
        }
        frame.draw_bands(bands)
        return frame.finish(
            [*_together(settings, len(by_series)), *_remarks(by_series, members), *_unmeasured(members)]
        )


def _strips_of_traces(members: Mapping[Series, list[SummaryCell]]) -> list[Strip]:
    loss = {
        series: np.array([relative_loss(cell.trace)[-1] for cell in cells if cell.trace])
        for series, cells in members.items()
    }
    pace = {
        series: np.array([Pace.of(cell.trace).median for cell in cells if cell.trace])
        for series, cells in members.items()
    }
    return [
        Strip("Final / initial loss", "no unit, ← better", loss, log=True),
        Strip("Time per iteration", "s, ← better", pace, from_zero=True),
    ]


def _strips_of_measures(members: Mapping[Series, list[SummaryCell]]) -> list[Strip]:
    return [
        Strip(measure.title, _direction(measure), _measured(members, measure))
        for measure in _judges_side_by_side()
        if _count(_measured(members, measure))
    ]


def _judges_side_by_side() -> list[Measure]:
    """The measures, with those that differ only in the network that judges brought together."""
    kinds = [measure.title.split(" (")[0] for measure in MEASURES]
    return sorted(MEASURES, key=lambda measure: kinds.index(measure.title.split(" (")[0]))


def _direction(measure: Measure) -> str:
    return {"lower": "no unit, ← better", "higher": "no unit, better →", "": "no unit"}[measure.better]


def _measured(members: Mapping[Series, list[SummaryCell]], measure: Measure) -> dict[Series, Floats]:
    return {
        series: np.array([cell.measures.get(measure.name, np.nan) for cell in cells], dtype=np.float64)
        for series, cells in members.items()
    }


def _count(values: Mapping[Series, Floats]) -> int:
    return int(sum(np.isfinite(each).sum() for each in values.values()))


def _band(cells: list[SummaryCell]) -> tuple[Floats, Floats] | None:
    """Iteration numbers (n,), and quartiles of the relative loss (3, n); None without a loss that can be shown."""
    runs = [(iterations(cell.trace), relative_loss(cell.trace)) for cell in cells if cell.trace]
    runs = [(numbers, losses) for numbers, losses in runs if can_show(losses).all()]
    if not runs:
        return None
    numbers = np.unique(np.concatenate([run for run, _ in runs]))
    # The last iterate at or before each number: what a run that ended early still has.
    held = [losses[np.searchsorted(own, numbers, side="right").clip(1) - 1] for own, losses in runs]
    return numbers, np.percentile(held, _QUARTILES, axis=0)


def _together(settings: int, rows: int) -> list[str]:
    if settings == rows:
        return []
    return [f"A row is a backbone with all of its settings: {settings} are too many for a row each."]


def _remarks(by_series: Mapping[Series, list[SummaryCell]], members: Mapping[Series, list[SummaryCell]]) -> list[str]:
    remarks = [
        "Dots: one cell (a pair of pictures) each. Bar and band: first to third quartile. Mark and line: median. "
        "n: cells with a picture."
    ]
    if not all(series.is_iterated for series in by_series):
        remarks.append(
            "Feed-forward: one pass of a network that was trained for the style. Its loss is a level line, and its "
            "time per iteration that of the pass, without training."
        )
    lost = {series.label: len(by_series[series]) - len(done) for series, done in members.items()}
    if any(lost.values()):
        named = "; ".join(f"{label}: {count}" for label, count in lost.items() if count)
        remarks.append(f"Cells without a picture, not in the figure: {sum(lost.values())} ({named}).")
    bad = sum(
        not can_show(relative_loss(cell.trace)).all() for cells in members.values() for cell in cells if cell.trace
    )
    if bad:
        remarks.append(f"Cells whose loss is not always positive and finite, left out of the curves: {bad}.")
    return remarks


def _unmeasured(members: Mapping[Series, list[SummaryCell]]) -> list[str]:
    """What is missing of the measures, if there are any."""
    known = {measure.title: _count(_measured(members, measure)) for measure in MEASURES}
    every = sum(map(len, members.values()))
    if not any(known.values()) or not any(count < every for count in known.values()):
        return []
    short = "; ".join(f"{title}: {count}" for title, count in known.items() if count < every)
    return [f"Measures that some of the {every} cells lack, and how many have them: {short}."]
