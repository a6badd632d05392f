"""The flat colors of a painted map, and how much of each a pixel holds.

Maps come from anywhere: drawn with a soft brush, resized, or saved as JPEG on their way. So colors are found by what
they cover, and a pixel that is none of them is taken for a blend of two that lie near it.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, maximum_filter, minimum_filter

from nstcore.pictures.color import SAME_COLOR
from nstcore.pictures.undecodable import UndecodableError

#: The most flat colors of a map. A picture that is no map has more, or none.
MOST_COLORS = 16

# A flat color's pixels are this close to it, channel by channel, and so are most of the pixels that are less than
# `SAME_COLOR` away: along a gradient, however slow, a third of those are.
_FLAT, _FLAT_SHARE = 8.0, 0.5
# Within 3 x 3 pixels of a region's inside the channels differ by no more: lines that antialiasing leaves have none.
_EVEN = 24
# Of all pixels, what a region covers at least: 32 x 32 of 1024 x 1024.
_LEAST_SHARE = 0.001
# A pixel with less of another color than this has none: JPEG blurs edges far into a region.
_LEAST_BLEND = 0.1


def flat_colors(painted: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Find the flat colors of a map, those that cover most first.

    Args:
        painted: uint8 (H, W, 3), RGB.

    Returns:
        float32 (R, 3), R <= `MOST_COLORS`.

    Raises:
        UndecodableError: if there are none, or too many.
    """
    spread = np.max([_spread(painted[..., channel]) for channel in range(3)], axis=0)
    even = painted[spread <= _EVEN].astype(np.float32)
    left = even
    least = max(1.0, _LEAST_SHARE * painted.shape[0] * painted.shape[1])
    colors: list[NDArray[np.float64]] = []
    while len(left) >= least:
        color = _most_frequent(left)
        near = np.abs(left - color).max(axis=1) <= _FLAT
        color = left[near].mean(axis=0, dtype=np.float64)
        around = np.count_nonzero(np.linalg.norm(even - color, axis=1) < SAME_COLOR)
        if np.count_nonzero(near) >= max(least, _FLAT_SHARE * around):
            colors.append(color)
        left = left[~near & (np.linalg.norm(left - color, axis=1) >= SAME_COLOR)]
    if not colors:
        raise UndecodableError("has no flat colors; paint each region in one color")
    if len(colors) > MOST_COLORS:
        raise UndecodableError(f"has {len(colors)} flat colors; a map has at most {MOST_COLORS}")
    return np.array(colors, np.float32)


def _spread(channel: NDArray[np.uint8]) -> NDArray[np.int16]:
    """How far the values within 3 x 3 pixels differ."""
    highest, lowest = (
        one(channel, size=3, mode="nearest").astype(np.int16) for one in (maximum_filter, minimum_filter)
    )
    spread: NDArray[np.int16] = highest - lowest
    return spread


def _most_frequent(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    """The color of the fullest of bins eight levels wide."""
    bins = (pixels.astype(np.int32) >> 3) @ np.array([1024, 32, 1])
    inside: NDArray[np.float64] = pixels[bins == np.bincount(bins).argmax()].mean(axis=0, dtype=np.float64)
    return inside


def shares_of_colors(painted: NDArray[np.uint8], colors: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much of each color every pixel holds.

    A pixel is taken for one color or for a blend of two, whichever costs least: the distance of the colors, RGB
    0..255, and that to the farther of those colors' insides, pixels. So the gray between a black and a white region is
    an edge, and no part of a gray one that lies elsewhere.

    Args:
        painted: uint8 (H, W, 3), RGB.
        colors: float32 (R, 3).

    Returns:
        float32 (R, H, W), in 0..1, which sum to 1 at each pixel.
    """
    height, width = painted.shape[:2]
    pixels = painted.reshape(-1, 3).astype(np.float32)
    away = np.stack([np.linalg.norm(pixels - color, axis=1) for color in colors])
    nearest = away.argmin(axis=0)
    plain = away.min(axis=0) < SAME_COLOR / 2
    distance = np.stack(
        [_distance_to_inside(plain & (nearest == place), height, width) for place in range(len(colors))]
    )
    shares = np.zeros((len(colors), height * width), np.float32)
    settled = plain & (distance[nearest, np.arange(height * width)] <= 1.5)
    shares[nearest[settled], np.flatnonzero(settled)] = 1.0
    open_ = np.flatnonzero(~settled)
    cost = away[:, open_] + distance[:, open_]
    best, least = cost.argmin(axis=0), cost.min(axis=0)
    first, second, part = best.copy(), best.copy(), np.zeros(len(open_), np.float32)
    for one, other in combinations(range(len(colors)), 2):
        line = colors[other] - colors[one]
        along = np.clip((pixels[open_] - colors[one]) @ line / (line @ line), 0.0, 1.0)
        residual = np.linalg.norm(pixels[open_] - colors[one] - along[:, np.newaxis] * line, axis=1)
        blend = residual + np.maximum(distance[one, open_], distance[other, open_])
        better = blend < least
        least[better], first[better], second[better], part[better] = blend[better], one, other, along[better]
    part[part < _LEAST_BLEND] = 0.0
    part[part > 1.0 - _LEAST_BLEND] = 1.0
    np.add.at(shares, (first, open_), 1.0 - part)
    np.add.at(shares, (second, open_), part)
    return shares.reshape(len(colors), height, width)


def _distance_to_inside(region: NDArray[np.bool_], height: int, width: int) -> NDArray[np.float32]:
    """How far each pixel is from where a region is 3 x 3 pixels wide or more; of a thinner one, from any of it."""
    whole = region.reshape(height, width)
    inside = minimum_filter(whole, size=3, mode="nearest")
    inside = inside if inside.any() else whole
    if not inside.any():
        return np.full(height * width, float(height + width), np.float32)
    distance: NDArray[np.float32] = distance_transform_edt(~inside).astype(np.float32).ravel()
    return distance
