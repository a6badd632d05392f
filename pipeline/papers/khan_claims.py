"""What Khan, Naseh, Sumanth and Hazra claim of optimised pictures, and how our cells answer."""

from __future__ import annotations

from pipeline.papers import pixels
from pipeline.papers.computed import RESCALING
from pipeline.papers.evidence import View
from pipeline.papers.finding import Finding, Key
from pipeline.papers.judging import better_by, by_looks, content_lost, style_left, works
from pipeline.papers.paper import Claim
from pipeline.papers.quantity import Quantity, at_least, at_most
from pipeline.papers.ratios import ratio
from pipeline.papers.thresholds import CLEAR, FLAT, LIKE, NONE, SOME, SOME_LIKENESS

_METHOD: Key = ("method", "vgg19")
_EIGHT: Key = ("layers", "vgg19", "eight")
_DETACHED: Key = ("detached", "vgg19", "detached")

_NO_WEIGHTS = (
    "The paper does not give the weights of content and style, which decide how much of either a picture has. Those of "
    "figure 12 of Xu, Shi and Pei, of the same network, stand in."
)


def _unnormalized(view: View) -> Finding:
    return view["unnormalized", "vgg19", "0 to 255"]


def _noise_or_blank(view: View) -> float:
    """Likeness to the content; 0 of a blank picture."""
    found = _unnormalized(view)
    return 0.0 if found.spread < FLAT else found.detail.likeness


CLAIMS = (
    Claim(
        "The picture is like the content picture and has the attributes of the style.",
        "section I-D (system design)",
        "method",
        kind="not testable",
        reason=_NO_WEIGHTS,
        quantities=works("The picture", _METHOD),
        ours=works("The picture", ("balanced", "vgg19")),
    ),
    Claim(
        "Rescaling the filters of VGG19 to a mean activation of one leaves what the network computes unchanged.",
        "section I (system design)",
        quantities=(
            Quantity(
                "Largest deviation of its last features, as a share of their size",
                lambda view: view.computed(RESCALING).measure("deviation"),
                at_most(1e-3),
                at_least(1e-1),
                null=None,
            ),
        ),
        note="The kernels of all sixteen convolutions are rescaled in turn, and what the next reads is scaled back.",
    ),
    Claim(
        "Average pooling gives slightly more appealing pictures than max pooling.",
        "section I (system design)",
        "pooling",
        quantities=better_by("Score with max pooling above that with average", _METHOD, ("pooling", "vgg19", "max")),
    ),
    Claim(
        "With layers up to the eighth convolution alone many pictures are like neither content nor style.",
        "section II (implementation)",
        "layers",
        quantities=(
            *by_looks(
                "Content lost",
                lambda view, judge: content_lost(view[_EIGHT], judge),
                at_least(NONE),
                at_most(SOME),
                null=None,
            ),
            *by_looks(
                "Style left",
                lambda view, judge: style_left(view[_EIGHT], judge),
                at_least(NONE),
                at_most(SOME),
                null=None,
            ),
        ),
        differs="The paper passes pictures through the layers up to there, and does not say which of them its losses "
        "read. Here style is read at the first convolutions of three blocks, content at the eighth convolution.",
    ),
    Claim(
        "With all layers the pictures are better than with those up to the eighth convolution.",
        "section II (implementation)",
        "layers",
        quantities=better_by("Score with eight above that with all", _METHOD, _EIGHT),
        differs="With all layers, losses read those of Gatys et al. 2016.",
        note="Layers behind the last that a loss reads change nothing: what counts is which are read.",
    ),
    Claim(
        "With their own Gram matrix, of a tensor taken out of its Variable, the style loss stays very high, the "
        "content loss goes to 0, and the result is the content picture.",
        "section II (implementation)",
        "detached",
        quantities=(
            *by_looks(
                "Style left",
                lambda view, judge: style_left(view[_DETACHED], judge),
                at_least(NONE),
                at_most(SOME),
                null=None,
            ),
            *by_looks(
                "Content lost",
                lambda view, judge: content_lost(view[_DETACHED], judge),
                at_most(0.3),
                at_least(NONE),
                null=None,
            ),
            Quantity(
                "Style loss at the end over that with a gradient",
                lambda view: ratio(view[_DETACHED].final.style, view[_METHOD].final.style),
                at_least(3.0),
                at_most(1.0),
                null=None,
            ),
            Quantity(
                "Content loss at the end over that at the start",
                lambda view: ratio(view[_DETACHED].final.content, view[_DETACHED].trace[0].content),
                at_most(0.01),
                at_least(0.1),
                null=None,
            ),
            Quantity(
                "Likeness to the content",
                lambda view: view[_DETACHED].detail.likeness,
                at_least(LIKE),
                at_most(SOME_LIKENESS),
                null=None,
            ),
        ),
        differs="The authors do not know why. A tensor without its Variable passes no gradient on, and a style loss "
        "without a gradient is one of weight 0.",
    ),
    Claim(
        "With the other Gram matrix, which stays a Variable, the results are very good.",
        "section II (implementation)",
        "detached",
        kind="not testable",
        reason=_NO_WEIGHTS,
        quantities=(
            *works("The picture", _METHOD),
            *better_by("Score without a gradient above that with", _METHOD, _DETACHED),
        ),
    ),
    Claim(
        "Unless pixels are brought to 0 to 1, the result is white noise or blank.",
        "section II (implementation)",
        "unnormalized",
        kind="not testable",
        reason="Preprocessing is a part of our networks, and neither their loss weights nor their rate are given. A "
        "network that is given values 255 times as large stands in: loss weights grow by 255² and 255⁴, and the rate "
        "is as many times too small.",
        quantities=(
            Quantity(
                "Likeness to the content (0 of a blank picture)",
                _noise_or_blank,
                at_most(SOME_LIKENESS),
                at_least(LIKE),
                null=None,
            ),
            Quantity(
                "Roughness over the content's",
                lambda view: (
                    pixels.roughness(_unnormalized(view).picture)
                    / max(pixels.roughness(_unnormalized(view).content), 1e-9)
                ),
                at_least(1.5),
                at_most(1.0),
                null=None,
                decides=False,
            ),
            *by_looks(
                "Style left",
                lambda view, judge: style_left(_unnormalized(view), judge),
                at_least(NONE - CLEAR),
                at_most(SOME),
                null=None,
            ),
        ),
    ),
)
