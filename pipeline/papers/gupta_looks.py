"""What Gupta, Sadana and Moudgil 2019 claim of the four networks' pictures, and how our cells answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pipeline.papers.evidence import View
from pipeline.papers.finding import Unfit
from pipeline.papers.fitness import blur, require_structure
from pipeline.papers.gupta_inception import INCEPTION
from pipeline.papers.gupta_numbers import ROUNDS, after_round, rises_with_loss
from pipeline.papers.gupta_studies import BACKBONES, VGG, cell, ours, rescaled
from pipeline.papers.judging import (
    LooksJudge,
    ahead_of_all,
    alike,
    better_by,
    by_looks,
    content_lost,
    fails,
    score,
    works,
)
from pipeline.papers.paper import Claim
from pipeline.papers.quantity import Quantity, at_least, at_most
from pipeline.papers.ratios import ratio
from pipeline.papers.thresholds import BLURRED, CLEAR, CLOSE, FLAT, HARDLY_ANY, LESS, MORE, SHARP, SOME_LIKENESS

AS_IT_IS, RESCALED = "file as it is", "filters rescaled"
_RIVALS = tuple(name for name in BACKBONES if name != "vgg19")


def _resnet50_blur(view: View) -> float:
    return blur(view[cell("resnet50")])


def _blur_grows(view: View) -> float:
    first, last = view["first_round", "resnet50", "1"], view[cell("resnet50")]
    require_structure(first, last)
    if first.detail.kept < HARDLY_ANY:
        raise Unfit(f"{first.name} has none of the content's fine structure after a round, which could be blurred")
    return ratio(last.detail.kept, first.detail.kept)


def _twelve_over_five(view: View) -> float:
    five, twelve = (view["resnet50_layers", "resnet50", count] for count in ("5", "12"))
    return ratio(twelve.final.total, five.final.total)


def _vgg_likeness(view: View) -> float:
    """Of VGG19's picture and of VGG16's with filters that suit the weights, whichever has less."""
    return min(view[key].detail.likeness for key in (cell("vgg19"), rescaled("vgg16")))


def _structure_lost(view: View) -> float:
    require_structure(view[cell("resnet50")])  # a flat picture retains nothing, and noise may lose more of the content
    return _vgg_likeness(view) - view[cell("resnet50")].detail.likeness


def _vgg_ahead(study: str, condition: str = "", *, others: str = "comparison") -> tuple[Quantity, ...]:
    """How far each of the two VGG networks of a study is ahead of the better of the others: more than close."""

    def ahead(which: Callable[[Iterable[float]], float], words: str) -> tuple[Quantity, ...]:
        def value(view: View, judge: LooksJudge) -> float:
            theirs = min(score(view[others, name], judge) for name in BACKBONES if name not in VGG)
            return theirs - which(score(view[study, name], judge) for name in VGG)

        name = f"The {words} VGG network ahead of the better other"
        return by_looks(name, value, at_least(CLOSE), at_most(-CLEAR), condition=condition)

    return *ahead(max, "worse"), *ahead(min, "better")


FILE = (
    "The two VGG networks are compared twice: with the file of weights as it is, and with rescaled filters, because "
    "the file of VGG16 has another scale than VGG19's."
)

LOOKS_CLAIMS = (
    Claim(
        "VGG19 gives the best style transfer of the four networks.",
        "section 5",
        "pictures",
        quantities=(
            *ahead_of_all(cell("vgg19"), map(cell, _RIVALS), "VGG19 ahead of the best other", AS_IT_IS),
            *by_looks(
                "VGG19 ahead of the best other",
                lambda view, judge: (
                    min(
                        score(view["rescaled", "vgg16"], judge),
                        *(score(view[cell(name)], judge) for name in ("resnet50", "inceptionv3")),
                    )
                    - score(view["rescaled", "vgg19"], judge)
                ),
                at_least(CLEAR),
                at_most(-CLEAR),
                condition=RESCALED,
            ),
        ),
        differs=FILE,
        ours=ahead_of_all(ours("vgg19"), map(ours, _RIVALS), "VGG19 ahead of the best other"),
    ),
    Claim(
        "The VGG networks do much better than others.",
        "section 3.3",
        "pictures",
        quantities=(*_vgg_ahead("comparison", AS_IT_IS), *_vgg_ahead("rescaled", RESCALED)),
        differs=FILE,
        ours=_vgg_ahead("balanced", others="balanced"),
    ),
    Claim(
        "VGG16 is not much different from VGG19.",
        "section 5",
        "pictures",
        quantities=(
            *alike("Scores of the two apart", cell("vgg16"), cell("vgg19"), AS_IT_IS),
            *alike("Scores of the two apart", ("rescaled", "vgg16"), ("rescaled", "vgg19"), RESCALED),
        ),
        differs=FILE,
        ours=alike("Scores of the two apart", ours("vgg16"), ours("vgg19")),
    ),
    Claim(
        "VGG19 does better than VGG16.",
        "section 6",
        "pictures",
        quantities=(
            *better_by("VGG16's score above VGG19's", cell("vgg19"), cell("vgg16"), condition=AS_IT_IS, fit=True),
            *better_by(
                "VGG16's score above VGG19's",
                ("rescaled", "vgg19"),
                ("rescaled", "vgg16"),
                condition=RESCALED,
                fit=True,
            ),
        ),
        differs=FILE,
        ours=better_by("VGG16's score above VGG19's", ours("vgg19"), ours("vgg16")),
    ),
    Claim(
        "Both VGG networks are fit for style transfer: ten rounds give satisfying pictures.",
        "sections 5 and 6",
        "pictures",
        quantities=(
            *works("VGG19", cell("vgg19"), AS_IT_IS),
            *works("VGG16", cell("vgg16"), AS_IT_IS),
            *works("VGG19", ("rescaled", "vgg19"), RESCALED),
            *works("VGG16", ("rescaled", "vgg16"), RESCALED),
        ),
        differs=FILE,
        ours=(*works("VGG19", ours("vgg19")), *works("VGG16", ours("vgg16"))),
    ),
    Claim(
        "Across networks, a higher loss goes with a clearer and better picture.",
        "section 5",
        "pictures",
        quantities=(
            *rises_with_loss([*map(cell, BACKBONES)], AS_IT_IS),
            *rises_with_loss([*map(rescaled, BACKBONES)], RESCALED),
        ),
        differs=f"The losses that the paper prints are those after the first round; here they are the last. {FILE}",
        note="Rank correlation of the last loss with the score, its sign turned, over the four networks of a pair. "
        "Four numbers in any order come to it once in six times.",
    ),
    Claim(
        "With each iteration VGG16's and VGG19's pictures get better.",
        "section 5",
        "rounds",
        quantities=(
            *better_by(
                "VGG19's score after the first round above that after the last",
                cell("vgg19"),
                ("first_round", "vgg19", "1"),
                condition=AS_IT_IS,
            ),
            *better_by(
                "VGG16's score after the first round above that after the last",
                cell("vgg16"),
                ("first_round", "vgg16", "1"),
                condition=AS_IT_IS,
            ),
            *better_by(
                "VGG19's score after the first round above that after the last",
                ("rescaled", "vgg19"),
                ("first_round_rescaled", "vgg19", "1"),
                condition=RESCALED,
            ),
            *better_by(
                "VGG16's score after the first round above that after the last",
                ("rescaled", "vgg16"),
                ("first_round_rescaled", "vgg16", "1"),
                condition=RESCALED,
            ),
        ),
        differs=FILE,
    ),
    Claim(
        "ResNet50's pictures are blurred.",
        "section 5",
        "pictures",
        quantities=(
            Quantity(
                "Fine structure of ResNet50's picture, as a share of the content's",
                _resnet50_blur,
                at_most(BLURRED),
                at_least(SHARP),
                null=1.0,
            ),
        ),
        note=f"Only of a picture that is not flat (spread of luma {FLAT:g} and more) and that correlates with the "
        f"content by {SOME_LIKENESS:g} and more.",
    ),
    Claim(
        "With each iteration ResNet50's loss falls and its blur grows.",
        "section 5",
        "rounds",
        quantities=(
            Quantity(
                "Fine structure of the content kept after ten rounds over that after one",
                _blur_grows,
                at_most(LESS),
                at_least(MORE),
                null=1.0,
            ),
            Quantity(
                "Loss after ten rounds over that after one",
                lambda view: ratio(after_round(view, cell("resnet50"), ROUNDS), after_round(view, cell("resnet50"))),
                at_most(LESS),
                at_least(1.0),
                null=1.0,
            ),
        ),
        note="What is kept of the content's fine structure is counted apart from the noise that the transfer starts "
        "from, of which much is left after one round.",
    ),
    Claim(
        "Twelve layers instead of five lower ResNet50's loss.",
        "section 5",
        "layers",
        quantities=(
            Quantity(
                "Loss with twelve layers over that with five", _twelve_over_five, at_most(LESS), at_least(MORE), 1.0
            ),
        ),
        differs="Which twelve is not said: the first activation and the outputs of eleven blocks.",
    ),
    Claim(
        "Its pictures are blurred with twelve layers too.",
        "section 5",
        "layers",
        quantities=(
            Quantity(
                "Fine structure with twelve layers, as a share of the content's",
                lambda view: blur(view["resnet50_layers", "resnet50", "12"]),
                at_most(BLURRED),
                at_least(SHARP),
                null=1.0,
            ),
        ),
    ),
    Claim(
        "Unlike the VGG networks, ResNet50 does not retain the structure of the content picture.",
        "section 5",
        "pictures",
        quantities=(
            Quantity(
                "Likeness to the content of the VGG networks' pictures, the lesser of the two",
                _vgg_likeness,
                at_least(SOME_LIKENESS),
                at_most(SOME_LIKENESS / 2),
                null=None,
            ),
            Quantity(
                "That likeness less ResNet50's",
                _structure_lost,
                at_least(0.1),
                at_most(-0.1),
            ),
            *better_by(
                "Content lost by ResNet50 above VGG19's", cell("vgg19"), cell("resnet50"), kind=content_lost, fit=True
            ),
        ),
        differs="VGG16 with rescaled filters, because its file of weights has another scale than VGG19's.",
        ours=better_by("Content lost by ResNet50 above VGG19's", ours("vgg19"), ours("resnet50"), kind=content_lost),
    ),
    *INCEPTION,
    Claim(
        "ResNet50 is not suitable for style transfer.",
        "section 6",
        "pictures",
        quantities=fails("ResNet50", cell("resnet50")),
        ours=fails("ResNet50", ours("resnet50")),
    ),
)
