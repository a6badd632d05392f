"""The spectrum at a grid's frequencies: nothing without a grid, and what was put in otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from nstcore.errors import ConfigError, PictureError
from nstcore.feedforward.checkerboard import grid_excess


@pytest.fixture(scope="module")
def smooth() -> np.ndarray:
    """Noise with a spectrum that falls with the frequency, as pictures have: (120, 160, 3), mean 128, deviation 30."""
    random = np.random.default_rng(3)
    frequencies = np.hypot(np.fft.fftfreq(120)[:, None], np.fft.fftfreq(160)[None])
    spectrum = np.fft.fft2(random.normal(size=(120, 160))) / np.maximum(frequencies, 1 / 160)
    gray = np.real(np.fft.ifft2(spectrum))
    return np.repeat((128 + 30 * gray / gray.std())[..., None], 3, axis=2)


def grid(period: int) -> np.ndarray:
    """1 at one of period x period positions, 0 at the others, as overlapping windows leave it."""
    rows, columns = np.indices((120, 160))
    return ((rows % period == 0) & (columns % period == 0))[..., None].astype(float)


@pytest.mark.parametrize("period", [2, 3, 4])
def test_a_picture_without_a_grid_has_none(smooth: np.ndarray, period: int) -> None:
    assert abs(grid_excess(smooth, period)) < 3.0


@pytest.mark.parametrize("period", [2, 4])
def test_a_grid_stands_out_the_more_the_stronger_it_is(smooth: np.ndarray, period: int) -> None:
    amplitudes = period**2, 10.0 * period**2  # a mean of 1 and of 10
    faint, strong = (grid_excess(smooth + amplitude * grid(period), period) for amplitude in amplitudes)
    assert faint > 5.0
    # Ten times the amplitude is a hundred times the power: 20 dB, where the grid is all that is seen.
    assert strong - faint == pytest.approx(20.0, abs=2.5)


def test_a_grid_of_another_period_is_another(smooth: np.ndarray) -> None:
    assert abs(grid_excess(smooth + 40.0 * grid(5), 4)) < 3.0


def test_brightness_and_contrast_do_not_count(smooth: np.ndarray) -> None:
    picture = smooth + 10.0 * grid(2)
    assert grid_excess(0.3 * picture + 50.0, 2) == pytest.approx(grid_excess(picture, 2))


def test_what_cannot_be_measured_is_told(smooth: np.ndarray) -> None:
    with pytest.raises(PictureError, match="pictures of 64 pixels or more"):
        grid_excess(smooth[:63], 4)
    with pytest.raises(ConfigError, match="period"):
        grid_excess(smooth, 1)
