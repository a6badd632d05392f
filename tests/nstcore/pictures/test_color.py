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
    wanted = np.cov(content.reshape(-1, 3), rowvar=False)
    assert np.abs(np.cov(made.reshape(-1, 3), rowvar=False) - wanted).max() < 1e-3 * np.abs(wanted).max()
    assert color.with_covariance_of(content, content) == pytest.approx(content, abs=1e-6)


def test_a_gray_style_has_an_end_and_gets_what_colors_it_can(blotches):
    gray = color.gray(blotches(2, 30, 20)).astype(float)
    assert np.isfinite(color.with_covariance_of(gray, blotches(1, 40, 50).astype(float))).all()
    flat = np.full((8, 8, 3), 90, np.uint8)
    assert (color.with_luminance_of(flat, np.full((8, 8, 3), 30, np.uint8)) == 30).all()


def test_a_style_takes_on_luminance_and_histograms(blotches):
    content, style = (np.clip(blotches(seed, 60, 60) // 2 + 60, 0, 255).astype(np.uint8) for seed in (1, 2))
    made = luminance(color.with_luminance_of(style, content))
    assert (made.mean(), made.std()) == pytest.approx((luminance(content).mean(), luminance(content).std()), abs=0.5)
    matched = color.with_histogram_of(style, content)
    for channel in range(3):
        shares = np.linspace(0.1, 0.9, 9)
        mine, wanted = (np.quantile(picture[..., channel], shares) for picture in (matched, content))
        assert np.abs(mine - wanted).max() < 20


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


@pytest.mark.parametrize("kind", ["match", "match-histogram"])
def test_a_matched_style_is_what_is_transferred(blotches, kind):
    content, style = blotches(1, 64, 64), blotches(2, 64, 64)
    recolored = {
        "match": lambda: np.clip(np.rint(color.with_covariance_of(style.astype(float), content)), 0, 255),
        "match-histogram": lambda: color.with_histogram_of(style, content),
    }[kind]().astype(np.uint8)
    ours = style_transfer(content, style, dataclasses.replace(CONFIG, color=kind))
    by_hand = style_transfer(content, recolored, CONFIG)
    assert ours.trace[-1].total == by_hand.trace[-1].total
    assert (ours.image == by_hand.image).all()
