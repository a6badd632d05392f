"""How far two pictures are apart, when neither is made from the other and no third says what is far.

Distances of a judge are symmetric and know no scale but their own:

- style: √(1/L Σ_l Σ(G_l(a) - G_l(b))² / (ΣG_l(a)² + ΣG_l(b)²)), 0 to 1: Gram matrices have no negative product.
- content: √(Σ(F(a) - F(b))² / (ΣF(a)² + ΣF(b)²)), 0 equal, 1 nothing in common (for features of both signs √2 at most).

Both as in `pipeline.measures.formulas` (Gatys 2016), divided by what would be left if the two had nothing in common.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nstcore.errors import WeightsError
from nstcore.pictures.images import Picture
from nstcore.pictures.resizing import resize_to
from pipeline.measures import formulas, judges
from pipeline.measures.judges import JUDGES, Judge
from pipeline.measures.ssim import ssim

Grams = tuple[NDArray[np.float32], ...]


@dataclass(frozen=True)
class Quantity:
    """One line of a comparison."""

    name: str
    title: str
    meaning: str


def _quantities(judge: Judge) -> tuple[Quantity, Quantity]:
    return (
        Quantity(f"style_{judge.name}", f"Style distance ({judge.title})", "0 the same style, 1 nothing in common"),
        Quantity(f"content_{judge.name}", f"Content distance ({judge.title})", "0 the same content, 1 unrelated"),
    )


# Those that compare Gram matrices: two pictures of equal standing have no distance that the others could be a share of.
_JUDGES = tuple(judge for judge in JUDGES.values() if judge.by_grams)
#: In the order in which they are shown.
QUANTITIES: tuple[Quantity, ...] = (
    *(quantity for judge in _JUDGES for quantity in _quantities(judge)),
    Quantity("ssim", "SSIM of luminance", "1 equal, 0 unrelated"),
    Quantity("lpips", "LPIPS", "0 equal; more is less alike to people"),
    Quantity("colour", "Colour distance", "0 the same colours, 1 none in common"),
)


def compare(one: Picture, other: Picture) -> formulas.Measured:
    """Every quantity of `QUANTITIES` between two pictures; the order of the two does not matter.

    What compares positions sees both resized to the lesser height and the lesser width of the two. Weights that are
    missing are fetched; where that fails, the reason stands in `unmeasured`.

    Args:
        one, other: uint8 (H, W, 3), RGB, sides >= 32; any sizes.

    Raises:
        MemoryShortageError: if they are too large for the memory that is free.
    """
    judges.require_memory(one, other)
    height, width = (min(sides) for sides in zip(one.shape[:2], other.shape[:2], strict=True))
    pair = resize_to(one, height, width), resize_to(other, height, width)
    compared = formulas.Measured()
    for judge in _JUDGES:
        style, content = (quantity.name for quantity in _quantities(judge))
        try:
            features, sized = (
                [judges.features_of(judge, each) for each in (one, other)],
                [judges.features_of(judge, p) for p in pair],
            )
        except WeightsError as error:
            compared.unmeasured.update({style: str(error), content: str(error)})
        else:
            compared.measures[style] = style_distance(*(each.grams for each in features))
            compared.measures[content] = content_distance(*(each.content for each in sized))
            compared.judges[judge.name] = judges.provenance(judge).to_dict()
    compared.measures["ssim"] = ssim(*pair)
    try:
        from nstcore.networks import lpips

        compared.measures["lpips"] = formulas.lpips(*pair)
        compared.judges["lpips"] = lpips.provenance().to_dict()
    except WeightsError as error:
        compared.unmeasured["lpips"] = str(error)
    compared.measures["colour"] = formulas.color_distance(one, other)
    return compared


def style_distance(one: Grams, other: Grams) -> float:
    """The style distance of what one judge sees in two pictures, by their Gram matrices."""
    shares = [_share(a, b) for a, b in zip(one, other, strict=True)]
    return math.sqrt(math.fsum(shares) / len(shares))


def content_distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The content distance of two feature matrices (M, N) of one judge and one size of picture."""
    return math.sqrt(_share(one, other))


def _share(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Σ(x - y)² / (Σx² + Σy²); 0 if both are 0."""
    energy = formulas.squares(one) + formulas.squares(other)
    return formulas.squares(one - other) / energy if energy else 0.0
