"""What can be said of a picture without a network: how bright, how sharp, how far from another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nstcore.pictures.luminance import luminance

_Picture = NDArray[np.uint8]


def brightness(picture: _Picture) -> float:
    """Mean luma, 0 (black) to 255."""
    return float(luminance(picture).mean())


def sharpness(picture: _Picture) -> float:
    """Mean absolute Laplacian of the luma: 0 is flat, blurring lowers it, noise raises it."""
    luma = luminance(picture)
    inner = luma[1:-1, 1:-1]
    laplacian = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * inner
    return float(np.abs(laplacian).mean())


def roughness(picture: _Picture) -> float:
    """Mean absolute difference of neighbouring pixels over all channels: what total variation smooths."""
    values = np.asarray(picture, dtype=np.float64)
    down, right = np.abs(np.diff(values, axis=0)), np.abs(np.diff(values, axis=1))
    return float((down.mean() + right.mean()) / 2)


def difference(one: _Picture, other: _Picture) -> float:
    """Root mean square of the difference of two pictures of one size, in 8-bit levels."""
    return float(np.sqrt(np.mean((np.asarray(one, dtype=np.float64) - np.asarray(other, dtype=np.float64)) ** 2)))


def likeness(one: _Picture, other: _Picture) -> float:
    """Correlation of the luma of two pictures of one size: 1 is the same structure, 0 is none in common."""
    first, second = (luminance(each) - luminance(each).mean() for each in (one, other))
    scale = np.sqrt((first**2).mean() * (second**2).mean())
    return float((first * second).mean() / scale) if scale > 0 else 0.0
