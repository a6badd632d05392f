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
from nstcore.networks.backbones import BACKBONES
from nstcore.networks.extractor import feature_network, pretrained_network
from nstcore.networks.network import Network
from nstcore.objective import Objective
from nstcore.optimizers.protocol import divergence
from nstcore.pictures.resizing import resize

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


def test_the_network_is_cut_at_the_last_layer_needed():
    extractor = feature_network(Network("vgg16", "random"), ("block2_conv1", "block1_conv1"))
    names = {layer.name for part in extractor.layers for layer in getattr(part, "layers", [])}
    assert "block2_conv1" in names
    assert not any(name.startswith(("block2_conv2", "block3")) for name in names)


def test_average_pooling_replaces_every_pooling_layer_and_keeps_the_weights(content_picture):
    extractor = feature_network(Network("vgg16", "random", pooling="avg"), ("block5_conv1",))
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
def test_a_term_that_is_not_finite_is_named(term, value):
    terms = dict.fromkeys(("total", "content", "style", "total_variation"), 1.0)
    assert divergence(terms, True, 1) is None
    error = divergence({**terms, term: value}, True, 2)
    assert str(error).startswith(f"the {term} loss became {value} at evaluation 2; lower the weights")


def test_the_term_that_spoils_the_total_is_named_before_it():
    terms = {"total": np.nan, "content": 1.0, "style": np.nan, "total_variation": 1.0}
    assert "the style loss" in str(divergence(terms, True, 1))


def test_a_gradient_that_is_not_finite_is_told():
    assert "gradient has a NaN" in str(divergence({"total": 1.0}, False, 1))


def test_the_objective_stops_at_what_is_not_finite(valley):
    objective = Objective(valley(np.ones((1, 4, 4, 3)), 128.0, [np.nan]), np.zeros((4, 4, 3), np.float32))
    with pytest.raises(DivergenceError, match=r"loss became nan at evaluation 1"):
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


def test_bfloat16_ends_no_higher_than_float32_but_for_a_few_hundredths(content_picture, style_picture):
    config = dataclasses.replace(SMALL, iterations=20)
    exact = style_transfer(content_picture, style_picture, config)
    fast = style_transfer(content_picture, style_picture, dataclasses.replace(config, precision="bfloat16"))
    assert fast.config.precision == "bfloat16"
    assert fast.trace[-1].total < 1.03 * exact.trace[-1].total
