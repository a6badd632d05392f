"""Differences of pictures, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.nights.difference import difference


def test_equal_pictures_differ_by_nothing(blotches):
    found = difference(blotches(1, 40, 50), blotches(1, 40, 50))
    assert (found.mean_absolute, found.scaled, found.ssim) == (0, False, pytest.approx(1))
    assert not found.picture.any()


def test_one_square_of_ten_steps(blotches):
    before = np.full((40, 40, 3), 100, np.uint8)
    after = before.copy()
    after[:20, :20] = (110, 90, 100)
    found = difference(before, after)
    assert found.mean_absolute == pytest.approx((10 + 10 + 0) / 3 / 4)
    assert found.gain == 16  # 10 · 16 is below 255, 10 · 32 is not
    assert found.picture[:20, :20].reshape(-1, 3).tolist() == [[160, 160, 0]] * 400
    assert not found.picture[20:].any()
    assert difference(after, before).mean_absolute == found.mean_absolute


def test_black_against_white():
    found = difference(np.zeros((20, 20, 3), np.uint8), np.full((20, 20, 3), 255, np.uint8))
    assert (found.mean_absolute, found.gain) == (255, 1)
    assert found.ssim == pytest.approx(0, abs=1e-3)


def test_another_size_is_scaled_and_said_so(blotches):
    found = difference(blotches(3, 30, 40), blotches(3, 60, 80))
    assert found.scaled
    assert found.picture.shape == (60, 80, 3)
    assert found.mean_absolute < 20


def test_a_picture_too_small_for_the_window_has_no_ssim():
    assert difference(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8, 3), np.uint8)).ssim is None
