"""The objective against an independent implementation, central differences, and SciPy's own use of it."""

from __future__ import annotations

import dataclasses
import itertools
import sys

import keras
import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf

from nstcore import ConfigError, DivergenceError, TransferConfig, build_objective, style_transfer
from nstcore.backbones import BACKBONES
from nstcore.features import feature_network, pretrained_network
from nstcore.images import resize
from nstcore.objective import Objective, compiled_loss
from nstcore.optimizers import OPTIMIZERS
from nstcore.transfer import optimize

SMALL = TransferConfig(backbone="vgg16", weights="random", size=64, iterations=5, total_variation_weight=1e-9)


def literal_loss(content, style, config):
    """Section 2 of the design to the letter, on Keras' own network and preprocessing, with a gradient tape."""
    config = config.resolved()
    network, _ = pretrained_network(config.backbone, config.weights)
    layers = [*config.content_layers, *config.style_layers]
    application = getattr(keras.applications, BACKBONES[config.backbone].application)
    preprocess = sys.modules[application.__module__].preprocess_input
    outputs = keras.Model(network.input, [network.get_layer(name).output for name in layers])

    def matrices(picture):
        found = outputs(preprocess(tf.cast(picture, tf.float32)[tf.newaxis]), training=False)
        return dict(zip(layers, (tf.reshape(one, (-1, one.shape[-1])) for one in found), strict=True))

    content, style = (resize(picture, config.size) for picture in (content, style))
    wanted, grams = matrices(content), {}
    style_features = matrices(style)
    for name in config.style_layers:
        grams[name] = tf.transpose(style_features[name]) @ style_features[name]

    def evaluate(x):
        picture = tf.Variable(x.reshape(content.shape).astype(np.float32))
        with tf.GradientTape() as tape:
            found = matrices(picture)
            content_term = sum(0.5 * tf.reduce_sum((found[n] - wanted[n]) ** 2) for n in config.content_layers)
            style_term = 0.0
            for name, weight in zip(config.style_layers, config.style_layer_weights, strict=True):
                features, target = found[name], grams[name]
                positions, channels = (float(side) for side in features.shape)
                gram = tf.transpose(features) @ features
                if config.style_normalization == "gatys":
                    style_positions = float(style_features[name].shape[0])
                    term = tf.reduce_sum((gram / positions - target / style_positions) ** 2) / (4 * channels**2)
                elif config.style_normalization == "none":
                    term = tf.reduce_sum((gram - target) ** 2)
                else:
                    pixels = float(content.shape[0] * content.shape[1])
                    term = tf.reduce_sum((gram - target) ** 2) / (4 * 3**2 * pixels**2)
                style_term += weight * term
            down = picture[:-1, :-1] - picture[1:, :-1]
            right = picture[:-1, :-1] - picture[:-1, 1:]
            exponent = 1.25 if config.total_variation == "power" else 1.0
            variation = tf.reduce_sum((down**2 + right**2) ** exponent)
            total = (
                config.content_weight * content_term
                + config.style_weight * style_term
                + config.total_variation_weight * variation
            )
        terms = {"content": content_term, "style": style_term, "total_variation": variation, "total": total}
        return {name: float(term) for name, term in terms.items()}, tape.gradient(total, picture).numpy().ravel()

    return evaluate


def assert_agrees(content, style, config):
    objective, literal = build_objective(content, style, config), literal_loss(content, style, config)
    x = objective.x0 + np.random.default_rng(3).normal(scale=20, size=objective.x0.shape)
    loss, gradient = objective(x)
    terms, expected_gradient = literal(x)
    assert loss == pytest.approx(terms["total"], rel=1e-4)
    assert objective.components(x) == pytest.approx(terms, rel=1e-4)
    cosine = gradient @ expected_gradient / np.linalg.norm(gradient) / np.linalg.norm(expected_gradient)
    assert cosine > 0.9999
    assert np.linalg.norm(gradient) == pytest.approx(np.linalg.norm(expected_gradient), rel=1e-3)


@pytest.mark.parametrize("normalization", ["gatys", "none", "keras-example"])
@pytest.mark.parametrize("total_variation", ["power", "squared"])
def test_agrees_with_the_formulas(content_picture, style_picture, normalization, total_variation):
    config = dataclasses.replace(
        SMALL,
        style_normalization=normalization,
        total_variation=total_variation,
        content_weight=0.5,
        style_weight=3.0,
        style_layers=("block1_conv1", "block2_conv2"),
        style_layer_weights=(0.25, 2.0),
    )
    assert_agrees(content_picture, style_picture, config)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_agrees_with_the_formulas(content_picture, style_picture, backbone):
    config = TransferConfig(backbone=backbone, weights="random", size=128, style_normalization="gatys")
    assert_agrees(resize(content_picture, 128), resize(style_picture, 160), config)


@pytest.mark.pretrained
@pytest.mark.parametrize("backbone", ["vgg19", "resnet50"])
def test_trained_networks_agree_with_the_formulas(content_picture, style_picture, backbone):
    config = TransferConfig(backbone=backbone, size=128, style_normalization="gatys", total_variation_weight=1e-3)
    assert_agrees(content_picture, style_picture, config)


def test_gradient_is_what_central_differences_measure(content_picture, style_picture):
    config = dataclasses.replace(
        SMALL, size=56, content_layers=("block1_conv2",), style_layers=("block1_conv1", "block1_conv2")
    )
    objective = build_objective(content_picture, style_picture, config)
    random = np.random.default_rng(0)
    x = objective.x0 + random.normal(scale=10, size=objective.x0.shape)
    _, gradient = objective(x)
    for direction in (gradient / np.linalg.norm(gradient), np.sign(gradient) * random.uniform(0, 1, x.shape)):
        step = 2.0 / np.abs(direction).max()
        measured = (objective(x + step * direction)[0] - objective(x - step * direction)[0]) / (2 * step)
        assert measured == pytest.approx(gradient @ direction, rel=2e-2)


def test_balanced_style_starts_at_one_and_content_at_nothing(content_picture, style_picture):
    objective = build_objective(content_picture, style_picture, SMALL)
    terms = objective.components(objective.x0)
    assert terms["style"] == pytest.approx(1.0, rel=1e-4)
    assert terms["content"] == pytest.approx(0.0, abs=1e-8)


def test_balanced_content_is_one_where_the_features_are_flat(content_picture):
    """A picture without structure has the mean's loss or more: the reference is that of the mean."""
    config = dataclasses.replace(SMALL, init="style")
    flat = np.full_like(content_picture, 128)
    objective = build_objective(content_picture, flat, config)
    assert objective.components(objective.x0)["content"] > 0.3


def test_a_picture_in_its_own_style_has_no_loss(content_picture):
    config = dataclasses.replace(SMALL, total_variation_weight=0.0)
    objective = build_objective(content_picture, content_picture, config)
    assert objective(objective.x0)[0] == pytest.approx(0.0, abs=1e-4)


def test_scipy_can_call_it_as_it_is(content_picture, style_picture):
    objective = build_objective(content_picture, style_picture, SMALL)
    assert objective.x0.dtype == np.float64
    assert objective.x0.shape == (48 * 64 * 3,)
    loss, gradient = objective(objective.x0)
    assert isinstance(loss, float)
    assert gradient.dtype == np.float64
    assert gradient.shape == objective.x0.shape
    x, lowest, info = scipy.optimize.fmin_l_bfgs_b(objective, objective.x0, maxiter=5)
    assert lowest < loss
    assert info["funcalls"] == objective.evaluations - 1
    image = objective.to_image(x)
    assert image.dtype == np.uint8
    assert image.shape == (48, 64, 3)


@pytest.mark.parametrize("init", ["content", "noise", "style"])
def test_initial_picture(content_picture, style_picture, init):
    config = dataclasses.replace(SMALL, init=init, seed=7)
    x0 = build_objective(content_picture, style_picture, config).x0.reshape(48, 64, 3)
    if init == "content":
        assert (x0 == content_picture).all()
    elif init == "noise":
        again = build_objective(content_picture, style_picture, config).x0.reshape(48, 64, 3)
        other = build_objective(content_picture, style_picture, dataclasses.replace(config, seed=8)).x0.reshape(
            48, 64, 3
        )
        assert (x0 == again).all()
        assert (x0 != other).any()
        assert x0.min() >= 0
        assert x0.max() <= 255
        assert abs(x0.mean() - 127.5) < 3
    else:
        assert np.abs(x0.mean(axis=(0, 1)) - style_picture.mean(axis=(0, 1))).max() < 10


def test_one_compiled_function_serves_all_weightings_and_normalisations():
    variants = [
        {"style_normalization": "gatys"},
        {"content_weight": 9.0, "style_weight": 2.0},
        {"seed": 3, "init": "noise", "iterations": 7},
        {"style_layer_weights": (1.0, 0.0, 0.0, 0.0, 0.0)},
    ]
    compiled = {
        compiled_loss(dataclasses.replace(SMALL, **variant).resolved().structure(), 48, 64) for variant in variants
    }
    assert len(compiled) == 1
    other = dataclasses.replace(SMALL, pooling="avg").resolved()
    assert compiled_loss(other.structure(), 48, 64) not in compiled


def test_the_network_is_cut_at_the_last_layer_needed():
    config = dataclasses.replace(SMALL, content_layers=("block2_conv1",), style_layers=("block1_conv1",)).resolved()
    names = {layer.name for part in feature_network(config).layers for layer in getattr(part, "layers", [])}
    assert "block2_conv1" in names
    assert not any(name.startswith(("block2_conv2", "block3")) for name in names)


def test_average_pooling_replaces_every_pooling_layer_and_keeps_the_weights(content_picture):
    config = dataclasses.replace(SMALL, pooling="avg").resolved()
    extractor = feature_network(config)
    inner = next(layer for layer in extractor.layers if hasattr(layer, "layers"))
    kinds = {type(layer).__name__ for layer in inner.layers}
    assert "AveragePooling2D" in kinds
    assert "MaxPooling2D" not in kinds
    network, _ = pretrained_network("vgg16", "random")
    for layer in inner.layers[1:]:
        for ours, original in zip(layer.get_weights(), network.get_layer(layer.name).get_weights(), strict=True):
            assert (ours == original).all()
    pooled = keras.Model(
        inner.inputs[0], [inner.get_layer("block1_conv2").output, inner.get_layer("block1_pool").output]
    )
    before, after = (keras.ops.convert_to_numpy(one) for one in pooled(content_picture[np.newaxis].astype(np.float32)))
    assert after[0, 3, 5, 2] == pytest.approx(before[0, 6:8, 10:12, 2].mean(), rel=1e-5)


def test_bfloat16_keeps_losses_in_float32_and_close(content_picture, style_picture):
    exact = build_objective(content_picture, style_picture, SMALL)
    config = dataclasses.replace(SMALL, precision="bfloat16")
    rounded = build_objective(content_picture, style_picture, config)
    x = exact.x0 + np.random.default_rng(0).normal(scale=15, size=exact.x0.shape)
    loss, gradient = exact(x)
    rounded_loss, rounded_gradient = rounded(x)
    assert rounded_loss == pytest.approx(loss, rel=0.02)
    cosine = gradient @ rounded_gradient / np.linalg.norm(gradient) / np.linalg.norm(rounded_gradient)
    assert 0.98 < cosine < 1.0 - 1e-9


def test_unknown_layer_lists_the_known_ones(content_picture, style_picture):
    config = dataclasses.replace(SMALL, style_layers=("block9_conv1",))
    with pytest.raises(ConfigError, match=r"block1_conv1, block1_conv2.*block9_conv1"):
        build_objective(content_picture, style_picture, config)


@pytest.mark.parametrize("term", ["content", "style", "total_variation", "total"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_term_that_is_not_finite_stops_the_run(term, value):
    def poisoned(picture):
        terms = dict.fromkeys(("total", "content", "style", "total_variation"), 1.0)
        return {**terms, **({term: value} if picture.mean() > 5 else {})}, np.ones_like(picture)

    objective = Objective(poisoned, np.zeros((4, 4, 3), np.float32))
    objective(objective.x0)
    with pytest.raises(DivergenceError, match=rf"the {term} loss became {value} at evaluation 2"):
        objective(objective.x0 + 10)


def test_a_gradient_that_is_not_finite_stops_the_run():
    terms = dict.fromkeys(("total", "content", "style", "total_variation"), 1.0)
    objective = Objective(lambda picture: (terms, np.full_like(picture, np.nan)), np.zeros((4, 4, 3), np.float32))
    with pytest.raises(DivergenceError, match=r"gradient .* at evaluation 1"):
        objective(objective.x0)


def test_overflow_in_the_graph_is_reported_with_its_term(content_picture, style_picture):
    config = dataclasses.replace(SMALL, total_variation_weight=0.0, style_weight=1e38, style_normalization="none")
    with pytest.raises(DivergenceError, match=r"the (style|total) loss became (inf|nan) at evaluation 1;"):
        style_transfer(content_picture, style_picture, config)


def test_the_trace_tells_every_iteration(content_picture, style_picture):
    seen = []
    result = style_transfer(content_picture, style_picture, SMALL, seen.append)
    trace = list(result.trace)
    assert seen == trace
    assert [iterate.iteration for iterate in trace] == list(range(SMALL.iterations + 1))
    assert trace[0].evaluations == 1
    for before, after in itertools.pairwise(trace):
        assert after.evaluations > before.evaluations
        assert after.seconds >= before.seconds
        assert after.total <= before.total
    last = trace[-1]
    config = result.config
    assert last.total == pytest.approx(
        config.content_weight * last.content
        + config.style_weight * last.style
        + config.total_variation_weight * last.total_variation,
        rel=1e-5,
    )
    assert result.image.shape == (48, 64, 3)
    assert result.weights.note


def test_a_run_can_be_repeated_to_the_bit(content_picture, style_picture):
    first, second = (style_transfer(content_picture, style_picture, SMALL) for _ in range(2))
    assert (first.image == second.image).all()


def test_optimisers_are_those_the_configuration_knows():
    assert tuple(OPTIMIZERS) == ("lbfgs",)


def test_lbfgs_makes_one_run_without_restarts_and_ignores_the_scale():
    """A badly conditioned quadratic, scaled to tiny values, on which SciPy's default tolerances stop at once."""
    scales = 1e-12 * np.logspace(0, 3, 50)

    def quadratic(x):
        return float(0.5 * np.sum(scales * x**2)), scales * x

    steps = []
    x, _ = OPTIMIZERS["lbfgs"](quadratic, np.ones(50), 60, lambda x, value: steps.append(value))
    assert steps[-1] < 1e-4 * quadratic(np.ones(50))[0]
    assert quadratic(x)[0] == pytest.approx(steps[-1])


def bowl(offset):
    """A fake bound graph: the distance to grey, plus an offset that tells which one was asked."""

    def evaluate(picture):
        total = float(np.sum((picture - 128.0) ** 2) + offset)
        return {"total": total, "content": total, "style": 0.0, "total_variation": 0.0}, 2 * (picture - 128.0)

    return evaluate


def test_a_run_that_starts_with_an_approximation_ends_with_the_loss_itself():
    config = dataclasses.replace(SMALL, optimizer="lbfgs", precision="bfloat16", iterations=10).resolved()

    def steep(offset):
        # Every pixel at another slope, so that ten iterations do not get to the bottom.
        slopes = np.logspace(0, 3, 48).reshape(1, 4, 4, 3)

        def evaluate(picture):
            total = float(np.sum(slopes * (picture - 128.0) ** 2) + offset)
            terms = {"total": total, "content": total, "style": 0.0, "total_variation": 0.0}
            return terms, 2 * slopes * (picture - 128.0)

        return evaluate

    objective = Objective(steep(1e9), np.zeros((4, 4, 3), np.float32), exact=steep(0.0))
    trace = optimize(objective, config).trace
    assert [iterate.iteration for iterate in trace] == list(range(11))
    assert [iterate.total > 1e9 for iterate in trace] == [True] * 9 + [False] * 2


def test_an_approximation_that_leaves_no_step_is_left_for_the_loss_itself():
    config = dataclasses.replace(SMALL, optimizer="lbfgs", precision="bfloat16", iterations=10).resolved()

    def stuck(picture):
        terms, gradient = bowl(0.0)(picture)
        return {**terms, "total": float(1e6 + np.abs(picture).sum())}, -gradient  # points uphill

    objective = Objective(stuck, np.zeros((4, 4, 3), np.float32), exact=bowl(0.0))
    result = optimize(objective, config)
    assert result.trace[-1].total == pytest.approx(0.0, abs=1e-6)
    assert (result.image == 128).all()


def test_bfloat16_ends_no_higher_than_float32_but_for_a_few_hundredths(content_picture, style_picture):
    config = dataclasses.replace(SMALL, iterations=20)
    exact = style_transfer(content_picture, style_picture, config)
    fast = style_transfer(content_picture, style_picture, dataclasses.replace(config, precision="bfloat16"))
    assert fast.config.precision == "bfloat16"
    assert fast.trace[-1].total < 1.03 * exact.trace[-1].total


@pytest.mark.parametrize("pixel_range", ["bounded", "free"])
@pytest.mark.parametrize("off_by", [-0.05, 0.05])
def test_a_loss_that_jumps_when_it_is_refined_does_not_end_the_run(off_by, pixel_range):
    """The approximation is 5 % too low or too high; no step could make up for that at once."""
    scales = np.logspace(0, 4, 192, dtype=np.float32).reshape(1, 8, 8, 3)

    def valley(factor):
        def evaluate(picture):
            total = factor * float(np.sum(scales * (picture - 128.0) ** 2))
            terms = {"total": total, "content": total, "style": 0.0, "total_variation": 0.0}
            return terms, np.float32(2 * factor) * scales * (picture - 128.0)

        return evaluate

    config = TransferConfig(
        optimizer="lbfgs", precision="bfloat16", weights="random", iterations=30, pixel_range=pixel_range
    ).resolved()
    start = np.full((8, 8, 3), 100.0, np.float32)
    result = optimize(Objective(valley(1.0 + off_by), start, valley(1.0)), config)
    refined = round(0.8 * config.iterations)
    totals = [iterate.total for iterate in result.trace]
    assert len(totals) == config.iterations + 1
    assert totals[-1] < 0.9 * totals[refined + 1]
    assert totals[refined] / (1.0 + off_by) > totals[refined + 1]  # what is recorded is the loss, without an offset
