"""What Gupta, Sadana and Moudgil 2019 claim, and how our cells answer. What losses and times are is told apart."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

from pipeline.grid.backbone_labels import display_name
from pipeline.papers import pixels
from pipeline.papers.evidence import View
from pipeline.papers.finding import Key
from pipeline.papers.fitness import noise, require_structure
from pipeline.papers.gupta_looks import AS_IT_IS, FILE, LOOKS_CLAIMS, RESCALED
from pipeline.papers.gupta_numbers import (
    CONTRADICTIONS,
    ROUND,
    STARTS_LOWER,
    after_round,
    kept_by_the_low,
    pixels_kept,
    starts_above,
    steepest_rise,
)
from pipeline.papers.gupta_studies import BACKBONES, VGG, cell, rescaled
from pipeline.papers.judging import better_by, style_left
from pipeline.papers.paper import Claim
from pipeline.papers.quantity import Quantity, at_least, at_most
from pipeline.papers.ratios import decades, pace_ratio, ratio
from pipeline.papers.thresholds import BLURRED, CLEAR, LESS, MORE, ROUGH

#: Decades of twice as much; and a loss over one before it that is lower by more than rounding.
TWICE, LOWER = 0.3, 1 - 1e-5


def _smoothing(view: View) -> float:
    without, with_it = (view["total_variation", "vgg19", weight] for weight in ("0", "0.1"))
    require_structure(with_it)
    return ratio(pixels.roughness(with_it.picture), pixels.roughness(without.picture))


def _colors_kept(view: View) -> float:
    luminance, matching = (view["color", "vgg19", name] for name in ("luminance", "match-histogram"))
    return matching.measure("colour_content") - luminance.measure("colour_content")


def _converged(view: View, study: str) -> float:
    """Decades between VGG16's loss and VGG19's at the end, less those after the first round."""
    return _last_apart(view, study) - abs(starts_above(view, study))


def _fall(view: View, name: str) -> float:
    return 1 - ratio(after_round(view, cell(name), 10), after_round(view, cell(name), 9))


def _loss_above_resnet50(view: View, key: Key) -> float:
    return decades(view[key].final.total, view[cell("resnet50")].final.total)


def _last_apart(view: View, study: str) -> float:
    return abs(decades(view[study, "vgg16"].final.total, view[study, "vgg19"].final.total))


def _losses_apart(view: View, one: Key, other: Key) -> float:
    return decades(after_round(view, other), after_round(view, one))


CLAIMS = (
    *LOOKS_CLAIMS,
    Claim(
        "With content and style weight alone, pictures are noisy.",
        "section 5",
        "smooth",
        quantities=(
            Quantity(
                "Roughness without total variation over that of the content or the style, whichever is rougher",
                lambda view: noise(view["total_variation", "vgg19", "0"]),
                at_least(ROUGH),
                at_most(1.0),
                1.0,
            ),
        ),
    ),
    Claim(
        "Total variation smooths them.",
        "section 5",
        "smooth",
        quantities=(Quantity("Roughness with it over that without", _smoothing, at_most(LESS), at_least(MORE), 1.0),),
    ),
    Claim(
        "Average pooling gives more appealing pictures than max pooling.",
        "section 3.3",
        "pooling",
        quantities=better_by(
            "Score with max pooling above that with average", cell("vgg19"), ("pooling", "vgg19", "max")
        ),
    ),
    Claim(
        "More layers get more of the style, and take more time.",
        "section 5",
        "layers",
        quantities=(
            *better_by(
                "Style left with five layers of ResNet50 above that with twelve",
                ("resnet50_layers", "resnet50", "12"),
                ("resnet50_layers", "resnet50", "5"),
                kind=style_left,
            ),
            Quantity(
                "Time of an evaluation with twelve over that with five",
                pace_ratio(("resnet50_layers", "resnet50", "12"), ("resnet50_layers", "resnet50", "5")),
                at_least(1.05),
                at_most(LESS),
                null=1.0,
            ),
        ),
        differs="Meant are layers that the losses read. Of layers of a network the contrary is in figures 6 to 9, "
        "where the two deeper ones are the faster.",
    ),
    Claim(
        "Low content layers reproduce the exact pixels, high ones the objects and their arrangement.",
        "section 5",
        "content",
        quantities=(
            Quantity(
                "Fine structure of the content kept with block2_conv2 less that with block5_conv2",
                pixels_kept,
                at_least(0.1),
                at_most(-0.1),
            ),
            Quantity(
                "Fine structure of the content kept with block2_conv2",
                kept_by_the_low,
                at_least(BLURRED),
                at_most(BLURRED / 2),
                null=None,
            ),
        ),
        differs="The paper speaks of reconstructions from a layer; these are transfers, which have a style too.",
        note="Pixels alone decide. What high layers keep of objects and their arrangement is not measured apart: the "
        "judges' distance of contents mixes the two.",
    ),
    *CONTRADICTIONS,
    STARTS_LOWER,
    Claim(
        "With each iteration L-BFGS lowers the loss.",
        "section 5",
        "loss",
        kind="not testable",
        reason="It is so by its line search, which takes no step upward: nothing could come out otherwise. What the "
        "losses do from round to round stands in.",
        quantities=tuple(
            Quantity(
                f"Loss of {display_name(name)} after a round over that after the one before, at most",
                partial(steepest_rise, key=cell(name)),
                at_most(LOWER),
                at_least(1.0),
                null=None,
            )
            for name in ("resnet50", *VGG)
        ),
    ),
    Claim(
        "ResNet50's loss is very low beside VGG16's and VGG19's.",
        "section 5, figures 10 to 12",
        "loss",
        quantities=tuple(
            Quantity(
                f"Decades of {display_name(name)}'s last loss above ResNet50's",
                partial(_loss_above_resnet50, key=(study, name)),
                at_least(1.0),
                at_most(0.0),
                condition=condition,
            )
            for study, condition in (("comparison", AS_IT_IS), ("rescaled", RESCALED))
            for name in VGG
        ),
        differs=FILE,
    ),
    Claim(
        "The curves of VGG16 and VGG19 come to be alike.",
        "section 5, figures 11 and 12",
        "loss",
        quantities=tuple(
            quantity
            for study, condition in (("comparison", AS_IT_IS), ("rescaled", RESCALED))
            for quantity in (
                Quantity(
                    "Decades between the two losses, at the end less after the first round",
                    partial(_converged, study=study),
                    at_most(-0.1),
                    at_least(0.1),
                    condition=condition,
                ),
                Quantity(
                    "Decades between them at the end",
                    partial(_last_apart, study=study),
                    at_most(TWICE),
                    at_least(1.0),
                    null=None,
                    condition=condition,
                ),
            )
        ),
        differs=FILE,
    ),
    Claim(
        "After ten rounds the loss no longer falls significantly.",
        "section 5, figures 10 to 12",
        "loss",
        quantities=tuple(
            Quantity(
                f"Fall in the tenth round of {display_name(name)}, as a share of the loss after the ninth",
                partial(_fall, name=name),
                at_most(0.01),
                at_least(0.05),
                null=None,
            )
            for name in ("resnet50", *VGG)
        ),
    ),
    Claim(
        "VGG16 is a bit faster than VGG19.",
        "section 5",
        "first",
        quantities=(
            Quantity(
                "Time of an evaluation of VGG16 over VGG19's",
                pace_ratio(cell("vgg16"), cell("vgg19")),
                at_most(0.95),
                at_least(1.05),
                1.0,
            ),
        ),
        note="Theirs is 0.87.",
    ),
    Claim(
        "InceptionV3 is the fastest, then ResNet50, VGG16 and VGG19.",
        "figures 6 to 9",
        "first",
        quantities=tuple(
            Quantity(
                f"Time of {display_name(one)} over {display_name(other)}'s",
                pace_ratio(cell(one), cell(other)),
                at_most(LESS),
                at_least(MORE),
                null=1.0,
            )
            for one, other in pairwise(BACKBONES)
        ),
    ),
    Claim(
        "The losses after the first round rank the same way.",
        "section 5, figures 6 to 9",
        "first",
        note="That VGG19's is the highest of all is said in so many words; that it starts below VGG16's too, which is "
        "a claim of its own.",
        quantities=tuple(
            Quantity(
                f"Decades between {display_name(other)}'s loss and {display_name(one)}'s",
                partial(_losses_apart, one=of(one), other=of(other)),
                at_least(0.1),
                at_most(-0.1),
                condition=condition,
            )
            for condition, of in ((AS_IT_IS, cell), (RESCALED, rescaled))
            for one, other in pairwise(BACKBONES)
        ),
        differs=f"A loss depends on the scale of the weights and on the size of pictures; so the order alone compares. "
        f"{FILE}",
    ),
    Claim(
        "L-BFGS converges much faster than descent by gradients.",
        "section 5",
        "loss",
        kind="not testable",
        reason="The rate of descent is not given, and another converges otherwise. One at which the first step changes "
        "values by a grey level stands in.",
        quantities=(
            Quantity(
                f"Decades of descent's loss above L-BFGS' after {10 * ROUND} evaluations",
                lambda view: decades(
                    view["descent", "vgg19", "descent"].after(10 * ROUND).total, after_round(view, cell("vgg19"), 10)
                ),
                at_least(0.1),
                at_most(-0.1),
            ),
        ),
    ),
    Claim(
        "Transferring luminance alone keeps the content's colours; matching histograms does not quite.",
        "section 2",
        "color",
        quantities=(
            Quantity(
                "Colour distance from the content with matched histograms less that with luminance alone",
                _colors_kept,
                at_least(CLEAR),
                at_most(-CLEAR),
            ),
        ),
        note="That luminance alone does much better is said too, of the same colours; that it keeps them wholly is so "
        "of chroma, by construction.",
    ),
    Claim(
        "Networks that compress the picture in their first layer (AlexNet, GoogLeNet) lose fine detail.",
        "section 3.3",
        "pictures",
        kind="not testable",
        reason="Neither network is in Keras. ResNet50, whose first layer has 7 × 7 filters and stride 2, stands in.",
        quantities=(
            Quantity(
                "Fine structure of the content kept by VGG19 less that by ResNet50",
                lambda view: view[cell("vgg19")].detail.kept - view[cell("resnet50")].detail.kept,
                at_least(0.05),
                at_most(-0.05),
            ),
        ),
    ),
)
