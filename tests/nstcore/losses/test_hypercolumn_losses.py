"""Nearest neighbours, the earth mover's distance and self-similarity against their formulas over all pairs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from nstcore import ConfigError, TransferConfig, build_objective
from nstcore.losses import make_loss
from nstcore.problem import build_problem
from nstcore.scene import Scene, Style

Formula = Callable[[np.ndarray, np.ndarray], float]


def cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Of all rows of (n, N) with all of (m, N): (n, m)."""
    first, second = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in (first, second))
    return first @ second.T


def neighbors(features: np.ndarray, style: np.ndarray) -> Formula:
    """With the matches of these features, which stay what they are."""
    match = cosines(features - features.mean(axis=0), style - style.mean(axis=0)).argmax(axis=1)
    return lambda x, s: float(np.mean(1 - cosines(x, s)[np.arange(len(x)), match]))


def moved(features: np.ndarray, style: np.ndarray, moments: float = 1.0) -> Formula:
    def formula(x: np.ndarray, s: np.ndarray) -> float:
        costs, scale = 1 - cosines(x, s), np.sqrt(np.mean(s**2))
        distance = max(costs.min(axis=1).mean(), costs.min(axis=0).mean())
        x, s = x / scale, s / scale
        means = np.abs(x.mean(axis=0) - s.mean(axis=0)).mean()
        covariances = np.abs(np.cov(x.T, bias=True) - np.cov(s.T, bias=True)).mean()
        return float(distance + moments * (means + covariances))

    return formula


def similarity(features: np.ndarray, content: np.ndarray) -> Formula:
    def normalized(x: np.ndarray) -> np.ndarray:
        distances = np.maximum(1 - 4e-6 - cosines(x, x), 0.0)
        return distances / (distances.sum(axis=0) + 1e-5 * len(x))

    return lambda x, c: float(np.abs(normalized(x) - normalized(c)).sum() / len(x))


CASES = {
    "nearest_neighbors": ({"fixed": False}, neighbors),
    "earth_movers": ({}, moved),
    "earth_movers, distance alone": ({"moments": 0.0}, lambda x, s: moved(x, s, 0.0)),
    "self_similarity": ({}, similarity),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("sizes", [(20, 20), (25, 9), (6, 30)])
def test_the_loss_is_the_formula_and_the_gradient_its_slope(case, sizes):
    settings, formula = CASES[case]
    loss = make_loss(case.partition(",")[0], settings)
    random = np.random.default_rng(0)
    positions = (sizes[0], sizes[0] if loss.reads == "content" else sizes[1])
    mine, reference = (np.maximum(random.normal(size=(2, n, 6)) + 0.5, 0.01).astype(np.float32) for n in positions)
    variable = tf.Variable(mine)
    with tf.GradientTape() as tape:
        values = loss.value(variable, loss.target(tf.constant(reference)))
    gradient = tf.convert_to_tensor(tape.gradient(values, variable)).numpy()
    for one in range(2):
        x, other = mine[one].astype(np.float64), reference[one].astype(np.float64)
        exact = formula(x, other)
        assert values.numpy()[one] == pytest.approx(exact(x, other), rel=1e-4)
        for seed in range(3):
            step = 1e-6 * np.random.default_rng(seed).normal(size=x.shape)
            slope = (exact(x + step, other) - exact(x - step, other)) / 2
            rounding = 1e-4 * np.linalg.norm(gradient[one]) * np.linalg.norm(step)
            assert np.sum(gradient[one] * step) == pytest.approx(slope, rel=1e-3, abs=rounding)


def test_hypercolumns_are_divided_by_their_channels(to_numpy):
    """So that 8 channels of 1 and 2 channels of 1 are 1/8 and 1/2."""
    loss = make_loss("nearest_neighbors", {"layers": ("a", "b")})
    features = to_numpy(loss.features(np.ones((1, 2, 3, 8), np.float32), np.ones((1, 2, 3, 2), np.float32)))
    assert features[0].tolist() == [[1 / 8] * 8 + [1 / 2] * 2] * 6


def test_fixed_neighbors_are_those_of_the_content_picture(to_numpy):
    random = np.random.default_rng(0)
    content, style, mine = (random.uniform(size=(n, 6)).astype(np.float32) for n in (20, 30, 20))
    loss = make_loss("nearest_neighbors", {})
    target = loss.matched({"features": style}, {"features": content})
    exact = neighbors(content.astype(np.float64), style.astype(np.float64))
    value = to_numpy(loss.value(mine[np.newaxis], {name: one[np.newaxis] for name, one in target.items()}))
    assert value[0] == pytest.approx(exact(mine.astype(np.float64), style.astype(np.float64)), rel=1e-5)


@pytest.mark.parametrize("fixed", [True, False])
def test_styles_of_two_sizes_are_matched_in_the_engine(fixed, content_picture, style_picture, blotches, to_numpy):
    """Fixed neighbors have the content's number of positions, so that such scenes can be evaluated together."""
    layers = ("block1_conv1", "block2_conv1")
    losses = {"gram": {"weight": 0.0}, "nearest_neighbors": {"layers": layers, "fixed": fixed}}
    config = TransferConfig("vgg16", weights="random", size=64, content_layers=layers[:1], losses=losses)
    scenes = [Scene(content_picture, (Style(style),)) for style in (style_picture, blotches(5, 32, 64))]
    if not fixed:
        with pytest.raises(ConfigError, match="differs in size"):
            build_problem(scenes, config)
        return
    start = np.stack([content_picture.astype(np.float32)] * 2)
    assert to_numpy(build_problem(scenes, config).evaluate(start).terms["style"]) == pytest.approx([1, 1], rel=1e-3)


def test_fixed_must_be_true_or_false():
    with pytest.raises(ConfigError, match=r"NearestNeighbors\.fixed must be true or false"):
        make_loss("nearest_neighbors", {"fixed": 1})


@pytest.mark.parametrize("name", ["nearest_neighbors", "earth_movers", "self_similarity"])
def test_the_scale_of_a_network_changes_nothing(name, to_numpy):
    loss = make_loss(name, {"fixed": False} if name == "nearest_neighbors" else {})
    mine, other = np.random.default_rng(0).uniform(size=(2, 1, 15, 6)).astype(np.float32)
    values = [float(to_numpy(loss.value(scale * mine, loss.target(scale * other)))[0]) for scale in (1e-7, 1.0, 1e4)]
    assert values == pytest.approx([values[1]] * 3, rel=1e-4)


def test_self_similarity_of_even_features_is_theirs_to_nothing(to_numpy):
    """What the engine balances by: rounding does not look like structure."""
    loss = make_loss("self_similarity", {})
    content = np.random.default_rng(0).uniform(size=(1, 50, 6)).astype(np.float32)
    even = np.broadcast_to(content.mean(axis=1, keepdims=True), content.shape)
    assert to_numpy(loss.value(even, loss.target(content)))[0] == pytest.approx(1.0, rel=1e-3)


def test_a_weight_of_moments_must_be_a_number():
    with pytest.raises(ConfigError, match=r"EarthMovers\.moments must be a finite number >= 0"):
        make_loss("earth_movers", {"moments": -1})


def test_all_of_them_are_balanced_in_the_engine(content_picture, style_picture):
    layers = ("block1_conv1", "block1_conv2", "block2_conv1")
    losses = {name: {"layers": layers} for name in ("nearest_neighbors", "earth_movers", "self_similarity")}
    config = TransferConfig(
        "vgg16", weights="random", size=64, content_layers=layers, style_layers=layers, losses=losses
    )
    objective = build_objective(content_picture, style_picture, config)
    terms = objective.components(objective.x0)
    assert terms["nearest_neighbors"] == pytest.approx(1.0, rel=1e-3)
    assert terms["earth_movers"] == pytest.approx(1.0, rel=1e-3)
    assert terms["self_similarity"] == pytest.approx(0.0, abs=1e-3)
    noise = np.random.default_rng(0).normal(scale=40, size=objective.x0.shape)
    assert 0.01 < objective.components(objective.x0 + noise)["self_similarity"] < 3
