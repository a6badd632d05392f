"""Keeping a content picture's colors (Gatys et al. 2016, "Preserving Color in Neural Artistic Style Transfer").

Either the style takes on the content's colors before it is transferred, or luminance alone is transferred and the
content's colors are laid on it. A style that takes them on is of real numbers, nominally 0 to 255. It is for networks
alone, and cut off, as by the authors' code, it would not have those colors any more: of 42 pairs of `pipeline.samples`
(256 px, rounded to 8 bits) 27 had a covariance that was 10 % off and more. The price is contrast beyond what the result
can have, where a style has few bright spots on a dark ground.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nstcore.pictures.images import Picture, to_uint8
from nstcore.pictures.luminance import luminance, of_luminance

# What a variance of a style's colors counts as at least, gray levels squared: less is rounding, and is not enlarged.
# Published code adds this, 1e-5 in units of 0..1, to all variances; of the 42 pairs 15 then missed the content's
# covariance by more than 1e-3 of its norm.
_LEAST_VARIANCE = 1e-5 * 255.0**2

#: Colors less than this apart (Euclidean, RGB 0..255) are one: JPEG moves flat ones by 10 and less.
SAME_COLOR = 40.0


def gray(picture: Picture) -> Picture:
    """The luminance of a picture as a picture: uint8 (H, W, 3), all channels alike."""
    return to_uint8(of_luminance(luminance(picture)))


def with_luminance_of(style: NDArray[Any], content: Picture) -> Picture:
    """A style as a gray picture, whose luminance has the mean and the deviation of the content's (section 3.2).

    Both are uint8 (H, W, 3). Values beyond 0..255 are cut off.
    """
    own, wanted = luminance(style), luminance(content)
    deviation = own.std()
    scaled = (own - own.mean()) * (wanted.std() / deviation if deviation > 0 else 1.0) + wanted.mean()
    return to_uint8(of_luminance(scaled))


def with_covariance_of(style: NDArray[Any], content: NDArray[Any]) -> NDArray[np.float64]:
    """A style whose colors have the mean and the covariance of the content's (section 3.1).

    x' = A (x - μ_s) + μ_c with A = Σ_c^½ Σ_s^-½, symmetric square roots, which change colors least. A style that varies
    by less than a gray level in some direction of color, as a gray one does, gets no covariance there.

    Args:
        style, content: RGB (H, W, 3), 0 to 255.

    Returns:
        float64, the style's shape; values may lie beyond 0..255.
    """
    (own_mean, own), (mean, wanted) = (_moments(np.asarray(picture, np.float64)) for picture in (style, content))
    change = power(wanted, 0.5) @ power(own, -0.5, least=_LEAST_VARIANCE)
    return np.asarray((style - own_mean) @ change.T + mean)


def with_histogram_of(style: NDArray[Any], content: Picture) -> NDArray[np.float64]:
    """A style whose channels have the content's distributions, each by itself; how they go together stays its own.

    Pixels of one value, all those from a share q to q', get the mean of the content's values from its quantile q to q'.
    So the mean is the content's, and deviations are, but for what is lost where many pixels have one value.

    Args:
        style, content: uint8 (H, W, 3).

    Returns:
        float64, the style's shape, within the content's range.
    """
    channels = [_with_distribution_of(style[..., channel], content[..., channel]) for channel in range(3)]
    return np.stack(channels, axis=-1)


def _with_distribution_of(style: NDArray[Any], content: NDArray[Any]) -> NDArray[np.float64]:
    _, places, counts = np.unique(style, return_inverse=True, return_counts=True)
    wanted, wanted_counts = np.unique(content, return_counts=True)
    # The sums of the content's values up to each quantile are linear between those at which a value ends.
    ends, wanted_ends = (np.append(0, np.cumsum(each)) / each.sum() for each in (counts, wanted_counts))
    sums = np.append(0.0, np.cumsum(wanted * (wanted_counts / content.size)))
    means = np.diff(np.interp(ends, wanted_ends, sums)) / np.diff(ends)
    return np.asarray(means[places].reshape(style.shape))


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
    return colors.mean(axis=0), np.cov(colors, rowvar=False, bias=True)


def power(matrix: NDArray[np.float64], exponent: float, least: float = 0.0) -> NDArray[np.float64]:
    """A power of a symmetric matrix without negative eigenvalues, which count as `least` where they are less."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, least) ** exponent) @ vectors.T)
