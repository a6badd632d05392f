"""The share of a picture that is of the size of single pixels, against waves whose frequency is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.measures.spectrum import fine_share


def waves(*amplitudes_and_cycles: tuple[float, float], side: int = 96) -> np.ndarray:
    """Vertical stripes: cosines that are mirrored at the borders, (side, side, 3)."""
    position = np.arange(side) + 0.5
    row = 127.5 + sum(amplitude * np.cos(2 * np.pi * cycles * position) for amplitude, cycles in amplitudes_and_cycles)
    return np.repeat(np.broadcast_to(np.round(row), (side, side))[..., np.newaxis], 3, axis=-1).astype(np.uint8)


def test_long_waves_have_none_and_short_ones_all():
    assert fine_share(waves((100, 24 / 192))) < 1e-3
    assert fine_share(waves((100, 72 / 192))) > 0.999


def test_energies_of_waves_add_up():
    # A wave's energy is the square of its amplitude; the mean counts for nothing.
    assert fine_share(waves((80, 10 / 192), (40, 60 / 192))) == pytest.approx(0.2, abs=2e-3)


def test_white_noise_has_the_area_outside_a_quarter_circle():
    noise = np.random.default_rng(0).integers(0, 256, (96, 128, 3)).astype(np.uint8)
    assert fine_share(noise) == pytest.approx(1 - math.pi / 16, abs=0.01)


def test_a_grid_of_single_pixels_is_fine_whatever_the_direction_and_the_channel():
    board = np.zeros((32, 48, 3), np.uint8)
    board[..., 1] = 255 * (np.indices((32, 48)).sum(axis=0) % 2)
    assert fine_share(board) > 0.9


def test_one_color_has_no_share():
    assert math.isnan(fine_share(np.full((32, 48, 3), 200, np.uint8)))
