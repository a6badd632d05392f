"""How losses and times of Gupta, Sadana and Moudgil 2019 are read, and where the paper contradicts itself."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from pipeline.papers.evidence import View
from pipeline.papers.finding import Finding, Key, Missing
from pipeline.papers.fitness import require_structure
from pipeline.papers.gupta_studies import cell
from pipeline.papers.judging import LooksJudge, by_looks, score
from pipeline.papers.paper import Claim
from pipeline.papers.quantity import Quantity, at_least, at_most
from pipeline.papers.ratios import decades, pace_ratio
from pipeline.papers.statistics import rank_correlation
from pipeline.papers.thresholds import LESS, TREND

#: Evaluations in one of their iterations, and how many iterations they did.
ROUND, ROUNDS = 20, 10


def after_round(view: View, key: Key, number: int = 1) -> float:
    """The loss at the end of one of their iterations.

    Raises:
        Missing: if the cell stopped before.
    """
    found = view[key]
    if found.final.evaluations < ROUND * number * 0.9:
        raise Missing(f"{found.name} stopped after {found.final.evaluations} evaluations, before round {number}")
    return found.after(ROUND * number).total


def steepest_rise(view: View, key: Key) -> float:
    """The loss after one of their iterations over that after the one before, at most."""
    losses = [after_round(view, key, number) for number in range(1, ROUNDS + 1)]
    return max(after / before for before, after in pairwise(losses))


def rises_with_loss(keys: Sequence[Key], condition: str) -> tuple[Quantity, ...]:
    """Whether pictures are the better the higher the loss of their network, under the paper's settings."""

    def value(view: View, judge: LooksJudge) -> float:
        found = [view[key] for key in keys]
        return rank_correlation([each.final.total for each in found], [-score(each, judge) for each in found])

    return by_looks(
        "Rank correlation of loss and quality", value, at_least(TREND), at_most(-TREND), condition=condition
    )


def _of_content_layers(view: View) -> tuple[Finding, Finding]:
    low, high = (view["content_layer", "vgg19", f"block{block}_conv2"] for block in (2, 5))
    require_structure(low, high)
    return low, high


def kept_by_the_low(view: View) -> float:
    """How much of the content's fine structure a low content layer keeps."""
    return _of_content_layers(view)[0].detail.kept


def pixels_kept(view: View) -> float:
    """How much more of the content's fine structure a low content layer keeps than a high one."""
    low, high = _of_content_layers(view)
    return low.detail.kept - high.detail.kept


CONTRADICTIONS = (
    Claim(
        "Features of higher layers are much more detailed, as the pictures show.",
        "section 5",
        "content",
        kind="self-contradictory",
        reason="The two sentences before have lower layers reproduce the exact pixels, and higher ones objects and "
        "their arrangement.",
        quantities=(
            Quantity(
                "Fine structure of the content kept with block5_conv2 less that with block2_conv2",
                lambda view: -pixels_kept(view),
                at_least(0.1),
                at_most(-0.1),
            ),
        ),
    ),
    Claim(
        "VGG19 is much slower than VGG16.",
        "section 6",
        "first",
        kind="self-contradictory",
        reason="Section 5 calls it a bit of speed, and figures 7 and 9 have 100 and 115 seconds.",
        quantities=(
            Quantity(
                "Time of an evaluation of VGG19 over VGG16's",
                pace_ratio(cell("vgg19"), cell("vgg16")),
                at_least(1.5),
                at_most(LESS),
                1.0,
            ),
        ),
    ),
    Claim(
        "L-BFGS improves the picture by lowering the loss, and the picture is the better the higher the loss.",
        "section 5",
        "pictures",
        kind="self-contradictory",
        reason="Both stand in one paragraph. The second can be meant across networks only, and is judged so above.",
    ),
)


def starts_above(view: View, study: str) -> float:
    """Decades of VGG16's loss above VGG19's after the first of their iterations."""
    return decades(after_round(view, (study, "vgg16")), after_round(view, (study, "vgg19")))


STARTS_LOWER = Claim(
    "VGG19 starts with a lower loss than VGG16.",
    "section 5",
    "first",
    kind="self-contradictory",
    reason="Figures 7 and 9 have 2.9e9 for VGG16 and 8.1e9 for VGG19 after the first iteration, and the same section "
    "gives VGG19 the highest loss of all.",
    quantities=tuple(
        Quantity(
            f"Decades of VGG16's loss above VGG19's after the first round ({words})",
            partial(starts_above, study=study),
            at_least(0.1),
            at_most(-0.1),
        )
        for study, words in (("comparison", "file as it is"), ("rescaled", "filters rescaled"))
    ),
)
