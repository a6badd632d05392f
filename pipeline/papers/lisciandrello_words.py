"""Claims of Lisciandrello, Inzerillo and Monti that the paper contradicts itself, or that cannot be tested here."""

from __future__ import annotations

from pipeline.papers.evidence import View
from pipeline.papers.judging import LooksJudge, better_by, by_looks, score
from pipeline.papers.paper import Claim
from pipeline.papers.quantity import Quantity, at_least, at_most
from pipeline.papers.ratios import ratio
from pipeline.papers.thresholds import CLEAR


def _best_further(view: View, judge: LooksJudge) -> float:
    best = min(score(view["further_losses", "vgg19", name], judge) for name in ("strotss", "nnst"))
    return score(view["balanced", "vgg19"], judge) - best


_SHARPENING = Quantity(
    "Fine structure with total variation over that without (VGG19)",
    lambda view: ratio(view["networks", "vgg19"].detail.fine, view["no_total_variation", "vgg19"].detail.fine),
    at_least(1.1),
    at_most(0.9),
    null=1.0,
)

CONTRADICTIONS = (
    Claim(
        "Without total variation pictures are blurry, and it makes them sharper.",
        "section 3.2",
        "smooth",
        kind="self-contradictory",
        reason="Section 3.2.3 has it smooth the picture, and section 4 asks for a very small weight to stay sharp.",
        quantities=(_SHARPENING,),
    ),
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
        "Other losses than Gram matrices are worth trying.",
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
