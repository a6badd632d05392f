"""The figures of a few pairs as one task.

Each time that Luigi's scheduler is asked for work it looks at all tasks that are known, and closer at all that are
pending. Several figures for every pair of a large grid were most of them, and most of what its cells waited for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import luigi

from pipeline.outputs.made import digest_of
from pipeline.outputs.stores import FigureStore
from tasks.completion_cache import completions_remembered, remembered
from tasks.figures import LossPlot, PairFigure, TermsPlot, TimePlot, VariantTable
from tasks.report_task import ReportTask
from tasks.states import kept_meanwhile
from tasks.transfer import Transfer

# Many enough to be few tasks, few enough for workers to share the drawing.
_PAIRS = 8


class FigureSet(ReportTask):
    """All figures of `_PAIRS` pairs that follow one another in the plan. Only what is not up to date is drawn."""

    number: int = luigi.IntParameter(description="which of the grid's sets, from 0")

    def pairs(self) -> list[tuple[str, str]]:
        """The names of content and style of each of its pairs."""
        first = self.number * _PAIRS
        return list(self.plan().pairs)[first : first + _PAIRS]

    @remembered
    def figures(self) -> list[PairFigure]:
        """Every figure of each pair."""
        return list(self._each_figure())

    def _each_figure(self) -> Iterator[PairFigure]:
        kinds = (VariantTable, LossPlot, TermsPlot, TimePlot) if self.plan().varies else (LossPlot, TermsPlot, TimePlot)
        return (self.clone(kind, content=content, style=style) for content, style in self.pairs() for kind in kinds)

    def requires(self) -> list[Transfer]:
        cells = (cell for pair in self.pairs() for cell in self.plan().pairs[pair])
        return [Transfer.of(cell, self.output_dir, self.batch_size, **kept_meanwhile(self)) for cell in cells]

    def output(self) -> list[FigureStore]:
        return [figure.output() for figure in self.figures()]

    @remembered
    def complete(self) -> bool:
        with completions_remembered():
            return all(figure.complete() for figure in self._each_figure())  # seldom more than the first

    @remembered
    def identity(self) -> str:
        return digest_of([figure.identity() for figure in self.figures()])

    def make(self) -> None:
        """Draw what is missing or shows something else. A figure that cannot be drawn does not keep the others."""
        with completions_remembered():
            stale = [figure for figure in self.figures() if not figure.complete()]
        errors = []
        for figure in stale:
            try:
                figure.make()
            except Exception as error:
                errors.append(error)
        if errors:
            raise ExceptionGroup("figures could not be drawn", errors)


def figure_sets(report: ReportTask) -> list[FigureSet]:
    """The sets that hold the figures of every pair of a report's grid."""
    return [report.clone(FigureSet, number=number) for number in range(math.ceil(len(report.plan().pairs) / _PAIRS))]
