"""Whitening and coloring: moments as they should be, against SciPy's matrix roots, and as a loss."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm

from nstcore import ConfigError, TransferConfig, build_objective
from nstcore.losses import make_loss
from nstcore.losses.transformed_features import transform


def features(seed: int, positions: int, channels: int = 5) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(positions, channels)) @ random.normal(size=(channels, channels)) + seed


def test_transformed_features_have_the_moments_of_the_style():
    found, style = transform(features(1, 200), features(2, 300)), features(2, 300)
    assert found.mean(axis=0) == pytest.approx(style.mean(axis=0))
    assert np.cov(found, rowvar=False, bias=True) == pytest.approx(np.cov(style, rowvar=False, bias=True))


def test_the_transform_is_whitening_and_coloring_by_symmetric_roots():
    mine, style = features(1, 200), features(2, 300)
    own, theirs = (np.cov(one, rowvar=False, bias=True) for one in (mine, style))
    expected = (mine - mine.mean(axis=0)) @ np.linalg.inv(sqrtm(own)) @ sqrtm(theirs) + style.mean(axis=0)
    assert transform(mine, style) == pytest.approx(expected)


def test_features_that_do_not_vary_stay_finite():
    still, style = np.ones((20, 4)), features(2, 30, 4)
    assert transform(still, style) == pytest.approx(np.tile(style.mean(axis=0), (20, 1)))
    assert transform(style, still) == pytest.approx(np.ones((30, 4)))
    few = features(3, 3, 6)  # fewer positions than channels
    assert np.isfinite(transform(few, features(4, 50, 6))).all()


def test_a_picture_of_the_transformed_features_has_no_loss(to_numpy):
    loss = make_loss("transformed_features", {"layers": ["a"], "alpha": 0.5})
    mine, style = (features(seed, 40).astype(np.float32) for seed in (1, 2))
    matched = loss.matched({"features": style}, {"features": mine})["features"]
    assert matched == pytest.approx(0.5 * transform(mine, style) + 0.5 * mine, rel=1e-4, abs=1e-4)
    target = {"features": matched[np.newaxis]}
    assert to_numpy(loss.value(matched[np.newaxis], target)) == pytest.approx([0.0])
    assert to_numpy(loss.value(matched[np.newaxis] + 1.0, target)) == pytest.approx([0.5 * mine.size])


def test_the_gradient_is_what_central_differences_of_the_formula_measure(gradient_of, central_differences):
    loss = make_loss("transformed_features", {"layers": ["a"], "alpha": 0.3})
    content, style, x = (features(seed, 12).astype(np.float32) for seed in (1, 2, 3))
    wanted = 0.3 * transform(content.astype(float), style.astype(float)) + 0.7 * content
    matched = loss.matched({"features": style}, {"features": content})["features"]
    found = gradient_of(loss, x[np.newaxis], {"features": matched[np.newaxis]})[0]
    expected = central_differences(lambda at: 0.5 * np.square(at - wanted).sum(), x.astype(float))
    assert np.linalg.norm(found - expected) < 1e-3 * np.linalg.norm(expected)


def test_it_is_balanced_by_its_value_at_the_content_picture(content_picture, style_picture):
    losses = {"gram": {"weight": 0.0}, "transformed_features": {"layers": ("block1_conv2", "block2_conv1")}}
    config = TransferConfig("vgg16", weights="random", size=64, content_layers=("block1_conv1",), losses=losses)
    objective = build_objective(content_picture, style_picture, config)
    assert objective.components(objective.x0)["transformed_features"] == pytest.approx(1.0, rel=1e-4)


@pytest.mark.parametrize("alpha", [-0.1, 1.5, "half"])
def test_a_share_that_is_none_is_refused(alpha):
    with pytest.raises(ConfigError, match=r"TransformedFeatures\.alpha"):
        make_loss("transformed_features", {"layers": ["a"], "alpha": alpha})
