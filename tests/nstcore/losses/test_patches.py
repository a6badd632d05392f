"""Nearest patches against a search over all pairs, and their distance against the formula and central differences."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from nstcore import ConfigError, TransferConfig, build_objective
from nstcore.losses import Layer, make_loss, nearest
from nstcore.losses.patch_search import nearest_patches
from nstcore.losses.patches import Patches
from nstcore.problem import build_problem
from nstcore.scene import Scene, Style

# Batch, size of the content, size of the style, channels.
SHAPES = [(1, (6, 8), (6, 8), 3), (2, (7, 5), (9, 12), 4), (2, (5, 5), (5, 11), 2)]


def patches(features: np.ndarray, size: int, stride: int) -> dict[tuple[int, int], np.ndarray]:
    """Where a patch begins -> the patch, of one picture (h, w, N)."""
    height, width, _ = features.shape
    corners = itertools.product(range(0, height - size + 1, stride), range(0, width - size + 1, stride))
    return {(y, x): features[y : y + size, x : x + size].astype(np.float64) for y, x in corners}


def cosines(features: np.ndarray, style: np.ndarray, size: int, stride: int) -> np.ndarray:
    """Of all patches with all patches of the style: (patches, patches of the style)."""
    mine, theirs = (np.stack([*patches(one, size, stride).values()]) for one in (features, style))
    mine, theirs = (one.reshape(len(one), -1) for one in (mine, theirs))
    return (mine / np.linalg.norm(mine, axis=1, keepdims=True)) @ (
        theirs / np.linalg.norm(theirs, axis=1, keepdims=True)
    ).T


def random_features(shape: tuple[int, tuple[int, int], tuple[int, int], int]) -> tuple[np.ndarray, np.ndarray]:
    batch, content, style, channels = shape
    random = np.random.default_rng(0)
    mine, theirs = (random.normal(size=(batch, *sides, channels)).astype(np.float32) for sides in (content, style))
    return mine, theirs


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("size", "stride"), [(3, 1), (3, 2), (3, 3), (1, 1), (2, 1), (5, 2)])
@pytest.mark.parametrize("at_once", [None, 64])
def test_the_nearest_patches_are_those_of_a_search_over_all_pairs(monkeypatch, to_numpy, shape, size, stride, at_once):
    if at_once:  # one query at a time
        monkeypatch.setattr(nearest, "AT_ONCE", at_once)
    features, style = random_features(shape)
    found = to_numpy(nearest_patches(features, style, size, stride))
    for one in range(len(features)):
        corners = list(patches(style[one], size, stride))
        expected = [corners[place] for place in cosines(features[one], style[one], size, stride).argmax(axis=1)]
        assert [divmod(place, style.shape[2]) for place in found[one].ravel()] == expected


def test_a_patch_is_the_nearest_to_itself_whatever_its_strength(to_numpy):
    features = random_features((1, (6, 8), (6, 8), 3))[0]
    strength = np.random.default_rng(1).uniform(0.1, 10.0)
    found = to_numpy(nearest_patches(strength * features, features, 3, 1))[0]
    assert found.tolist() == [[8 * y + x for x in range(6)] for y in range(4)]


def test_patches_without_any_features_are_no_fault(to_numpy):
    nothing, style = np.zeros((1, 4, 4, 2), np.float32), np.zeros((1, 5, 5, 2), np.float32)
    assert np.isfinite(to_numpy(Patches().value(nothing, Patches().target(style)))).all()


def brute_force(features: np.ndarray, style: np.ndarray, size: int, stride: int, match: np.ndarray) -> float:
    """The mean of ‖Ψ_i − Ψ_NN(i)‖² of one picture, with matches that are given as places among the patches."""
    theirs = list(patches(style, size, stride).values())
    mine = patches(features, size, stride).values()
    return float(np.mean([np.sum((one - theirs[place]) ** 2) for one, place in zip(mine, match, strict=True)]))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("size", "stride"), [(3, 1), (3, 2), (5, 2), (1, 1)])
def test_the_loss_is_the_mean_squared_distance_and_its_gradient_has_constant_matches(to_numpy, shape, size, stride):
    features, style = random_features(shape)
    loss = Patches(patch_size=size, stride=stride)
    variable = tf.Variable(features)
    with tf.GradientTape() as tape:
        values = loss.value(loss.features(variable), loss.target(tf.constant(style)))
    gradient = tape.gradient(values, variable).numpy()
    for one in range(len(features)):
        match = cosines(features[one], style[one], size, stride).argmax(axis=1)
        mine = features[one].astype(np.float64)
        assert to_numpy(values)[one] == pytest.approx(brute_force(mine, style[one], size, stride, match), rel=1e-5)
        for seed in range(3):
            step = 1e-3 * np.random.default_rng(seed).normal(size=mine.shape)
            ahead, behind = (brute_force(mine + s * step, style[one], size, stride, match) for s in (1, -1))
            assert np.sum(gradient[one] * step) == pytest.approx((ahead - behind) / 2, rel=1e-4)


CONFIG = TransferConfig(
    "vgg16",
    weights="random",
    size=64,
    content_layers=("block2_conv1",),
    losses={"gram": {"weight": 0.0}, "patches": {"layers": ("block1_conv2", "block2_conv1")}},
)


def test_a_content_picture_has_a_loss_of_one(content_picture, style_picture):
    """Half for each of two layers; the pictures differ in size."""
    objective = build_objective(content_picture, style_picture, CONFIG)
    terms = objective.components(objective.x0)
    assert terms["patches"] == pytest.approx(1.0, rel=1e-4)
    assert terms["style"] == terms["patches"]


def test_a_loss_that_is_not_balanced_is_the_mean_itself_and_layers_weigh_as_they_are_told(
    content_picture, style_picture
):
    """Balanced it is a share of what the content picture has, and so of the same shape."""

    def value(moved: float, layers: tuple[str, ...], **settings: object) -> float:
        losses = {"gram": {"weight": 0.0}, "patches": {"layers": layers, **settings}}
        objective = build_objective(content_picture, style_picture, replace(CONFIG, losses=losses))
        noise = np.random.default_rng(0).normal(scale=moved, size=objective.x0.size)
        return objective.components(objective.x0 + noise)["patches"]

    one, other = (value(5.0, (layer,), balanced=False) for layer in ("block1_conv2", "block2_conv1"))
    assert value(5.0, ("block1_conv2",)) == pytest.approx(one / value(0.0, ("block1_conv2",), balanced=False), rel=1e-4)
    weighted = value(5.0, ("block1_conv2", "block2_conv1"), balanced=False, layer_weights=(4.0, 1.0))
    assert weighted == pytest.approx(4 * one + other, rel=1e-4)
    assert make_loss("patches", {"balanced": False}).coefficient(Layer(12, 3, 48)) == 1.0


def test_pictures_together_are_as_each_alone(to_numpy, blotches):
    scenes = [Scene(blotches(one, 48, 64), (Style(blotches(one + 7, 64, 40)),)) for one in range(2)]
    x = np.random.default_rng(0).uniform(0, 255, (2, 48, 64, 3)).astype(np.float32)
    together = build_problem(scenes, CONFIG).evaluate(x)
    for one, scene in enumerate(scenes):
        alone = build_problem([scene], CONFIG).evaluate(x[one : one + 1])
        assert to_numpy(together.values)[one] == pytest.approx(to_numpy(alone.values)[0], rel=1e-4)
        expected = to_numpy(alone.gradient)[0]
        error = np.linalg.norm(to_numpy(together.gradient)[one] - expected) / np.linalg.norm(expected)
        assert error < 1e-3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patch_size": 0}, r"Patches\.patch_size must be a whole number >= 1"),
        ({"patch_size": 2.0}, "patch_size must be a whole number"),
        ({"stride": 0}, r"Patches\.stride must be a whole number >= 1"),
        ({"stride": 4}, "stride must be .* at most patch_size.*stride=4"),
        ({"balanced": 1}, r"Patches\.balanced must be true or false"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        make_loss("patches", settings)


def test_a_layer_without_room_for_a_patch_is_named(content_picture, style_picture):
    losses = {"patches": {"layers": ("block5_conv1",), "patch_size": 5}}
    config = TransferConfig("vgg16", weights="random", size=64, losses=losses)
    with pytest.raises(ConfigError, match=r"patch_size must be at most the sides of every layer, here 4 x 2.*=5"):
        build_objective(content_picture, style_picture, config)
