"""The pictures that take no transfer, and what is told of two pictures themselves."""

from __future__ import annotations

import numpy as np
import pytest

from nstcore.pictures.resizing import resize_to
from pipeline.papers.computed import BASELINES, computed_pictures, rescaling_deviation, told_apart


def test_they_are_what_their_names_say(content_picture, style_picture):
    pictures = computed_pictures(content_picture, style_picture)
    assert tuple(pictures) == BASELINES
    resized = resize_to(style_picture, *content_picture.shape[:2]).astype(float)
    np.testing.assert_array_equal(pictures["untouched"], content_picture)
    np.testing.assert_allclose(pictures["cross-fade 0.5"], (content_picture + resized) / 2, atol=0.51)
    np.testing.assert_allclose(pictures["cross-fade 0.25"], 0.75 * content_picture + 0.25 * resized, atol=0.51)
    assert pictures["flat"].reshape(-1, 3).std(axis=0).max() == 0
    np.testing.assert_allclose(pictures["flat"][0, 0], content_picture.mean(axis=(0, 1)), atol=0.51)
    means = [picture.mean(axis=(0, 1)) for picture in (pictures["recoloured"], style_picture)]
    np.testing.assert_allclose(*means, atol=4)  # values beyond the range are cut off


@pytest.mark.pretrained
def test_quarters_of_two_textures_are_told_apart_and_those_of_one_are_not():
    from skimage import data

    brick, grass = (np.repeat(picture[:192, :192, None], 3, axis=2) for picture in (data.brick(), data.grass()))
    assert told_apart(brick, grass) == 1
    assert told_apart(grass, grass) == pytest.approx(0.5, abs=0.2)


@pytest.mark.pretrained
def test_rescaled_filters_compute_what_trained_ones_do(content_picture):
    assert rescaling_deviation(content_picture) < 1e-3
