"""Keeping the content's colors, against the statistics that are promised."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from nstcore import TransferConfig, build_objective, style_transfer
from nstcore.pictures import color
from nstcore.pictures.luminance import luminance

CONFIG = TransferConfig(backbone="vgg16", weights="random", size=64, iterations=4, style_weight=1e4, coarse_sizes=())


def chroma(picture: np.ndarray) -> np.ndarray:
    return picture - luminance(picture)[..., np.newaxis]


def test_a_style_takes_on_mean_and_covariance(blotches):
    content, style = blotches(1, 40, 50).astype(float), blotches(2, 30, 20).astype(float)
    made = color.with_covariance_of(style, content)
    assert made.reshape(-1, 3).mean(axis=0) == pytest.approx(content.reshape(-1, 3).mean(axis=0), rel=1e-3)
    own, wanted = (np.cov(picture.reshape(-1, 3), rowvar=False, bias=True) for picture in (made, content))
    assert own == pytest.approx(wanted, abs=1e-9 * np.abs(wanted).max())
    assert color.with_covariance_of(content, content) == pytest.approx(content, abs=1e-6)


def test_a_gray_style_gets_no_more_colors_than_it_varies_in(blotches):
    gray, content = color.gray(blotches(2, 30, 20)).astype(float), blotches(1, 40, 50).astype(float)
    made = color.with_covariance_of(gray, content)
    assert made.mean(axis=(0, 1)) == pytest.approx(content.mean(axis=(0, 1)))
    variances = np.linalg.eigvalsh(np.cov(made.reshape(-1, 3), rowvar=False))
    assert variances == pytest.approx([0.0, 0.0, variances[2]], abs=1e-6 * variances[2])
    assert variances[2] > 100.0
    assert color.with_covariance_of(gray, gray) == pytest.approx(gray, abs=1e-9)
    flat = np.full((8, 8, 3), 90, np.uint8)
    assert color.with_covariance_of(flat, content) == pytest.approx(np.broadcast_to(content.mean((0, 1)), (8, 8, 3)))


def test_a_flat_style_gets_the_contents_luminance():
    flat = np.full((8, 8, 3), 90, np.uint8)
    assert (color.with_luminance_of(flat, np.full((8, 8, 3), 30, np.uint8)) == 30).all()


def test_a_style_takes_on_luminance_and_histograms(blotches):
    content, style = (np.clip(blotches(seed, 60, 60) // 2 + 60, 0, 255).astype(np.uint8) for seed in (1, 2))
    made = luminance(color.with_luminance_of(style, content))
    assert (made.mean(), made.std()) == pytest.approx((luminance(content).mean(), luminance(content).std()), abs=0.5)


def test_a_style_takes_on_histograms(blotches):
    """Of pictures with as many pixels: sorted, pixel for pixel, and those of one value get the mean."""
    content, style = blotches(1, 30, 40), blotches(2, 40, 30)
    matched = color.with_histogram_of(style, content)
    for channel in range(3):
        own, wanted = (picture[..., channel].ravel() for picture in (style, content))
        in_order = np.empty(own.size)
        in_order[np.argsort(own)] = np.sort(wanted)
        by_value = np.array([in_order[own == value].mean() for value in own])
        assert matched[..., channel].ravel() == pytest.approx(by_value, abs=1e-9)
    assert color.with_histogram_of(content, content) == pytest.approx(content, abs=1e-9)
    half = np.concatenate([style[:20], style[20:]] * 2)  # twice as many pixels of each value
    assert color.with_histogram_of(half, content)[:40] == pytest.approx(matched, abs=1e-9)


def test_colors_are_kept_to_rounding_and_luminance_as_far_as_they_allow(blotches):
    content, made = blotches(1, 40, 50), blotches(2, 40, 50)
    laid = color.with_colors_of(made.astype(np.float32), content)
    assert np.abs(chroma(laid) - chroma(content)).max() <= 1.0
    room = -chroma(content).min(axis=2), 255 - chroma(content).max(axis=2)
    assert np.abs(luminance(laid) - np.clip(luminance(made), *room)).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("coarse", [(), (48,)])
def test_luminance_alone_keeps_the_contents_chrominance(blotches, coarse):
    content, style = blotches(1, 64, 64), blotches(2, 64, 64)
    config = dataclasses.replace(CONFIG, color="luminance", coarse_sizes=coarse)
    result = style_transfer(content, style, config)
    assert np.abs(chroma(result.image) - chroma(content)).max() <= 1.0
    assert np.abs(luminance(result.image) - luminance(content)).mean() > 1.0
    objective = build_objective(content, style, dataclasses.replace(config, init="noise"))
    assert np.abs(np.ptp(objective.x0.reshape(-1, 3), axis=1)).max() < 1e-3  # a start without colors
    assert np.abs(chroma(objective.to_image(objective.x0)) - chroma(content)).max() <= 1.0
