"""Where and how much two pictures differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Rec. 709 weights of red, green and blue in luminance; the smallest side that the window of SSIM fits into.
_LUMINANCE = (0.2126, 0.7152, 0.0722)
_SSIM_WINDOW = 11
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

    SSIM as in Wang et al. 2004: Gaussian window of 11 × 11 with σ = 1.5, K₁ = 0.01, K₂ = 0.03, on Rec. 709 luminance.
    """
    scaled = before.shape != after.shape
    earlier = _scaled(before, after) if scaled else before
    absolute = np.abs(after.astype(np.int16) - earlier.astype(np.int16))
    gain = _gain(float(np.percentile(absolute, 99)))
    amplified = np.minimum(absolute * gain, 255).astype(np.uint8)
    return Difference(float(absolute.mean()), _ssim(earlier, after), gain, amplified, scaled)


def _gain(high: float) -> int:
    gain = 1
    while gain < _LARGEST_GAIN and high * gain * 2 <= 255:
        gain *= 2
    return gain


def _scaled(picture: np.ndarray, like: np.ndarray) -> np.ndarray:
    from PIL import Image

    height, width = like.shape[:2]
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def _ssim(before: np.ndarray, after: np.ndarray) -> float | None:
    if min(after.shape[:2]) < _SSIM_WINDOW:
        return None
    from skimage.metrics import structural_similarity

    luminance = (picture @ np.asarray(_LUMINANCE) for picture in (before, after))
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255.0}
    return float(structural_similarity(*luminance, **settings))
