"""What stands in the place of zero padding and of max pooling: by hand, in every backbone, on every backend."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest

from nstcore import BACKBONES, ConfigError, TransferConfig, style_transfer
from nstcore.networks import dead_leaves, extractor, measuring_pictures
from nstcore.networks.backbones import Backbone
from nstcore.networks.extractor import feature_network
from nstcore.networks.network import Network
from nstcore.networks.padding import EdgePadding2D, same_amounts
from nstcore.networks.pooling import L2Pooling2D, RescaledAveragePooling2D
from nstcore.networks.weights.network import read_arrays
from nstcore.recipe import resolve
from nstcore.targets import compute_targets


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    """What is measured of random weights is kept here; and a backbone whose strides and kernels the four lack."""
    monkeypatch.setenv("NSTCORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(BACKBONES, "small", Backbone("small", "MobileNet", "tf", 32, ("conv1",), ("conv1",)))
    extractor._pooling_factors.cache_clear()


def by_hand(name, picture):
    """What each layer of the probe gives, (B, H, W, N)."""
    reflect = {"mode": "reflect"}
    return {
        "reflect": lambda: np.pad(picture, ((0, 0), (3, 2), (0, 1), (0, 0)), **reflect),
        "replicate": lambda: np.pad(picture, ((0, 0), (3, 2), (0, 1), (0, 0)), mode="edge"),
        # 3 rows at every second of 6 reach one row beyond the end; 5 columns at each reach two beyond both.
        "same": lambda: np.pad(picture, ((0, 0), (0, 1), (2, 2), (0, 0)), **reflect),
        "dilated": lambda: np.pad(picture, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="edge"),
        "l2": lambda: np.sqrt(np.square(picture.reshape(2, 3, 2, 4, 2, 3)).mean(axis=(2, 4))),
        "avg-rescaled": lambda: 1.75 * picture.reshape(2, 3, 2, 4, 2, 3).mean(axis=(2, 4)),
    }[name]()


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
@pytest.mark.parametrize("name", ["reflect", "replicate", "same", "dilated", "l2", "avg-rescaled"])
def test_a_layer_gives_what_it_should_and_the_right_gradient(ask, backend, name):
    found = ask("networks", backend)
    picture, weights = found["picture"].astype(np.float64), found[f"{name}/weights"].astype(np.float64)
    np.testing.assert_allclose(found[f"{name}/given"], by_hand(name, picture), rtol=1e-5, atol=1e-6)

    def loss(x):
        return (weights * by_hand(name, x)).sum()

    gradient = found[f"{name}/gradient"]
    assert np.isfinite(gradient).all()
    for place in ((0, 0, 0, 0), (0, 1, 2, 1), (1, 5, 7, 2), (1, 4, 6, 0)):
        step = np.zeros_like(picture)
        step[place] = 1e-5
        assert gradient[place] == pytest.approx((loss(picture + step) - loss(picture - step)) / 2e-5, rel=1e-4)
    if name == "l2":
        assert (gradient[:, 2:4, 2:4] == 0).all()


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_backends_agree_on_a_loss_with_all_of_it(ask, backend):
    expected, found = (
        {name: value for name, value in ask("networks", one).items() if name.startswith("terms/")}
        for one in ("tensorflow", backend)
    )
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=2e-3, atol=2e-3 * np.abs(value).max(), err_msg=name)
    assert np.abs(found["terms/gradient"]).max() > 0


@pytest.mark.parametrize("side", [5, 6, 7, 13])
@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 1, 1), (3, 2, 1), (4, 1, 1), (7, 2, 1), (3, 1, 3)])
def test_the_amounts_are_those_of_keras(side, kernel, stride, dilation):
    """With a kernel of ones, zeros count for nothing: what is padded by hand gives what Keras pads by itself."""
    values = np.random.default_rng(side).normal(size=(1, side, 1, 1)).astype(np.float32)
    sums = {
        padding: keras.layers.Conv2D(
            1,
            (kernel, 1),
            strides=(stride, 1),
            dilation_rate=(dilation, 1),
            padding=padding,
            kernel_initializer="ones",
        )
        for padding in ("same", "valid")
    }
    padded = np.pad(values, ((0, 0), same_amounts(side, kernel, stride, dilation), (0, 0), (0, 0)))
    ours, theirs = (keras.ops.convert_to_numpy(one) for one in (sums["valid"](padded), sums["same"](values)))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def every_layer(backbone):
    whole, _ = extractor.pretrained_network(backbone, "random")
    return tuple(layer.name for layer in whole.layers[1:] if len(layer.output.shape) == 4)


def seen(network, picture, layers):
    features = feature_network(network, layers)(picture[np.newaxis].astype(np.float32), training=False)
    return {name: np.asarray(keras.ops.convert_to_numpy(feature))[0] for name, feature in features.items()}


@pytest.mark.parametrize("padding", ["zeros", "reflect", "replicate"])
@pytest.mark.parametrize("backbone", ["vgg16", "resnet50", "inceptionv3", "small"])
def test_a_picture_of_one_color_has_a_frame_with_zeros_alone(backbone, padding):
    """Nothing but padding could tell its border from its middle, in no layer of any network."""
    picture = np.full((103, 110, 3), (200, 90, 30), np.uint8)
    layers = every_layer(backbone)
    if backbone == "inceptionv3":  # the last, of a few pixels, are too small to be mirrored
        layers = layers[: layers.index("mixed7")]
    found = seen(Network(backbone, "random", padding=padding), picture, layers)
    spreads = [np.ptp(feature, axis=(0, 1)).max() / np.abs(feature).max() for feature in found.values()]
    assert (max(spreads) < 1e-4) == (padding != "zeros")


@pytest.mark.parametrize("padding", ["reflect", "replicate"])
@pytest.mark.parametrize("backbone", ["vgg16", "resnet50", "inceptionv3", "small"])
def test_sizes_stay_and_so_does_the_middle(backbone, padding, blotches):
    picture = blotches(3, 150, 131)
    layers = {
        "vgg16": ("block1_conv2", "block2_conv1"),
        "resnet50": ("conv1_relu", "conv2_block1_1_relu"),
        "inceptionv3": ("activation_2", "activation_4"),
        "small": ("conv_pw_1_relu", "conv_pw_3_relu"),
    }[backbone]
    zeros, other = (seen(Network(backbone, "random", padding=each), picture, layers) for each in ("zeros", padding))
    for layer in layers:
        assert zeros[layer].shape == other[layer].shape
        height, width, _ = zeros[layer].shape
        middle = np.s_[height // 3 : -height // 3, width // 3 : -width // 3]
        np.testing.assert_allclose(other[layer][middle], zeros[layer][middle], rtol=1e-4, atol=1e-5)
        assert np.abs(other[layer] - zeros[layer]).max() > 0.01 * zeros[layer].max()


def test_a_layer_that_is_too_small_to_be_mirrored_is_one_line(blotches):
    picture = blotches(1, 80, 80)
    config = TransferConfig(
        "inceptionv3", weights="random", size=80, style_layers=("mixed9",), padding="reflect", coarse_sizes=()
    )
    needs = r"^padding='reflect' needs more pixels: \w+ mirrors \d of a layer that has \d there; [^\n]*$"
    with pytest.raises(ConfigError, match=needs):
        style_transfer(picture, picture, config)
    with pytest.raises(ConfigError, match=needs):
        compute_targets(picture, "style", resolve(config))
    assert compute_targets(picture, "style", resolve(dataclasses.replace(config, padding="replicate"))).kept


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    ("pooling", "padding"), [("l2", "replicate"), ("avg-rescaled", "zeros"), ("avg", "reflect"), ("max", "replicate")]
)
def test_a_network_is_rebuilt_as_asked_and_keeps_its_weights(pooling, padding, precision):
    network = Network("resnet50", "random", pooling=pooling, padding=padding, precision=precision)
    model = next(layer for layer in feature_network(network, ("conv2_block1_out",)).layers if hasattr(layer, "layers"))
    pools = [layer for layer in model.layers if isinstance(layer, keras.layers.AveragePooling2D)]
    maxima = [layer for layer in model.layers if isinstance(layer, keras.layers.MaxPooling2D)]
    assert (len(pools), len(maxima)) == ((0, 1) if pooling == "max" else (1, 0))
    kinds = {"l2": L2Pooling2D, "avg-rescaled": RescaledAveragePooling2D, "avg": keras.layers.AveragePooling2D}
    assert all(type(layer) is kinds[pooling] for layer in pools)
    edges = [layer for layer in model.layers if isinstance(layer, EdgePadding2D)]
    assert bool(edges) == (padding != "zeros")
    assert any(isinstance(layer, keras.layers.ZeroPadding2D) for layer in model.layers) == (padding == "zeros")
    original = read_arrays(extractor.pretrained_network("resnet50", "random")[0])
    for name, array in read_arrays(model).items():
        np.testing.assert_array_equal(array, original[name])


def test_rescaled_averages_have_the_mean_of_maxima_and_are_measured_once(monkeypatch):
    network = Network("vgg16", "random", pooling="avg-rescaled")
    factors = extractor._pooling_factors(network)
    assert list(factors) == [f"block{block}_pool" for block in range(1, 6)]
    maxima, means = [], []
    for picture in measuring_pictures.pictures():
        before = seen(Network("vgg16", "random"), picture, ("block2_conv2",))["block2_conv2"]
        blocks = before.reshape(before.shape[0] // 2, 2, before.shape[1] // 2, 2, -1)
        maxima.append(blocks.max(axis=(1, 3)).mean(dtype=np.float64))
        means.append(blocks.mean(dtype=np.float64))
    assert factors["block2_pool"] == pytest.approx(np.mean(maxima) / np.mean(means), rel=1e-4)
    monkeypatch.setattr(measuring_pictures, "pictures", lambda: pytest.fail("measured again"))
    extractor._pooling_factors.cache_clear()
    assert extractor._pooling_factors(network) == pytest.approx(factors)


def test_windows_of_one_position_stay(monkeypatch):
    """ResNet50V2 leaves out rows by a pooling of one position, whose values have signs."""
    monkeypatch.setitem(BACKBONES, "v2", Backbone("v2", "ResNet50V2", "tf", 32, ("conv1_conv",), ("conv1_conv",)))
    model = feature_network(Network("v2", "random", pooling="l2"), ("conv2_block3_out",)).layers[-1]
    kept = [layer for layer in model.layers if isinstance(layer, keras.layers.MaxPooling2D)]
    assert [type(layer) for layer in kept] == [keras.layers.MaxPooling2D]
    assert kept[0].pool_size == (1, 1)


@pytest.mark.parametrize(
    ("backbone", "settings"),
    [
        ("vgg16", {"pooling": "l2"}),
        ("resnet50", {"pooling": "avg-rescaled", "filters": "normalized"}),
        ("resnet50", {"padding": "reflect", "precision": "bfloat16"}),
        ("inceptionv3", {"padding": "replicate", "pooling": "l2"}),
    ],
    ids=str,
)
def test_losses_fall_with_every_setting(blotches, monkeypatch, backbone, settings):
    # Factors are measured on all of the pictures above; here a piece of one will do.
    monkeypatch.setattr(measuring_pictures, "pictures", lambda: [dead_leaves.dead_leaves(1)[0][:96, :96]])
    config = TransferConfig(backbone, weights="random", size=80, iterations=3, coarse_sizes=(), **settings)
    losses = [iterate.total for iterate in style_transfer(blotches(1, 80, 76), blotches(2, 80, 80), config).trace]
    assert len(losses) == 4
    assert losses[-1] < losses[0]
