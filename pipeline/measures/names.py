"""The measures of a finished picture: their names, units and what is better. `formulas` computes them.

Apart from it, because tables, plots and pages need no network to speak of them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Measure:
    """One number that is known of a picture beside its content and style pictures.

    Attributes:
        name: in files, such as "style_vgg19".
        title: for people, short enough for the head of a column.
        better: the direction of better pictures; "" where neither is.
        meaning: one line: what it is between which pictures, and what its extremes mean.
    """

    name: str
    title: str
    better: Literal["lower", "higher", ""]
    meaning: str


_RELATIVE_STYLE = (
    "style distance from the style picture as {network} sees it, as a share of the content picture's: "
    "1 is no style gained, 0 is the style itself"
)
_RELATIVE_CONTENT = (
    "content distance from the content picture as {network} sees it, as a share of the style picture's: "
    "0 is the content picture, 1 is as far as the style picture"
)

_RELATIVE_SLICES = (
    "sliced Wasserstein distance of {network}'s features from the style picture's, as a share of the content's: "
    "1 is no style gained, 0 is the style itself"
)
_LITE, _MOBILE = "EfficientNet-Lite0", "MobileNetV2"
_JUDGES = {"vgg19": "VGG19", "efficientnet_lite0": _LITE}


def _by_judge(judge: str, network: str) -> tuple[Measure, Measure]:
    return (
        Measure(f"style_{judge}", f"Style left ({network})", "lower", _RELATIVE_STYLE.format(network=network)),
        Measure(f"content_{judge}", f"Content lost ({network})", "lower", _RELATIVE_CONTENT.format(network=network)),
    )


def _by_slices(judge: str, network: str) -> Measure:
    title = f"Style left, slices ({network})"
    return Measure(f"slices_{judge}", title, "lower", _RELATIVE_SLICES.format(network=network))


#: In the order of columns. VGG19 judges every cell, and so do networks that no cell optimises, and forms other than the
#: Gram matrices that cells are optimised by.
MEASURES: tuple[Measure, ...] = (
    *itertools.chain.from_iterable(_by_judge(*judge) for judge in _JUDGES.items()),
    _by_slices("efficientnet_lite0", _LITE),
    _by_slices("mobilenet_v2", _MOBILE),
    _by_judge("mobilenet_v2", _MOBILE)[1],
    Measure(
        "coverage_efficientnet_lite0",
        f"Style covered ({_LITE})",
        "higher",
        f"share of the style picture's patches, as {_LITE} sees them, that the result has one like; 1 is all",
    ),
    Measure("ssim", "SSIM to content", "higher", "structural similarity of luminance to the content picture; 1: equal"),
    Measure("lpips", "LPIPS to content", "lower", "learned perceptual distance from the content picture; 0 is equal"),
    Measure(
        "colour_style",
        "Colour distance to style",
        "lower",
        "distance of the colour histogram from the style picture's; 0 is equal, 1 is nothing in common",
    ),
    Measure(
        "colour_content",
        "Colour distance to content",
        "",
        "distance of the colour histogram from the content picture's; 0 is equal, 1 is nothing in common",
    ),
)
