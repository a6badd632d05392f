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

_JUDGES = {"vgg19": "VGG19", "efficientnet_lite0": "EfficientNet-Lite0"}


def _by_judge(judge: str, network: str) -> tuple[Measure, Measure]:
    return (
        Measure(f"style_{judge}", f"Style left ({network})", "lower", _RELATIVE_STYLE.format(network=network)),
        Measure(f"content_{judge}", f"Content lost ({network})", "lower", _RELATIVE_CONTENT.format(network=network)),
    )


#: In the order of columns. VGG19 judges every cell, and so does a network that no cell optimises.
MEASURES: tuple[Measure, ...] = (
    *itertools.chain.from_iterable(_by_judge(*judge) for judge in _JUDGES.items()),
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
