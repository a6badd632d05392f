"""What can be said of a picture without a network: how flat, how blurred, how noisy, how far from another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nstcore.pictures.luminance import luminance

_Picture = NDArray[np.uint8]
#: Standard deviation, pixels, of the Gaussian that parts fine structure from coarse.
_FINE = 1.5


def brightness(picture: _Picture) -> float:
    """Mean luma, 0 (black) to 255."""
    return float(luminance(picture).mean())


def spread(picture: _Picture) -> float:
    """Standard deviation of luma, 8-bit levels: 0 is flat."""
    return float(luminance(picture).std())


@dataclass(frozen=True)
class Detail:
    """The fine and the coarse structure of a picture beside those of its content picture.

    Noise is fine structure too, and so are strokes: neither may pass for the content's sharpness. So what is there and
    what agrees with the content are told apart.

    Attributes:
        fine: root mean square of its fine band over the content's: 1 is as much, a blur has little, noise has much.
        kept: the share of the content's fine band that is in it (least squares): 1 is all, a blur and noise have none.
        likeness: correlation of the two coarse bands: 1 is the same structure, 0 none in common.
    """

    fine: float
    kept: float
    likeness: float


def detail(picture: _Picture, content: _Picture) -> Detail:
    """Compare the luma of two pictures of one size, below and above a Gaussian of 1.5 pixels."""
    from scipy.ndimage import gaussian_filter

    (made, made_coarse), (own, own_coarse) = (
        (luma - (smooth := gaussian_filter(luma, _FINE)), smooth) for luma in map(luminance, (picture, content))
    )
    energy = float((own**2).sum())
    return Detail(
        fine=float(np.sqrt((made**2).sum() / max(energy, 1e-9))),
        kept=float((made * own).sum() / max(energy, 1e-9)),
        likeness=correlation(made_coarse, own_coarse),
    )


def structure_size(picture: _Picture) -> float:
    """How large structures are: the wavelength, pixels, that half of the luma's variance is longer than.

    The mean is taken out, and the picture is windowed so that its borders are no structure.
    """
    luma = luminance(picture).astype(np.float64)
    height, width = luma.shape
    window = np.hanning(height)[:, None] * np.hanning(width)[None]
    power = np.abs(np.fft.fft2((luma - luma.mean()) * window)) ** 2
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None]).ravel()
    order = np.argsort(frequency)
    shares = np.cumsum(power.ravel()[order])
    if shares[-1] <= 0:
        return float(max(height, width))
    middle = frequency[order][np.searchsorted(shares, shares[-1] / 2)]
    return float(1.0 / max(middle, 1.0 / max(height, width)))


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
    return correlation(luminance(one), luminance(other))


def correlation(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Of two arrays of one shape; 0 where one of them does not vary."""
    first, second = (each - each.mean() for each in (one, other))
    scale = np.sqrt((first**2).mean() * (second**2).mean())
    return float((first * second).mean() / scale) if scale > 1e-9 else 0.0


def written_unprocessed(picture: _Picture) -> _Picture:
    """What a file shows of a picture in a network's range of -1 to 1 that is written as if that were 0 to 255."""
    return np.clip(np.asarray(picture, dtype=np.float64) / 127.5 - 1.0, 0.0, 255.0).astype(np.uint8)
