"""Where and how much two pictures differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nstcore.pictures.resizing import resize_to
from pipeline.measures.ssim import WINDOW, ssim

_LARGEST_GAIN = 32


@dataclass(frozen=True)
class Difference:
    """What tells one picture from another.

    Attributes:
        mean_absolute: mean of |after − before| over pixels and channels, in steps of 0 to 255.
        ssim: structural similarity of luminance, 1 is equal; None for a picture too small for its window.
        gain: what the difference is multiplied by in `picture`.
        picture: |after − before| · gain, uint8 (H, W, 3) of the later picture's size; black is equal.
        scaled: whether the earlier picture had another size and was scaled to the later one's.
    """

    mean_absolute: float
    ssim: float | None
    gain: int
    picture: np.ndarray
    scaled: bool


def difference(before: np.ndarray, after: np.ndarray) -> Difference:
    """Compare two pictures, uint8 (H, W, 3).

    The gain is the largest power of two up to 32 that lets 99 % of the values stay below white.
    """
    scaled = before.shape != after.shape
    earlier = resize_to(before, *after.shape[:2]) if scaled else before
    absolute = np.abs(after.astype(np.int16) - earlier.astype(np.int16))
    gain = _gain(float(np.percentile(absolute, 99)))
    amplified = np.minimum(absolute * gain, 255).astype(np.uint8)
    similar = ssim(earlier, after) if min(after.shape[:2]) >= WINDOW else None
    return Difference(float(absolute.mean()), similar, gain, amplified, scaled)


def _gain(high: float) -> int:
    gain = 1
    while gain < _LARGEST_GAIN and high * gain * 2 <= 255:
        gain *= 2
    return gain
