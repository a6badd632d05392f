"""How much of a picture is of the size of single pixels, which strokes are not."""

from __future__ import annotations

import math

import numpy as np

from nstcore.pictures.images import Picture

#: Cycles per pixel: a quarter of the sampling rate, waves of four pixels.
FINE = 0.25


def fine_share(picture: Picture) -> float:
    """The share of a picture's energy at waves shorter than four pixels, 0 to 1; NaN where it is of one color.

    Energy is that of the orthonormal cosine transform, whose mirrored borders add no edge of their own, summed over the
    three channels and without the mean. White noise has 1 − π/16, 0.80.

    Args:
        picture: uint8 (H, W, 3).
    """
    from scipy.fft import dctn

    height, width = picture.shape[:2]
    energy = np.square(dctn(picture.astype(np.float64), axes=(0, 1), norm="ortho")).sum(axis=-1)
    energy[0, 0] = 0.0
    cycles = np.hypot(np.arange(height)[:, np.newaxis] / (2 * height), np.arange(width) / (2 * width))
    # Constant pictures have rounding left; a single grey level of a single pixel has more.
    return float(energy[cycles > FINE].sum() / energy.sum()) if energy.sum() > 1e-3 else math.nan
