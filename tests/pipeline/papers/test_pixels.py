"""What is said of a picture without a network, of pictures whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from pipeline.papers import pixels
from tests.pipeline.papers.invented import BLURRED, FLAT, NOISY, SOFT, STATIC


def test_a_blur_has_little_of_the_fine_and_all_of_the_coarse_structure():
    blurred = pixels.detail(BLURRED, SOFT)
    assert blurred.fine < 0.5
    assert blurred.kept < 0.5
    assert blurred.likeness > 0.95
    same = pixels.detail(SOFT, SOFT)
    assert (same.fine, same.kept, same.likeness) == pytest.approx((1, 1, 1))


def test_noise_is_fine_structure_that_keeps_nothing_of_the_content():
    noisy, static = pixels.detail(NOISY, SOFT), pixels.detail(STATIC, SOFT)
    assert noisy.fine > 1.5
    assert noisy.kept == pytest.approx(1, abs=0.15)
    assert static.fine > 1.5
    assert abs(static.kept) < 0.2
    assert abs(static.likeness) < 0.4


def test_a_flat_picture_has_no_spread_and_nothing_in_common():
    assert pixels.spread(FLAT) == 0
    flat = pixels.detail(FLAT, SOFT)
    assert (flat.fine, flat.kept, flat.likeness) == pytest.approx((0, 0, 0), abs=1e-9)


def test_the_size_of_structures_is_their_wavelength():
    x = np.arange(128)
    for wavelength in (8, 16, 32):
        wave = 128 + 100 * np.sin(2 * np.pi * x / wavelength)
        picture = np.repeat(np.tile(wave, (128, 1))[..., None], 3, axis=2).astype(np.uint8)
        assert pixels.structure_size(picture) == pytest.approx(wavelength, rel=0.15)
    assert pixels.structure_size(gaussian_filter(STATIC, (2, 2, 0))) > 1.5 * pixels.structure_size(STATIC)
    assert pixels.structure_size(FLAT) == max(FLAT.shape[:2])
