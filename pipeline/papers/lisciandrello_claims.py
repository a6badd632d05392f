"""What Lisciandrello, Inzerillo and Monti claim of three networks, and how our cells answer."""

from __future__ import annotations

from pipeline.papers.evidence import View
from pipeline.papers.finding import Finding, Key
from pipeline.papers.fitness import blur
from pipeline.papers.judging import ahead_of_all, better_by, content_lost, style_left, works
from pipeline.papers.lisciandrello_knobs import KNOBS
from pipeline.papers.lisciandrello_studies import RATIOS, cell
from pipeline.papers.lisciandrello_words import CONTRADICTIONS, UNTESTABLE
from pipeline.papers.paper import Claim
from pipeline.papers.quantity import Quantity, at_least, at_most
from pipeline.papers.ratios import decades, pace_ratio
from pipeline.papers.thresholds import BLURRED, CLOSE, LESS, LIKE, MORE, SHARP

AS_IT_IS, RESCALED = "file as it is", "filters rescaled"


def _ours(backbone: str) -> Key:
    return "balanced", backbone


def _of(ratio_: str) -> Key:
    return "ratio", "vgg19", ratio_


def _normaliser(view: View, name: str) -> Finding:
    return view["normaliser", "resnet50", name]


_FILE = "VGG16's file of weights has another scale than VGG19's: both are compared with rescaled filters too."

CLAIMS = (
    Claim(
        "VGG19's pictures are the most pleasing of the three.",
        "sections 4 and 5, figure 5",
        "networks",
        quantities=(
            *ahead_of_all(cell("vgg19"), (cell("vgg16"), cell("resnet50")), "VGG19 ahead of the best other", AS_IT_IS),
            *ahead_of_all(
                ("rescaled", "vgg19"),
                (("rescaled", "vgg16"), cell("resnet50")),
                "VGG19 ahead of the best other",
                RESCALED,
            ),
        ),
        differs=_FILE,
        ours=ahead_of_all(_ours("vgg19"), (_ours("vgg16"), _ours("resnet50")), "VGG19 ahead of the best other"),
    ),
    Claim(
        "With Gatys' denominator VGG19 and VGG16 give satisfying pictures.",
        "section 3.2.1",
        "networks",
        quantities=(
            *works("VGG19", cell("vgg19"), AS_IT_IS),
            *works("VGG16", cell("vgg16"), AS_IT_IS),
            *works("VGG19", ("rescaled", "vgg19"), RESCALED),
            *works("VGG16", ("rescaled", "vgg16"), RESCALED),
        ),
        differs=_FILE,
        ours=(*works("VGG19", _ours("vgg19")), *works("VGG16", _ours("vgg16"))),
    ),
    Claim(
        "The ratio of the weights decides how much of either picture is in the result.",
        "sections 1 and 3.2, figure 2",
        "ratio",
        quantities=(
            *better_by(
                f"Content lost at {RATIOS[0]} above that at {RATIOS[-1]}",
                _of(RATIOS[-1]),
                _of(RATIOS[0]),
                kind=content_lost,
            ),
            *better_by(
                f"Style left at {RATIOS[-1]} above that at {RATIOS[0]}",
                _of(RATIOS[0]),
                _of(RATIOS[-1]),
                kind=style_left,
            ),
        ),
        differs="Their other ratios are not told, but for 1e-3.",
    ),
    Claim(
        "ResNet50 is the fastest by far and VGG19 the slowest.",
        "table 2, sections 4 and 5",
        "times",
        quantities=(
            Quantity(
                "Time of an evaluation of VGG16 over VGG19's",
                pace_ratio(cell("vgg16"), cell("vgg19")),
                at_most(LESS),
                at_least(MORE),
                null=1.0,
            ),
            Quantity(
                "Time of an evaluation of ResNet50 over VGG16's",
                pace_ratio(cell("resnet50"), cell("vgg16")),
                at_most(0.6),
                at_least(MORE),
                null=1.0,
            ),
        ),
        note="Theirs are 0.84 and 0.38, on changing GPUs.",
    ),
    Claim(
        "With Gatys' denominator ResNet50 often merely blurs the content picture.",
        "section 3.2.1",
        "normaliser",
        quantities=(
            Quantity(
                "Fine structure with the denominator, as a share of the content's",
                lambda view: blur(_normaliser(view, "gatys")),
                at_most(BLURRED),
                at_least(SHARP),
                null=1.0,
            ),
            Quantity(
                "Its likeness to the content",
                lambda view: _normaliser(view, "gatys").detail.likeness,
                at_least(LIKE),
                at_most(LIKE / 2),
                null=None,
            ),
        ),
        note="Total variation blurs where a style loss is too small to hold up to it.",
    ),
    Claim(
        "ResNet50's style loss is tiny with the denominator.",
        "section 3.2.1",
        "normaliser",
        quantities=(
            Quantity(
                "Decades of VGG19's first style loss above ResNet50's, both with the denominator",
                lambda view: decades(view[cell("vgg19")].trace[0].style, _normaliser(view, "gatys").trace[0].style),
                at_least(1.0),
                at_most(-1.0),
            ),
        ),
        differs="Tiny beside what is not said: VGG19's stands beside it.",
    ),
    Claim(
        "Without the denominator ResNet50 takes the style, and its pictures are much better.",
        "sections 3.2.1 and 4",
        "normaliser",
        quantities=(
            *better_by(
                "Style left with the denominator above that without",
                ("normaliser", "resnet50", "none"),
                ("normaliser", "resnet50", "gatys"),
                kind=style_left,
            ),
            *better_by(
                "Score with the denominator above that without",
                ("normaliser", "resnet50", "none"),
                ("normaliser", "resnet50", "gatys"),
                by=CLOSE,
            ),
        ),
    ),
    *KNOBS,
    *CONTRADICTIONS,
    *UNTESTABLE,
)
