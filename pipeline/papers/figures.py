"""Our side of a paper's figures: tables of pictures laid out as theirs, and loss curves by their iterations.

They show the first pair of pictures that there are cells of, failures too.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from nstcore.pictures.resizing import resize_to
from nstcore.result import Trace
from pipeline.grid.series import Series
from pipeline.papers.computed import computed_pictures
from pipeline.papers.evidence import Evidence
from pipeline.papers.finding import Key, Missing
from pipeline.papers.paper import Curves, Exhibit, PictureTable
from pipeline.papers.pixels import written_unprocessed
from pipeline.report import plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_STRETCHED = "style, stretched"


def draw(exhibit: Exhibit, evidence: Evidence) -> dict[str, tuple[str, Figure]]:
    """The figures of an exhibit: by a name for its file, a title and the figure."""
    drawn = {}
    if exhibit.pictures is not None:
        title = f"{exhibit.where}, ours: {exhibit.title}"
        drawn["pictures"] = (title, _pictures(exhibit.pictures, evidence, f"{exhibit.where}, ours"))
    if exhibit.curves is not None:
        title = f"{exhibit.where}, ours: loss"
        if exhibit.curves.evaluations_a_round:
            title += f", by rounds of up to {exhibit.curves.evaluations_a_round} evaluations"
        drawn["loss"] = (title, _curves(exhibit.curves, evidence, title))
    return drawn


def draw_untransferred(evidence: Evidence) -> dict[str, tuple[str, Figure]]:
    """What the first pair's transfers have to beat: its two pictures, and those that are computed from them.

    {} where no cell of the pair has its pictures.
    """
    for sample in evidence.shown:
        for (of, _), finding in evidence.findings.items():
            if of.pair != sample.pair or not finding.done:
                continue
            content, style = finding.content, finding.style
            pictures = computed_pictures(content, style)
            pictures = {
                "untouched": pictures.pop("untouched"),
                _STRETCHED: resize_to(style, *content.shape[:2]),
                **pictures,
            }
            row, title = " × ".join(sample.pair), "Pictures that no transfer made"
            figure = plots.picture_table(
                {(row, name): picture for name, picture in pictures.items()},
                rows=[row],
                columns=list(pictures),
                title=title,
            )
            return {"pictures": (title, figure)}
    return {}


def by_rounds(trace: Trace, evaluations: int) -> Trace:
    """A trace as a paper counts whose iteration is a round of several evaluations: the end of each round.

    Round 0 is the initial picture; a last round that is not full is left out, unless it is the first.
    """
    rounds = max(trace[-1].evaluations // evaluations, 1)
    ends = []
    for number in range(rounds + 1):
        reached = [iterate for iterate in trace if iterate.evaluations <= max(number * evaluations, 1)]
        ends.append(replace((reached or [trace[0]])[-1], iteration=number))
    return Trace(tuple(ends))


def _pictures(table: PictureTable, evidence: Evidence, title: str) -> Figure:
    pictures = {}
    # A place that the paper's question leaves empty is no failure.
    missing = dict.fromkeys(itertools.product(table.rows, table.columns), "not asked for")
    for place, key in table.cells.items():
        del missing[place]
        try:
            picture = evidence.first(key).picture
            pictures[place] = written_unprocessed(picture) if place in table.unprocessed else picture
        except Missing as reason:
            missing[place] = str(reason)
    return plots.picture_table(
        pictures,
        rows=table.rows,
        columns=table.columns,
        title=title,
        row_title=table.row_title,
        column_title=table.column_title,
        missing=missing,
    )


def _curves(curves: Curves, evidence: Evidence, title: str) -> Figure:
    traces, notes = {}, {}
    for key in curves.cells:
        series, found = _trace(key, evidence)
        if isinstance(found, str):
            notes[series] = found
        else:
            traces[series] = by_rounds(found, curves.evaluations_a_round) if curves.evaluations_a_round else found
    return plots.loss_per_iteration(traces, title=title, notes=notes)


def _trace(key: Key, evidence: Evidence) -> tuple[Series, Trace | str]:
    try:
        finding = evidence.first(key)
    except Missing:
        return Series(key[1]), "was not run"
    try:
        return finding.series, finding.trace
    except Missing as reason:
        return finding.series, str(reason)
