"""What claims share: how looks are judged by proxy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from pipeline.papers.computed import BASELINES, FADES, RECOLORED
from pipeline.papers.evidence import Measurable, View
from pipeline.papers.finding import Key, Unfit
from pipeline.papers.fitness import require_structure
from pipeline.papers.quantity import Bound, Quantity, at_least, at_most
from pipeline.papers.thresholds import CLEAR, CLOSE, NONE


@dataclass(frozen=True)
class LooksJudge:
    """A network and a form that judge what style a picture gained and what content it lost.

    Attributes:
        title: for people.
        style, content: names of measures.
        decides: whether verdicts hang on it: VGG19's Gram matrices are what many cells are optimised by.
    """

    title: str
    style: str
    content: str
    decides: bool = True


_LITE = "content_efficientnet_lite0"
#: By proxy: nobody looked. No cell is optimised by the networks that decide; two of the three compare no Gram matrix.
LOOKS = (
    LooksJudge("EfficientNet-Lite0, Gram matrices", "style_efficientnet_lite0", _LITE),
    LooksJudge("EfficientNet-Lite0, sliced Wasserstein", "slices_efficientnet_lite0", _LITE),
    LooksJudge("MobileNetV2, sliced Wasserstein", "slices_mobilenet_v2", "content_mobilenet_v2"),
    LooksJudge("VGG19, Gram matrices (which many cells are optimised by)", "style_vgg19", "content_vgg19", False),
)


def score(picture: Measurable, judge: LooksJudge) -> float:
    """Style left plus content lost; lower is better.

    Both are relative: the untouched content picture has 1 + 0, the style picture 0 + 1. Below 1 a picture has gained
    more of the style than it lost of the content.
    """
    return picture.measure(judge.style) + picture.measure(judge.content)


def style_left(picture: Measurable, judge: LooksJudge) -> float:
    """How much of the style is lacking; 0 is the style itself."""
    return picture.measure(judge.style)


def content_lost(picture: Measurable, judge: LooksJudge) -> float:
    """How much of the content is lost; 0 is the content picture."""
    return picture.measure(judge.content)


def by_looks(
    name: str,
    value: Callable[[View, LooksJudge], float],
    holds: Bound,
    against: Bound | None = None,
    *,
    null: float | None = 0.0,
    condition: str = "",
) -> tuple[Quantity, ...]:
    """One quantity for each judge of looks. Those that decide have to agree."""
    return tuple(
        Quantity(
            name,
            lambda view, judge=judge: value(view, judge),  # type: ignore[misc]
            holds,
            against,
            null,
            judge.decides,
            condition,
            judge.title,
        )
        for judge in LOOKS
    )


def better_by(
    name: str,
    better: Key,
    worse: Key,
    *,
    kind: Callable[[Measurable, LooksJudge], float] = score,
    condition: str = "",
    fit: bool = False,
    by: float = CLEAR,
    against: float = CLEAR,
) -> tuple[Quantity, ...]:
    """How much one cell's number is below another's: at least `by`, and the opposite if it is above by `against`.

    Args:
        fit: whether flat pictures are neither better nor worse, because something else than what is asked made them so.
    """

    def value(view: View, judge: LooksJudge) -> float:
        found = view[better], view[worse]
        if fit:
            require_structure(*found)
        return kind(found[1], judge) - kind(found[0], judge)

    return by_looks(
        name,
        value,
        at_least(by),
        at_most(-against),
        condition=condition,
    )


def ahead_of_all(best: Key, rivals: Iterable[Key], name: str, condition: str = "") -> tuple[Quantity, ...]:
    """How far a cell is ahead of the best of some others, in scores."""
    others = tuple(rivals)
    return by_looks(
        name,
        lambda view, judge: min(score(view[each], judge) for each in others) - score(view[best], judge),
        at_least(CLEAR),
        at_most(-CLEAR),
        condition=condition,
    )


def alike(name: str, one: Key, other: Key, condition: str = "", *, far: bool = True) -> tuple[Quantity, ...]:
    """Whether the scores of two cells are close; two pictures of which neither is a transfer are neither close nor far.

    Args:
        far: whether scores that are far apart speak for the opposite.
    """

    def value(view: View, judge: LooksJudge) -> float:
        found = view[one], view[other]
        require_structure(*found)
        scores = [score(each, judge) for each in found]
        if min(scores) >= NONE:
            raise Unfit(
                f"{found[0].name} and {found[1].name} gained no more of the style than they lost of the content: "
                "how near they are says nothing"
            )
        return abs(scores[0] - scores[1])

    against = at_least(2 * CLOSE) if far else None
    return by_looks(name, value, at_most(CLOSE), against, null=None, condition=condition)


def ahead_of_computed(view: View, key: Key, judge: LooksJudge) -> float:
    """How far a cell is ahead of every picture that takes no transfer.

    Of cross-fades: how much less of the content it lost than one that has as much of the style, which is read off the
    line through the content picture, three cross-fades and the style picture. A cross-fade itself has 0. Likewise of
    what is faded into the content in the style's colours, and from there into the style picture. Of a flat picture: by
    how much it is better in style or in content, whichever is more.
    """
    style, content = style_left(view[key], judge), content_lost(view[key], judge)
    ahead = []
    for through in (FADES, (RECOLORED,)):
        line = sorted([(1.0, 0.0), *(_place(view.computed(name), judge) for name in through), (0.0, 1.0)])
        ahead.append(float(np.interp(style, [there for there, _ in line], [lost for _, lost in line])) - content)
    others = (_place(view.computed(name), judge) for name in BASELINES if name not in FADES)
    return min(*ahead, *(max(there - style, lost - content) for there, lost in others))


def _place(picture: Measurable, judge: LooksJudge) -> tuple[float, float]:
    return style_left(picture, judge), content_lost(picture, judge)


def works(name: str, key: Key, condition: str = "") -> tuple[Quantity, ...]:
    """Whether a transfer is clearly ahead of what takes no transfer; the opposite if it is no better."""
    return by_looks(
        f"{name} ahead of pictures without a transfer",
        lambda view, judge: ahead_of_computed(view, key, judge),
        at_least(CLEAR),
        at_most(0.0),
        condition=condition,
    )


def fails(name: str, key: Key, condition: str = "") -> tuple[Quantity, ...]:
    """Whether it is no better than they are; the opposite if it is clearly ahead."""
    return by_looks(
        f"{name} ahead of pictures without a transfer",
        lambda view, judge: ahead_of_computed(view, key, judge),
        at_most(0.0),
        at_least(CLEAR),
        condition=condition,
    )
