"""What `docs/extending.md` promises: one entry makes a network of `keras.applications` a backbone."""

from __future__ import annotations

import warnings

import keras
import numpy as np
import pytest

from nstcore import ConfigError, TransferConfig, cli, style_transfer
from nstcore.networks.backbones import BACKBONES, Backbone
from nstcore.networks.weights import fetch, keras_host, load_network, locate, network
from nstcore.networks.weights.random_weights import random_arrays
from nstcore.pictures.images import read_picture, write_picture


@pytest.fixture(autouse=True)
def _registered(tmp_path, monkeypatch):
    """Entries as a program of a person's own would make them, each with something that the four backbones lack."""
    monkeypatch.setenv("NSTCORE_CACHE", str(tmp_path / "cache"))
    for backbone in (
        # Kernels that see one channel each.
        Backbone("mobilenet", "MobileNet", "tf", 32, ("conv_pw_3_relu",), ("conv1_relu", "conv_pw_2_relu")),
        # Preprocessing in its first layers, and sums that are no layers.
        Backbone("small", "MobileNetV3Small", "none", 32, ("activation_3",), ("activation", "activation_2")),
        # A normalisation that keeps more than its variables, one of which is a whole number.
        Backbone("efficient", "EfficientNetB0", "none", 32, ("block2b_add",), ("block1a_activation",)),
        # Networks inside the network, and variables without names.
        Backbone("convnext", "ConvNeXtTiny", "none", 32, (), ()),
        Backbone("misspelt", "MobilNet", "tf", 32, ("conv1",), ("conv1",)),
    ):
        monkeypatch.setitem(BACKBONES, backbone.name, backbone)


def test_the_command_takes_it(tmp_path, content_picture, style_picture, capsys):
    content, style, out = (str(tmp_path / name) for name in ("content.png", "style.png", "out.png"))
    write_picture(content, content_picture)
    write_picture(style, style_picture)
    settings = ("--backbone", "mobilenet", "--weights", "random", "--size", "64", "--iterations", "3", "--quiet")
    assert cli.main((content, style, "-o", out, *settings)) == 0
    assert "random weights" in capsys.readouterr().out
    assert not np.array_equal(read_picture(out), content_picture)


@pytest.mark.parametrize(
    ("backbone", "settings"), [("small", {"precision": "bfloat16"}), ("efficient", {"pooling": "avg"})]
)
def test_it_stylizes_also_with_other_pooling_and_precision(content_picture, style_picture, backbone, settings):
    config = TransferConfig(backbone=backbone, weights="random", size=64, iterations=3, **settings)
    losses = [iterate.total for iterate in style_transfer(content_picture, style_picture, config).trace]
    assert (np.diff(losses) < 0).all()
    assert len(losses) == 4


def test_its_weights_are_found_through_keras(tmp_path, monkeypatch):
    """In Keras' own cache, where this file has the name under which Keras publishes it."""
    arrays = random_arrays(network.shapes_of(BACKBONES["mobilenet"].build()))
    published = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(None, None, 3))
    network.assign(published, {name: array + np.float32(0.125) for name, array in arrays.items()})
    (tmp_path / "models").mkdir()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        warnings.filterwarnings("ignore", "You are saving your model", UserWarning)
        published.save(tmp_path / "models" / "mobilenet_1_0_224_tf_no_top.h5")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    provenance = fetch("mobilenet")
    assert (provenance.source, provenance.version) == (keras_host.SOURCE, keras.__version__)
    model, origin = load_network("mobilenet")
    assert origin == provenance == locate("mobilenet")
    for name, array in network.read_arrays(model).items():
        np.testing.assert_array_equal(array, arrays[name] + np.float32(0.125))


@pytest.mark.parametrize("verb", [fetch, load_network])
def test_a_network_that_keras_does_not_have_is_one_line(verb):
    with pytest.raises(ConfigError, match=r"no such network\. Received: keras\.applications\.MobilNet$"):
        verb("misspelt", "imagenet")


def test_variables_have_the_same_names_in_every_process():
    """Their names key the weights in the cache, so they must not depend on what else a process has built."""
    first, second = (network.shapes_of(BACKBONES["convnext"].build()) for _ in range(2))
    assert list(first) == list(second)
    model = BACKBONES["convnext"].build()
    assert len(first) == len(model.weights)
    assert "convnext_tiny_stage_0_block_0_layer_scale/variable" in first


def test_what_a_layer_computes_from_its_variables_follows_them():
    model = BACKBONES["efficient"].build()
    arrays = random_arrays(network.shapes_of(model))
    arrays["normalization/mean"] = np.array([0.25, 0.5, 0.75], np.float32)
    arrays["normalization/variance"] = np.array([4, 16, 64], np.float32)
    network.assign(model, arrays)
    normalized = keras.ops.convert_to_numpy(model.get_layer("normalization")(np.ones((1, 1, 1, 3), np.float32)))
    np.testing.assert_allclose(normalized.ravel(), [0.75 / 2, 0.5 / 4, 0.25 / 8], rtol=1e-6)


def test_random_kernels_of_single_channels_keep_the_size_of_what_they_see():
    arrays = random_arrays(
        {"a/kernel": (3, 3, 512, 1), "b/depthwise_kernel": (3, 3, 512, 2), "c/kernel": (3, 3, 512, 8)}
    )
    deviations = [array.std() for array in arrays.values()]
    assert deviations == pytest.approx([np.sqrt(2 / 9), np.sqrt(2 / 9), np.sqrt(2 / 9 / 512)], rel=0.05)
