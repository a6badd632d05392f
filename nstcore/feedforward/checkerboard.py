"""How much of a grid a picture has: what transposed convolutions leave (Odena, Dumoulin, Olah 2016)."""

from __future__ import annotations

import itertools

import numpy as np

from nstcore.checks import whole_number
from nstcore.errors import PictureError
from nstcore.pictures.images import Picture
from nstcore.pictures.luminance import luminance

# Beside a peak, in bins: a Hann window spreads it over one on each side.
_PEAK, _FROM, _TO = 1, 3, 8
_LEAST_PERIODS = 2 * _TO


def grid_excess(picture: Picture, period: int) -> float:
    """How far a picture's spectrum stands out at the frequencies of a grid, in decibels; about 0 without one.

    Every step by which a network enlarges leaves its own: with two strides of 2 the last gives a grid of period 2, the
    one before of period 4. A grid has sharp peaks at 1/period along one axis or both; pictures, and strokes of a style
    too, have spectra that are smooth there. So the mean power at the peaks is divided by the median of what lies
    around them, 3 to 8 bins away, and the three peaks are averaged as decibels.

    Args:
        picture: uint8 or real (H, W, 3), RGB; its luminance is looked at, in a Hann window.
        period: of the grid, pixels, 2 or more.

    Raises:
        PictureError: if a side has fewer than 16 periods.
        ConfigError: for a period that is none.
    """
    whole_number("period", period, 2)
    height, width = (side - side % period for side in picture.shape[:2])
    if min(height, width) < _LEAST_PERIODS * period:
        raise PictureError(
            f"a grid of period {period} shows in pictures of {_LEAST_PERIODS * period} pixels or more on each side. "
            f"Received: {picture.shape[1]} x {picture.shape[0]}"
        )
    gray = luminance(np.asarray(picture[:height, :width], np.float64))
    window = np.outer(np.hanning(height + 1)[:-1], np.hanning(width + 1)[:-1])
    power = np.abs(np.fft.fft2((gray - gray.mean()) * window)) ** 2
    excess = [
        _excess(power, height // period * down, width // period * right) for down, right in ((0, 1), (1, 0), (1, 1))
    ]
    return float(np.mean(excess))


def _excess(power: np.ndarray, row: int, column: int) -> float:
    """Of one peak, decibels."""
    height, width = power.shape
    peak, around = [], []
    for down, right in itertools.product(range(-_TO, _TO + 1), repeat=2):
        away = max(abs(down), abs(right))
        value = power[(row + down) % height, (column + right) % width]
        if away <= _PEAK:
            peak.append(value)
        elif away >= _FROM:
            around.append(value)
    tiny = np.finfo(np.float64).tiny
    # The median of a smooth spectrum's power is below its mean (of an exponential distribution, ln 2 times that).
    return 10.0 * float(np.log10(max(float(np.mean(peak)), tiny) / max(float(np.median(around)) / np.log(2.0), tiny)))
