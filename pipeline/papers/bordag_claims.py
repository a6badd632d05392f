"""What Bordag, Brandon and Lei claim, and how our cells answer."""

from __future__ import annotations

from itertools import pairwise

from pipeline.papers import pixels
from pipeline.papers.bordag_studies import ALONE, ALPHAS, MIXES
from pipeline.papers.computed import CROPS
from pipeline.papers.evidence import View
from pipeline.papers.finding import Key
from pipeline.papers.fitness import blur, require_structure
from pipeline.papers.judging import LooksJudge, better_by, by_looks, content_lost, score, style_left, works
from pipeline.papers.paper import Claim
from pipeline.papers.quantity import Quantity, at_least, at_most
from pipeline.papers.ratios import ratio
from pipeline.papers.thresholds import BLURRED, CLEAR, LESS, MORE, NONE, SHARP, SOME

_TWO: Key = ("content_layers", "vgg19", "two")
_SMALLEST: Key = ("alphas", "vgg19", ALPHAS[0])
_LARGEST: Key = ("alphas", "vgg19", ALPHAS[-1])


def _fallen(view: View) -> float:
    totals = [iterate.total for iterate in view[_TWO].trace]
    return ratio(min(totals), totals[0])


def _rises(view: View) -> float:
    trace = view[_TWO].trace
    return sum(later.total > one.total for one, later in pairwise(trace)) / max(len(trace) - 1, 1)


def _mixed_ahead(view: View, judge: LooksJudge) -> float:
    scores = {name: score(view["mixing", backbone, name], judge) for name, (backbone, _) in MIXES.items()}
    return scores.pop(ALONE) - min(scores.values())


def _smoothed(view: View) -> float:
    smooth = view["smoothing", "vgg19", "0.1"]
    require_structure(smooth)
    return ratio(pixels.roughness(smooth.picture), pixels.roughness(view[_TWO].picture))


_NO_WEIGHTS = (
    "The paper gives neither layers nor alpha and beta, which decide how much of either a picture has. Ours stand in."
)

CLAIMS = (
    Claim(
        "A transfer gives a picture near the content picture in content and near the style picture in style.",
        "sections 2, 3 and 3.3, figures 1 and 2",
        "axes",
        kind="not testable",
        reason=_NO_WEIGHTS,
        quantities=works("The picture", _TWO),
        ours=works("The picture", ("balanced", "vgg19")),
        note="Those are cross-fades with as much of the style, the content in the style's colours, and a flat "
        "picture. Distances below 1 alone would pass for a cross-fade. Section 3.3 has it of all kinds of pictures "
        "and styles, section 4.2 of fewer.",
    ),
    Claim(
        "Descent by gradients from the content picture finds it.",
        "section 3.3, equation 11, algorithm 1",
        "pictures",
        kind="not testable",
        reason=_NO_WEIGHTS,
        quantities=(
            Quantity("Least loss over the first", _fallen, at_most(0.1), at_least(0.9), null=1.0),
            *works("The picture", _TWO),
        ),
        differs="The step is not given: one at which the first changes values by a grey level on average, halved where "
        "the loss leaves that of the start.",
    ),
    Claim(
        "Of the pictures on the way the best is kept.",
        "section 3.3, algorithm 1",
        "pictures",
        kind="not testable",
        reason="The paper keeps it without saying why. That the loss may rise is our reading, and whether it does "
        "hangs on the step, which is not given. The descent from the content picture stands in, whose steps are halved "
        "where the loss leaves that of the start.",
        quantities=(
            Quantity("Share of steps at which the loss rose", _rises, at_least(0.01), at_most(0.0), null=None),
        ),
    ),
    Claim(
        "What the choice of alpha and beta prefers, content or style, the picture has more of.",
        "section 3.2, equation 10",
        "alphas",
        quantities=(
            *better_by(
                "Content lost at the smallest alpha above that at the largest", _LARGEST, _SMALLEST, kind=content_lost
            ),
            *better_by(
                "Style left at the largest alpha above that at the smallest", _SMALLEST, _LARGEST, kind=style_left
            ),
        ),
    ),
    Claim(
        "A loss of local differences smooths the picture.",
        "section 3.3",
        "smoothing",
        kind="not testable",
        reason="Neither the loss nor its weight is given, and with weight enough any such loss smooths. Total "
        "variation with the weight of Gupta and others stands in.",
        quantities=(Quantity("Roughness with it over that without", _smoothed, at_most(LESS), at_least(MORE), 1.0),),
    ),
    Claim(
        "Content as one network sees it with style as another does may give better pictures.",
        "sections 3.3 and 4.2",
        "mixing",
        quantities=by_looks(
            "VGG19's score above the better of two mixtures with ResNet50",
            _mixed_ahead,
            at_least(CLEAR),
            at_most(-CLEAR),
        ),
        differs="Which networks is not said, nor their layers and weights: terms are balanced, for VGG19 alone too.",
    ),
    Claim(
        "Distances of features could show what large sets of pictures have in common in style and content.",
        "section 1",
        "axes",
        kind="not testable",
        reason="It takes collections of paintings. For style alone, quarters of the content and the style picture "
        "stand in: the chance that two of one picture are nearer in style than two of both.",
        quantities=(
            Quantity(
                "That chance, by VGG19's Gram matrices",
                lambda view: view.computed(CROPS).measure("auc_vgg19"),
                at_least(0.9),
                at_most(0.5),
                null=None,
            ),
        ),
    ),
    Claim(
        "Of a Rembrandt the picture takes neither the light nor the style; where no better picture is found it is "
        "blurred and smoothed.",
        "section 4.2.1",
        "photographs",
        kind="not testable",
        reason="It takes their two pictures. A photograph as the style, which is as subtle, stands in.",
        quantities=(
            Quantity(
                "Fine structure of the picture, as a share of the content's",
                lambda view: blur(view["photographs", "vgg19"]),
                at_most(BLURRED),
                at_least(SHARP),
                null=1.0,
            ),
            *by_looks(
                "Style left",
                lambda view, judge: style_left(view["photographs", "vgg19"], judge),
                at_least(SOME),
                at_most(0.5),
                null=None,
            ),
        ),
    ),
    Claim(
        "Of a nebula too the transfer to Oski is poor.",
        "section 4.2.2",
        "photographs",
        kind="not testable",
        reason="It takes their two pictures. A photograph as the style, which a nebula's picture is, stands in.",
        quantities=by_looks(
            "Score (1: the content picture left alone)",
            lambda view, judge: score(view["photographs", "vgg19"], judge),
            at_least(NONE),
            at_most(SOME),
            null=None,
        ),
    ),
    Claim(
        "Low layers hold shapes and content, high ones style and texture.",
        "section 3.1",
        kind="self-contradictory",
        reason="The end of the same section has networks see pixels first, then style, and the subject last.",
    ),
    Claim(
        "A step adds the gradient of the loss.",
        "section 3.1, equations 1 and 2",
        kind="self-contradictory",
        reason="The text calls it going down, equation 11 subtracts it, and algorithm 1 subtracts the loss itself.",
    ),
)
