"""Claims of Lisciandrello, Inzerillo and Monti that the paper contradicts itself, or that cannot be tested here."""

from __future__ import annotations

from pipeline.papers.evidence import View
from pipeline.papers.judging import LooksJudge, better_by, by_looks, score
from pipeline.papers.paper import Claim
from pipeline.papers.quantity import at_least, at_most
from pipeline.papers.thresholds import CLEAR


def _best_further(view: View, judge: LooksJudge) -> float:
    best = min(score(view["further_losses", "vgg19", name], judge) for name in ("strotss", "nnst"))
    return score(view["balanced", "vgg19"], judge) - best


CONTRADICTIONS = (
    Claim(
        "The weight of total variation should be at least 1e-5.",
        "section 3.3",
        "smooth",
        kind="self-contradictory",
        reason="The same sentence finds 1e-6 best, which is less.",
    ),
)

UNTESTABLE = (
    Claim(
        "Their pictures do not come up to those of Gatys and others.",
        "section 4, figure 14",
        "networks",
        kind="not testable",
        reason="Neither of the two pictures is here. The settings of Gatys et al. 2016 on our pictures stand in.",
        quantities=better_by(
            "Score by their settings above that by Gatys'", ("original", "vgg19"), ("networks", "vgg19")
        ),
    ),
    Claim(
        "Other ways to compute the losses are worth trying.",
        "section 5",
        "further",
        kind="not testable",
        reason="A plan, without a loss or settings. Two losses that exist here stand in, beside the balanced one.",
        quantities=by_looks(
            "Score of the better of strotss and nnst below the balanced one",
            _best_further,
            at_least(CLEAR),
            at_most(-CLEAR),
        ),
    ),
)
