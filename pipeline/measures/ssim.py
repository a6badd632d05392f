"""Structural similarity of the luminance of two pictures (Wang et al. 2004)."""

from __future__ import annotations

from nstcore.pictures.images import Picture
from nstcore.pictures.luminance import luminance

#: Pixels, the side of the window, and so the smallest side of a picture.
WINDOW = 11


def ssim(one: Picture, other: Picture) -> float:
    """Mean over a Gaussian window of σ 1.5, with K₁ 0.01 and K₂ 0.03: -1 to 1, and 1 for equal pictures.

    Both are uint8 (H, W, 3) of one size, with sides >= `WINDOW`.
    """
    from skimage.metrics import structural_similarity  # SciPy comes with it

    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255.0}
    return float(structural_similarity(luminance(one), luminance(other), **settings))
