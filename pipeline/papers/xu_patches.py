"""What Xu, Shi and Pei 2016 claim of the loss of patches beside Gram matrices, and how our cells answer."""

from __future__ import annotations

from pipeline.papers.evidence import View
from pipeline.papers.finding import Key
from pipeline.papers.judging import LooksJudge, better_by, by_looks, score, style_left
from pipeline.papers.paper import Claim
from pipeline.papers.quantity import Quantity, at_least, at_most
from pipeline.papers.ratios import pace_ratio
from pipeline.papers.thresholds import CLEAR, LESS
from pipeline.papers.xu_studies import GRAM, METHODS, MRF_RATIOS
from pipeline.papers.xu_trades import content_traded, style_traded

_MRF: Key = ("mrf", "vgg19")
#: The smallest and the largest.
_RATIOS: tuple[Key, Key] = (("mrf_ratios", "vgg19", MRF_RATIOS[0]), ("mrf_ratios", "vgg19", MRF_RATIOS[-1]))


def _photo(method: str) -> Key:
    return "photographs", "vgg19", method


def _patches_ahead(view: View, judge: LooksJudge) -> float:
    return score(view[_photo(METHODS[0])], judge) - score(view[_photo(METHODS[1])], judge)


_MRF_DIFFERS = "Balanced terms, stride 1 and one size, in the place of alpha/beta of 20, 6.6 and 4."

_STRUCTURE = "Our styles differ from the contents in structure, where the paper has Gram matrices do better. "
_RECKONED = (
    "The paper gives no number, and memory depends on the program more than on the loss. The numbers that either loss "
    "holds stand in, as the engine reckons them from the sizes of the layers: they are no measurement."
)


def _held(size: tuple[int, ...]) -> float:
    """What both losses hold of VGG19's layers at a picture's size, patches over Gram matrices."""
    from nstcore.losses import Layer, make_loss

    def layer(block: int, channels: int) -> Layer:
        sides = [max(1, side // 2 ** (block - 1)) for side in size]
        return Layer(sides[0] * sides[1], channels, size[0] * size[1])

    patches = make_loss("patches", {"layers": ("block3_conv1", "block4_conv1")})
    of_patches = sum(patches.held([layer(block, channels)]) for block, channels in ((3, 256), (4, 512)))
    # G and what it is compared with, at five layers.
    of_grams = sum(2 * channels**2 for channels in (64, 128, 256, 512, 512))
    return of_patches / of_grams


def _held_at_twice(size: tuple[int, ...]) -> float:
    return _held(tuple(2 * side for side in size)) / _held(size)


PATCHES = (
    Claim(
        "The loss of patches takes ten times as long as Gram matrices.",
        "sections IV-A2 and V-B, table II",
        "mrf",
        quantities=(
            Quantity(
                "Time of an evaluation with patches over that with Gram matrices",
                pace_ratio(_MRF, GRAM),
                at_least(5.0),
                at_most(LESS),
                null=1.0,
            ),
        ),
        differs="Patches are compared by positions here, which takes a tenth of the time of whole patches. "
        + _MRF_DIFFERS,
        note="Theirs is 11.",
    ),
    Claim(
        "It takes much more memory.",
        "abstract, sections V-B and V-C",
        "mrf",
        kind="not testable",
        reason=_RECKONED,
        quantities=(
            Quantity(
                "Numbers that the loss holds with patches over those with Gram matrices, as the engine reckons",
                lambda view: _held(view[_MRF].content.shape[:2]),
                at_least(2.0),
                at_most(1.0),
                null=1.0,
            ),
        ),
        differs=_MRF_DIFFERS,
    ),
    Claim(
        "The larger the picture, the more memory patches take beside Gram matrices.",
        "section V-B",
        "mrf",
        kind="not testable",
        reason=_RECKONED,
        quantities=(
            Quantity(
                "Numbers held with patches over those with Gram matrices, at twice the sides over at these",
                lambda view: _held_at_twice(view[_MRF].content.shape[:2]),
                at_least(1.5),
                at_most(1.0),
                null=1.0,
            ),
        ),
        differs=_MRF_DIFFERS,
        note="Numbers of patches grow with the area, those of Gram matrices do not.",
    ),
    Claim(
        "With patches too a larger alpha/beta takes more of the content, a smaller one more of the style.",
        "sections II-B2 and V-B, figures 7 and 17",
        "mrf_ratios",
        quantities=(*content_traded(*_RATIOS), *style_traded(*_RATIOS)),
        differs="Means over positions, weighted as the sums of equations 1 and 4 weigh; one size.",
    ),
    Claim(
        "With photographs as styles patches do better than Gram matrices, whose pictures look unnatural.",
        "sections I and II-B, figure 1",
        "photographs",
        kind="not testable",
        reason="It takes their photographs. A portrait of ours as the style of the content picture stands in.",
        quantities=by_looks(
            "Score of Gram matrices above that of patches", _patches_ahead, at_least(CLEAR), at_most(-CLEAR)
        ),
    ),
    Claim(
        "Patches work only where the content can be put together from patches of the style, which a strong perspective "
        "prevents; where the two differ in structure Gram matrices do better.",
        "sections V-B and V-C, figure 21",
        "mrf",
        kind="not testable",
        reason="It takes their pictures. Our painted style, whose structure is not the content's, stands in.",
        quantities=by_looks(
            "Score of patches above that of Gram matrices",
            lambda view, judge: score(view[_MRF], judge) - score(view[GRAM], judge),
            at_least(CLEAR),
            at_most(-CLEAR),
        ),
    ),
    Claim(
        "In general the second method gives the better pictures.",
        "abstract, sections V-B and V-C, figures 15 to 20",
        "mrf",
        quantities=better_by("Score of Gram matrices above that of patches", _MRF, GRAM),
        differs=_STRUCTURE + _MRF_DIFFERS,
    ),
    Claim(
        "Patches model the style more accurately than Gram matrices.",
        "section V-B, figures 18 to 20",
        "mrf",
        quantities=better_by("Style left with Gram matrices above that with patches", _MRF, GRAM, kind=style_left),
        differs=_STRUCTURE + _MRF_DIFFERS,
    ),
)
