"""The content's hues as the style has them, on the lightness of a transfer's result (the end of NNST's code).

Optimisation may give a place any of the style's colors. Here hues come from the content: where it has one color the
result has one, and their distribution is the style's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nstcore.pictures.color import power
from nstcore.pictures.images import Picture
from nstcore.pictures.resizing import AnyPicture

# From linear light to the responses of three cones, and from their cube roots to lightness and two opponent colors
# (Ottosson 2020, "A perceptual color space for image processing").
_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_OPPONENTS = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
# Steps of the filter, each over a pixel's neighbors, and how fast a neighbor's weight falls with the difference in
# lightness, of 0 to 1; both as the authors have them.
_FILTER_STEPS = 5
_FALL = 10.0
# Added to variances of opponent colors, which are a thousandth and more in colorful pictures.
_LEAST_VARIANCE = 1e-7


def with_hues_of_style(
    picture: NDArray[Any], content: Picture, styles: Sequence[tuple[AnyPicture, float]]
) -> NDArray[np.float64]:
    """The lightness of a picture with the content's hues, moved to the styles' mean and covariance.

    In OkLab: the two opponent colors of the content are mapped by A (a − μ_c) + μ_s with A = Σ_s^½ Σ_c^−½, smoothed
    where the picture's lightness is even, and everything is kept within the styles' ranges. The authors take stored
    values for linear light; here they are converted.

    Args:
        picture: (H, W, 3), 0 to 255.
        content: uint8 (H, W, 3).
        styles: each uint8 (h, w, 3), with its share.

    Returns:
        float64 (H, W, 3), 0 to 255.
    """
    seen = [(to_oklab(style).reshape(-1, 3), share) for style, share in styles if share > 0]
    colors = np.concatenate([one for one, _ in seen])
    lowest, highest = colors.min(axis=0), colors.max(axis=0)
    weights = np.concatenate([np.full(len(one), share / len(one)) for one, share in seen])
    of_style = _moments(colors[:, 1:], weights)
    lightness, hues = to_oklab(picture)[..., 0], to_oklab(content)[..., 1:]
    mean, covariance = _moments(hues.reshape(-1, 2), np.ones(hues.size // 2))
    change = power(of_style[1], 0.5) @ power(covariance, -0.5)
    lightness = np.clip(lightness, lowest[0], highest[0])
    hues = smoothed((hues - mean) @ change.T + of_style[0], lightness)
    return from_oklab(np.dstack([lightness, np.clip(hues, lowest[1:], highest[1:])]))


def smoothed(hues: NDArray[np.float64], lightness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over neighbors, weighted by how alike their lightness is, some times in turn.

    Args:
        hues: (H, W, 2).
        lightness: (H, W), 0 to 1.
    """
    height, width = lightness.shape
    around = np.pad(lightness, 1, mode="edge")
    places = [(y, x) for y in range(3) for x in range(3)]
    weights = [np.exp(-_FALL * np.abs(around[y : y + height, x : x + width] - lightness)) for y, x in places]
    total = np.sum(weights, axis=0)[..., np.newaxis]
    for _ in range(_FILTER_STEPS):
        padded = np.pad(hues, ((1, 1), (1, 1), (0, 0)), mode="edge")
        windows = (padded[y : y + height, x : x + width] for y, x in places)
        hues = np.sum([w[..., np.newaxis] * each for w, each in zip(weights, windows, strict=True)], axis=0) / total
    return hues


def to_oklab(picture: NDArray[Any]) -> NDArray[np.float64]:
    """Lightness (0 to 1) and two opponent colors of sRGB values 0 to 255: float64, the shape of the picture (…, 3)."""
    stored = np.clip(np.asarray(picture, np.float64) / 255.0, 0.0, 1.0)
    linear = np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ _CONES.T) @ _OPPONENTS.T)


def from_oklab(colors: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB values 0 to 255 of OkLab colors (…, 3); those that no screen has are cut off, channel by channel."""
    linear = (colors @ np.linalg.inv(_OPPONENTS).T) ** 3 @ np.linalg.inv(_CONES).T
    linear = np.clip(linear, 0.0, 1.0)
    return np.asarray(255.0 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))


def _moments(
    colors: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean (2,) and the covariance (2, 2) of colors (n, 2)."""
    covariance = np.cov(colors, rowvar=False, bias=True, aweights=weights)
    return np.average(colors, axis=0, weights=weights), covariance + _LEAST_VARIANCE * np.eye(2)
