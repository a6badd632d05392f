"""What Xu, Shi and Pei 2016 claim of Gatys' method and its knobs, and how our cells answer."""

from __future__ import annotations

import math

from pipeline.papers import pixels
from pipeline.papers.evidence import View
from pipeline.papers.finding import Key
from pipeline.papers.fitness import require_no_noise, require_structure
from pipeline.papers.judging import better_by, by_looks, score
from pipeline.papers.paper import Claim
from pipeline.papers.quantity import Quantity, at_least, at_most
from pipeline.papers.ratios import ratio
from pipeline.papers.statistics import rank_correlation
from pipeline.papers.thresholds import CLOSE, LESS, MORE, TREND
from pipeline.papers.xu_patches import PATCHES
from pipeline.papers.xu_studies import CONTENT_LAYERS, GRAM, LAYER_RATIO, PAIR_RATIOS, SETS, TABLE_RATIOS
from pipeline.papers.xu_trades import content_traded, style_traded


def _pair(ratio_: str) -> Key:
    return "ratios", "vgg19", ratio_


def _row(name: str) -> Key:
    return "layers_by_ratio", "vgg19", name, TABLE_RATIOS[0]


def _sizes(view: View) -> float:
    rows = [view[_row(name)] for name in SETS]
    require_structure(*rows)
    require_no_noise(*rows)  # what is left of the start would be the smallest structure
    sizes = [pixels.structure_size(each.picture) for each in rows]
    return rank_correlation(range(len(SETS)), sizes)


def _grown(view: View) -> float:
    first, last = (view[_row(name)] for name in (SETS[0], SETS[-1]))
    require_structure(first, last)
    require_no_noise(first, last)
    return ratio(pixels.structure_size(last.picture), pixels.structure_size(first.picture))


def _layer(layer: str) -> Key:
    return "content_layers", "vgg19", LAYER_RATIO, layer


def _nearer_pixels(view: View) -> float:
    require_structure(*(view[_layer(layer)] for layer in CONTENT_LAYERS))
    away = [pixels.difference(view[_layer(layer)].picture, view[_layer(layer)].content) for layer in CONTENT_LAYERS]
    return rank_correlation(range(len(CONTENT_LAYERS)), [-levels for levels in away])


def _levels_gained(view: View) -> float:
    high, low = (view[_layer(layer)] for layer in (CONTENT_LAYERS[0], CONTENT_LAYERS[-1]))
    return pixels.difference(high.picture, high.content) - pixels.difference(low.picture, low.content)


def _budgets(view: View) -> float:
    lbfgs, rmsprop = view[GRAM], view["rmsprop", "vgg19"]
    return (rmsprop.seconds_an_evaluation * rmsprop.final.evaluations) / (
        lbfgs.seconds_an_evaluation * lbfgs.final.evaluations
    )


def _equal_loss(view: View) -> float:
    """The time that RMSprop takes to L-BFGS's last loss, over what that took; infinite if it never gets there."""
    lbfgs, rmsprop = view[GRAM], view["rmsprop", "vgg19"]
    reached = [iterate.evaluations for iterate in rmsprop.trace if iterate.total <= lbfgs.final.total]
    if not reached:
        return math.inf
    # L-BFGS too takes no longer than to the first step that is as low as RMSprop's at its lowest.
    took = lbfgs.seconds_an_evaluation * lbfgs.final.evaluations
    return rmsprop.seconds_an_evaluation * reached[0] / took


CLAIMS = (
    Claim(
        "The larger alpha/beta, the more the picture is like the photograph.",
        "section V-A, figure 12",
        "ratios",
        quantities=content_traded(_pair(PAIR_RATIOS[0]), _pair(PAIR_RATIOS[-1])),
        ours=content_traded(("our_ratios", "vgg19", "0.1"), ("our_ratios", "vgg19", "10")),
    ),
    Claim(
        "The smaller it is, the more it is like the artwork: content and style can be traded.",
        "section I, figures 10 and 12",
        "ratios",
        quantities=style_traded(_pair(PAIR_RATIOS[0]), _pair(PAIR_RATIOS[-1])),
        ours=style_traded(("our_ratios", "vgg19", "0.1"), ("our_ratios", "vgg19", "10")),
    ),
    Claim(
        "Structures grow in size as higher style layers are added.",
        "section II-B, figures 4 and 10",
        "layers",
        quantities=(
            Quantity(
                "Rank correlation of the number of layers and the size of structures",
                _sizes,
                at_least(TREND),
                at_most(-TREND),
            ),
            Quantity("Size of structures with E over that with A", _grown, at_least(1.2), at_most(1 / 1.2), null=1.0),
        ),
        note="The size is the wavelength that half of the luma's variance is longer than. That structures grow in "
        "complexity too is not measured.",
    ),
    Claim(
        "Lower content layers keep the pixels of the photograph, higher ones the arrangement alone.",
        "section V-A and V-C, figure 13",
        "content",
        quantities=(
            Quantity(
                "Rank correlation of depth and distance from the content's pixels",
                _nearer_pixels,
                at_least(TREND),
                at_most(-TREND),
            ),
            Quantity(
                "Levels of 255 that conv2_2 is nearer than conv5_2", _levels_gained, at_least(10.0), at_most(-10.0)
            ),
        ),
        note="Pixels alone decide. That lower layers keep the content as well, and higher ones objects and their "
        "arrangement, is not measured apart: the judges' distance of contents mixes the two.",
    ),
    Claim(
        "L-BFGS takes a fifth of the time that RMSprop takes.",
        "sections IV-B and V-A, table I",
        "times",
        kind="not testable",
        reason="The paper gives no numbers of steps, and times are as many. 3000 steps against 400 iterations, of code "
        "of its family, stand in, at the page's scale.",
        quantities=(
            Quantity("Time of RMSprop's steps over that of L-BFGS'", _budgets, at_least(3.0), at_most(LESS), null=1.0),
        ),
        note="Theirs is 4.8.",
    ),
    Claim(
        "L-BFGS is ahead of first-order descent in time.",
        "sections III and IV-A3",
        "times",
        quantities=(
            Quantity(
                "Time of RMSprop to L-BFGS' last loss over L-BFGS' own",
                _equal_loss,
                at_least(MORE),
                at_most(1 / MORE),
                null=1.0,
            ),
        ),
        note="To equal loss, which the paper does not compare. ∞: RMSprop never gets there.",
    ),
    Claim(
        "Average pooling loses less of the feature maps than max pooling.",
        "section IV-A",
        "pooling",
        kind="not testable",
        reason="The paper has no measure of what is lost. By squares a mean is the best guess of four values, whatever "
        "the network. What the pictures gain stands in.",
        quantities=better_by("Score with max pooling above that with average", GRAM, ("pooling", "vgg19", "max")),
    ),
    *PATCHES,
    Claim(
        "The results are nearly those of the original papers.",
        "sections V-A, V-B and VI",
        "layers",
        kind="not testable",
        reason="It takes the original pictures. Gatys' own settings on our pictures stand in; for the second paper, of "
        "which section V-B says it most plainly, there is no stand-in.",
        quantities=by_looks(
            "Scores by their settings and by Gatys' apart",
            lambda view, judge: abs(score(view[GRAM], judge) - score(view["original", "vgg19"], judge)),
            at_most(CLOSE),
            at_least(2 * CLOSE),
            null=None,
        ),
    ),
)
