"""Keeping a content picture's colors (Gatys et al. 2016, "Preserving Color in Neural Artistic Style Transfer").

Either the style takes on the content's colors before it is transferred, or luminance alone is transferred and the
content's colors are laid on it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nstcore.pictures.images import Picture, to_uint8
from nstcore.pictures.luminance import luminance, of_luminance

# Added to the variances of colors, in units of 0..1, so that pictures of few colors have an inverse; published code
# has the same.
_LEAST_VARIANCE = 1e-5

#: Colors less than this apart (Euclidean, RGB 0..255) are one: JPEG moves flat ones by 10 and less.
SAME_COLOR = 40.0


def gray(picture: Picture) -> Picture:
    """The luminance of a picture as a picture: uint8 (H, W, 3), all channels alike."""
    return to_uint8(of_luminance(luminance(picture)))


def with_luminance_of(style: Picture, content: Picture) -> Picture:
    """A style as a gray picture, whose luminance has the mean and the deviation of the content's (section 3.2).

    Both are uint8 (H, W, 3). Values beyond 0..255 are cut off.
    """
    own, wanted = luminance(style), luminance(content)
    deviation = own.std()
    scaled = (own - own.mean()) * (wanted.std() / deviation if deviation > 0 else 1.0) + wanted.mean()
    return to_uint8(of_luminance(scaled))


def with_covariance_of(style: NDArray[Any], content: NDArray[Any]) -> NDArray[np.float64]:
    """A style whose colors have the mean and the covariance of the content's (section 3.1).

    x' = A (x - μ_s) + μ_c with A = Σ_c^½ Σ_s^-½, symmetric square roots, which change colors least.

    Args:
        style, content: RGB (H, W, 3), 0 to 255.

    Returns:
        float64, the style's shape; values may lie beyond 0..255.
    """
    (own_mean, own), (mean, wanted) = (_moments(np.asarray(picture, np.float64)) for picture in (style, content))
    change = power(wanted, 0.5) @ power(own, -0.5)
    return np.asarray((style - own_mean) @ change.T + mean)


def with_histogram_of(style: Picture, content: Picture) -> Picture:
    """A style whose channels have the content's distributions, each by itself. Both are uint8 (H, W, 3)."""
    from skimage.exposure import match_histograms

    return to_uint8(match_histograms(style, content, channel_axis=-1))


def with_colors_of(picture: NDArray[Any], content: Picture) -> NDArray[np.float64]:
    """The luminance of one picture with the colors of another: float64 (H, W, 3), 0 to 255.

    A color is the difference of red, green and blue from the luminance, which are kept; a luminance at which they would
    leave 0..255 is moved to the nearest at which they do not.

    Args:
        picture: (H, W, 3), 0 to 255.
        content: uint8 (H, W, 3).
    """
    chroma = content - luminance(content)[..., np.newaxis]
    own = np.clip(luminance(picture), -chroma.min(axis=2), 255.0 - chroma.max(axis=2))
    return np.asarray(own[..., np.newaxis] + chroma)


def _moments(picture: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean (3,) and the covariance (3, 3) of the colors."""
    colors = picture.reshape(-1, 3)
    covariance = np.cov(colors, rowvar=False, bias=True)
    return colors.mean(axis=0), covariance + _LEAST_VARIANCE * 255.0**2 * np.eye(3)


def power(matrix: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    """A power of a symmetric positive definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * values**exponent) @ vectors.T)
