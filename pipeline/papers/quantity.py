"""A number of every pair of pictures on which a claim hangs, and what of it speaks for the claim or against it."""

from __future__ import annotations

import math
import statistics as plain
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pipeline.papers import statistics
from pipeline.papers.evidence import NotPlanned
from pipeline.papers.finding import Missing, Unfit

if TYPE_CHECKING:
    from pipeline.papers.evidence import Evidence, View
    from pipeline.papers.finding import Finding

#: With fewer pairs than this nothing is tested: Wilcoxon's p cannot get below 0.002 with 10, which Holm's correction
#: over a paper's claims needs. What is seen on them is called an observation.
FEWEST_FOR_A_TEST = 10

#: Of the pairs that a number was planned of, the share that may have none: those that are left may be the easier ones.
_MOST_LOST = 0.25

Answer = Literal["for", "against", "neither", "unfit", "missing"]


@dataclass(frozen=True)
class Bound:
    """A threshold: numbers at or beyond it, on one side.

    Attributes:
        limit: the threshold.
        upward: whether the numbers above it count, or those below.
    """

    limit: float
    upward: bool

    def met(self, value: float) -> bool:
        return value >= self.limit if self.upward else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.upward else '≤'}\u00a0{short(self.limit)}"


def at_least(limit: float) -> Bound:
    return Bound(limit, True)


def at_most(limit: float) -> Bound:
    return Bound(limit, False)


@dataclass(frozen=True)
class Quantity:
    """One number of a claim.

    Attributes:
        name: what it is, as a sentence begins.
        value: it, of a pair of pictures. May raise `Missing`, and `Unfit` where the cells cannot answer.
        holds: where it speaks for the claim.
        against: where it speaks for the opposite; None where there is none.
        null: what it would be if there were nothing to what is claimed, for the paired test; None where that makes no
            sense, as for "no difference": then the whole interval has to meet the bound.
        decides: whether the verdict hangs on it; others are shown.
        condition: names one of several ways in which the whole claim was measured; they must agree.
        judge: who took it, where several judges take the same; "" where nobody has to.
    """

    name: str
    value: Callable[[View], float]
    holds: Bound
    against: Bound | None = None
    null: float | None = 0.0
    decides: bool = True
    condition: str = ""
    judge: str = ""

    @property
    def label(self) -> str:
        """Its name with who took it and under which condition."""
        named = f"{self.name}, by {self.judge}" if self.judge else self.name
        return f"{self.condition}: {named}" if self.condition else named


@dataclass(frozen=True)
class Measurement:
    """What a quantity came to over all pairs.

    Attributes:
        quantity: which.
        values: by pair, the median over its seeds.
        seeds: of how many cells that start from noise each is the median.
        unfit, missing: why pairs have no number, each once.
        unfit_pairs, missing_pairs: how many pairs have none because their cells cannot tell, or are not there.
        p: of the paired test, uncorrected; None where none is made.
        cells: those of the first pair that it was taken of.
    """

    quantity: Quantity
    values: Mapping[statistics.Pair, float]
    seeds: int = 1
    unfit: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unfit_pairs: int = 0
    missing_pairs: int = 0
    p: float | None = None
    cells: tuple[Finding, ...] = ()

    @property
    def n(self) -> int:
        return len(self.values)

    @property
    def center(self) -> float:
        return plain.median(self.values.values()) if self.values else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        return statistics.median_interval(self.values)

    @property
    def effect(self) -> float | None:
        """Matched-pairs rank biserial correlation; None where nothing is tested."""
        null = self.quantity.null
        return None if self.p is None or null is None else statistics.rank_biserial(list(self.values.values()), null)

    def answer(self, corrected_p: float | None) -> Answer:
        """What it says of the claim, with its p-value as it was corrected."""
        if not self.values:
            return "unfit" if self.unfit else "missing"
        lost = self.unfit_pairs + self.missing_pairs
        if lost > _MOST_LOST * (self.n + lost):
            return "unfit" if self.unfit_pairs >= self.missing_pairs else "missing"
        if self._meets(self.quantity.holds, corrected_p):
            return "for"
        against = self.quantity.against
        return "against" if against is not None and self._meets(against, corrected_p) else "neither"

    def _meets(self, bound: Bound, corrected_p: float | None) -> bool:
        if not bound.met(self.center):
            return False
        if self.n + self.unfit_pairs + self.missing_pairs < FEWEST_FOR_A_TEST:
            return True
        low, high = self.interval
        worse, null = (low if bound.upward else high), self.quantity.null
        if null is None:
            return bound.met(worse)
        beyond = worse > null if bound.upward else worse < null
        return beyond and corrected_p is not None and corrected_p < statistics.SIGNIFICANT


def measure(quantity: Quantity, evidence: Evidence) -> Measurement:
    """Take a quantity of every pair that it can be taken of."""
    by_pair: dict[statistics.Pair, list[float]] = {}
    unfit: dict[str, None] = {}
    missing: dict[str, None] = {}
    unfit_pairs, missing_pairs = set(), set()
    cells: tuple[Finding, ...] = ()
    for sample in evidence.samples:
        view = evidence.view(sample)
        try:
            value = float(quantity.value(view))
            if math.isnan(value):
                raise Missing(f"{quantity.label}: not a number")
        except NotPlanned:
            continue
        except Unfit as reason:
            unfit[str(reason)] = None
            unfit_pairs.add(sample.pair)
        except Missing as reason:
            missing[str(reason)] = None
            missing_pairs.add(sample.pair)
        else:
            # What starts from no noise is the same for every seed, and counts once.
            if sample.pair not in by_pair or any(found.seeded for found in view.looked_up.values()):
                by_pair.setdefault(sample.pair, []).append(value)
        cells = cells or tuple(view.looked_up.values())
    values = {pair: plain.median(each) for pair, each in by_pair.items()}
    unfit_pairs -= values.keys()
    missing_pairs -= values.keys() | unfit_pairs
    seeds = max((len(each) for each in by_pair.values()), default=1)
    lost = len(unfit_pairs), len(missing_pairs)
    measured = Measurement(quantity, values, seeds, tuple(unfit), tuple(missing), *lost, cells=cells)
    if quantity.null is not None and measured.n >= FEWEST_FOR_A_TEST:
        measured = replace(measured, p=statistics.signed_rank(list(values.values()), quantity.null))
    return measured


def together(answers: Sequence[Answer]) -> Answer:
    """What several quantities say that all have to agree."""
    first: tuple[Answer, ...] = ("missing", "unfit")
    for alone in first:
        if alone in answers:
            return alone
    return answers[0] if len(set(answers)) == 1 else "neither"


def short(value: float) -> str:
    """Three digits; powers of ten as people write losses."""
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:,.3g}" if 1e-3 <= abs(value) < 1e6 or value == 0 else f"{value:.2e}"
