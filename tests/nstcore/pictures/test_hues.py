"""The content's hues as the style has them, against published colors and the statistics that are promised."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from nstcore import ConfigError, TransferConfig, style_transfer
from nstcore.pictures.hues import from_oklab, smoothed, to_oklab, with_hues_of_style

CONFIG = TransferConfig(backbone="vgg16", weights="random", size=48, iterations=3, coarse_sizes=())


@pytest.mark.parametrize(
    ("color", "expected"),
    [
        ((255, 255, 255), (1.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        ((255, 0, 0), (0.6280, 0.2249, 0.1258)),
        ((0, 255, 0), (0.8664, -0.2339, 0.1795)),
        ((0, 0, 255), (0.4520, -0.0325, -0.3115)),
    ],
)
def test_colors_are_those_that_were_published(color, expected):
    """Ottosson 2020."""
    assert to_oklab(np.array([[color]]))[0, 0] == pytest.approx(expected, abs=2e-4)


def test_the_way_back_leads_to_the_same_color():
    colors = np.random.default_rng(0).integers(0, 256, (20, 20, 3))
    assert from_oklab(to_oklab(colors)) == pytest.approx(colors, abs=0.01)


def test_hues_of_a_picture_of_one_lightness_have_the_styles_mean_and_covariance():
    """A content of two halves each way stays so: smoothing acts where they meet alone, and no range is left."""
    random = np.random.default_rng(0)
    content, style = (np.dstack([0.6 + 0.0 * random.uniform(size=(30, 30)), *hues(random)]) for hues in (narrow, wide))
    picture, content, style = (np.rint(from_oklab(one)).astype(np.uint8) for one in (content, content, style))
    made = to_oklab(with_hues_of_style(picture, content, [(style, 1.0)]))
    wanted = to_oklab(style)[..., 1:].reshape(-1, 2)
    found = made[..., 1:].reshape(-1, 2)
    assert found.mean(axis=0) == pytest.approx(wanted.mean(axis=0), abs=1e-3)
    assert np.abs(np.cov(found.T) - np.cov(wanted.T)).max() < 0.15 * np.abs(np.cov(wanted.T)).max()


def narrow(random: np.random.Generator) -> list[np.ndarray]:
    half = np.repeat([[0.0] * 15 + [0.02] * 15], 30, axis=0)
    return [half, np.swapaxes(half, 0, 1) * 0.5]


def wide(random: np.random.Generator) -> list[np.ndarray]:
    return [random.normal(0.01, 0.03, (30, 30)), random.normal(-0.02, 0.02, (30, 30))]


def test_lightness_is_the_pictures_and_hues_stop_at_its_edges():
    content = np.full((20, 20, 3), (150, 120, 110), np.uint8)
    content[:, 10:] = (110, 120, 150)
    picture = np.full((20, 20, 3), 60, np.uint8)
    picture[:, 10:] = 190
    style = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    made = to_oklab(with_hues_of_style(picture, content, [(style, 1.0)]))
    assert np.abs(made[..., 0] - to_oklab(picture)[..., 0])[:, [0, 5, 15]].max() < 0.02
    # The edge of the picture is that of the content: a step of lightness of a half parts the hues.
    assert np.abs(made[:, 8, 1:] - made[:, 0, 1:]).max() < 0.01
    assert np.abs(made[:, 19, 1:] - made[:, 0, 1:]).max() > 0.05


def test_smoothing_averages_where_lightness_is_even_and_keeps_what_is_flat():
    hues = np.random.default_rng(0).normal(size=(12, 12, 2))
    even = smoothed(hues, np.full((12, 12), 0.5))
    by_hand = hues
    for _ in range(5):
        padded = np.pad(by_hand, ((1, 1), (1, 1), (0, 0)), mode="edge")
        by_hand = sum(padded[y : y + 12, x : x + 12] for y in range(3) for x in range(3)) / 9
    assert even == pytest.approx(by_hand)
    flat = np.full((6, 6, 2), 0.3)
    assert smoothed(flat, np.random.default_rng(0).uniform(size=(6, 6))) == pytest.approx(flat)


def test_a_gray_content_and_a_gray_style_have_an_end():
    gray = np.repeat(np.random.default_rng(0).integers(0, 256, (16, 16, 1)), 3, axis=2).astype(np.uint8)
    colorful = np.random.default_rng(1).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    for content, style in ((gray, colorful), (colorful, gray)):
        made = with_hues_of_style(colorful, content, [(style, 1.0)])
        assert np.isfinite(made).all()
    assert np.ptp(made, axis=2).max() < 1.0  # the hues of a gray style are gray


def test_styles_count_by_their_shares():
    random = np.random.default_rng(0)
    content = random.integers(0, 256, (16, 16, 3)).astype(np.uint8)
    red, blue = (
        np.clip(random.normal(c, 20, (9, 9, 3)), 0, 255).astype(np.uint8) for c in ((200, 90, 90), (90, 90, 200))
    )

    def of(share: float) -> np.ndarray:
        return to_oklab(with_hues_of_style(content, content, [(red, share), (blue, 1 - share)]))[..., 1:].mean((0, 1))

    assert of(0.8)[1] > of(0.2)[1]
    assert of(1.0) == pytest.approx(to_oklab(red)[..., 1:].mean((0, 1)), abs=0.02)


@pytest.mark.parametrize("coarse", [(), (36,)])
def test_it_is_laid_on_what_a_transfer_gives(blotches, coarse):
    content, style = blotches(1, 48, 48), blotches(2, 48, 48)
    plain = style_transfer(content, style, dataclasses.replace(CONFIG, coarse_sizes=coarse))
    result = style_transfer(content, style, dataclasses.replace(CONFIG, coarse_sizes=coarse, color="style-hues"))
    assert [one.total for one in result.trace] == [one.total for one in plain.trace]
    expected = with_hues_of_style(plain.pixels, content, [(style, 1.0)])
    assert result.pixels == pytest.approx(expected, abs=1e-3)
    assert np.abs(result.image - expected).max() < 2.0  # made of a picture that was rounded before


def test_regions_have_no_hues_of_whole_styles(blotches):
    regions = np.zeros((48, 48, 3), np.uint8)
    regions[:, 24:] = 255
    config = dataclasses.replace(CONFIG, color="style-hues")
    with pytest.raises(ConfigError, match="hues of whole styles"):
        style_transfer(blotches(1, 48, 48), blotches(2, 48, 48), config, content_regions=regions, style_regions=regions)
