"""Filters of mean activation one: they are Gatys' rescaled filters, measured once, and repair the scale of a file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from nstcore import InputError
from nstcore.networks import activity, dead_leaves, extractor, measuring_pictures
from nstcore.networks.extractor import feature_network
from nstcore.networks.network import Network
from nstcore.networks.weights.network import assign, read_arrays
from nstcore.networks.weights.random_weights import random_provenance


@pytest.fixture(scope="module", autouse=True)
def _few_and_kept_apart(tmp_path_factory):
    """Two pictures to measure on, and a cache of its own; what was measured on them is forgotten afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NSTCORE_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(measuring_pictures, "pictures", lambda: [drawn[:96, :80] for drawn in dead_leaves.dead_leaves(2)])
        forget()
        yield
    forget()


def forget():
    for known in (extractor._channel_means, extractor._pooling_factors, feature_network):
        known.cache_clear()


def numpy_of(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def seen(network, picture, layers):
    found = feature_network(network, layers)(picture[np.newaxis].astype(np.float32), training=False)
    return {layer: numpy_of(found[layer])[0] for layer in layers}


def rescaled(whole, means, *, last_too):
    """Gatys' own way, in depth order: W times m of what it reads, W and b over m of what it makes."""
    arrays = read_arrays(whole)
    convolutions = [layer.name for layer in whole.layers if isinstance(layer, keras.layers.Conv2D)]
    before = np.ones(3, np.float32)
    for name in convolutions:
        after = means[name] if last_too or name != convolutions[-1] else np.ones_like(means[name])
        arrays[f"{name}/kernel"] = arrays[f"{name}/kernel"] * before[:, np.newaxis] / after
        arrays[f"{name}/bias"] = arrays[f"{name}/bias"] / after
        before = after
    copy = keras.models.clone_model(whole)
    assign(copy, arrays)
    return copy


@pytest.mark.parametrize("pooling", ["max", "avg", "l2"])
def test_normalized_filters_are_rescaled_weights_and_change_no_network(pooling, blotches):
    network = Network("vgg16", "random", pooling=pooling)
    whole, _ = extractor.pretrained_network("vgg16", "random")
    biased = keras.models.clone_model(whole)
    # Random weights have no biases, which are half of the rule.
    arrays = {
        name: array + 3.0 * np.sin(np.arange(array.size, dtype=np.float32)) if name.endswith("bias") else array
        for name, array in read_arrays(whole).items()
    }
    assign(biased, arrays)
    kept = read_arrays(whole)
    assign(whole, arrays)
    try:
        forget()
        means = activity.channel_means(
            extractor.rebuilt(whole, network, {}), lambda x: extractor._prepare(x, network), network, _biased()
        )
        layers = ("block1_conv1", "block1_pool", "block3_conv2", "block4_pool", "block5_conv3")
        picture = blotches(5, 64, 80)
        before = seen(network, picture, tuple(layer.name for layer in whole.layers[1:]))
        prepared = picture[np.newaxis, ..., ::-1].astype(np.float32) - np.float32([103.939, 116.779, 123.68])
        for last_too in (True, False):
            copy = extractor.rebuilt(rescaled(biased, means, last_too=last_too), network, {})
            outputs = keras.Model(copy.input, {layer: copy.get_layer(layer).output for layer in layers})(prepared)
            for layer in layers if last_too else ("block5_conv3",):
                ours = before[layer] / means[layer] if last_too else before[layer]
                np.testing.assert_allclose(numpy_of(outputs[layer])[0], ours, rtol=1e-4, atol=1e-4 * ours.max())
    finally:
        assign(whole, kept)
        forget()


def _biased():
    return replace(random_provenance("vgg16"), sha256="of random weights with biases")


@pytest.mark.parametrize("backbone", ["vgg16", "resnet50"])
def test_losses_see_activations_over_their_means(backbone, blotches):
    layers = {"vgg16": ("block1_conv1", "block1_pool"), "resnet50": ("conv2_block1_out", "conv2_block1_3_bn")}[backbone]
    trained, normalized = (Network(backbone, "random", filters=filters) for filters in ("trained", "normalized"))
    sources = {"block1_pool": "block1_conv2"}
    for layer in layers:
        source = sources.get(layer, layer)
        relu = [np.maximum(seen(trained, one, (source,))[source], 0) for one in measuring_pictures.pictures()]
        means = np.mean([one.mean(axis=(0, 1)) for one in relu], axis=0)
        means = np.maximum(means, 0.01 * means.mean())
        picture = blotches(6, 64, 48)
        expected = seen(trained, picture, (layer,))[layer] / means
        np.testing.assert_allclose(
            seen(normalized, picture, (layer,))[layer], expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max()
        )


def test_channels_that_hardly_answer_are_not_blown_up():
    assert activity._clamped(np.float32([3.0, 0.0, 1.0])) == pytest.approx([3.0, 4 / 300, 1.0])
    assert (activity._clamped(np.zeros(3, np.float32)) == 1).all()


def test_what_was_measured_is_kept_with_where_it_is_from_and_a_broken_file_is_measured_again(monkeypatch):
    network = Network("vgg16", "random", padding="replicate")
    means = extractor._channel_means(network)
    (file,) = [path for path in Path(activity.cache.folder() / "activity").iterdir() if provenance(path) == "replicate"]
    with np.load(file) as kept:
        told = json.loads(str(kept[activity._ABOUT]))
        assert told["weights"]["source"] == "random"
        assert told["pictures"] == measuring_pictures.DESCRIPTION
        np.testing.assert_array_equal(kept["block3_conv1"], means["block3_conv1"])
    with monkeypatch.context() as patch:
        patch.setattr(measuring_pictures, "pictures", lambda: pytest.fail("measured again"))
        forget()
        np.testing.assert_array_equal(extractor._channel_means(network)["block3_conv1"], means["block3_conv1"])
    file.write_bytes(file.read_bytes()[:1000])
    forget()
    np.testing.assert_allclose(extractor._channel_means(network)["block3_conv1"], means["block3_conv1"], rtol=1e-5)
    assert provenance(file) == "replicate"


def provenance(path):
    with np.load(path) as kept:
        return json.loads(str(kept[activity._ABOUT]))["padding"]


def test_without_a_place_to_keep_it_a_line_says_so(monkeypatch, tmp_path, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NSTCORE_CACHE", str(tmp_path / "file"))
    forget()
    assert extractor._channel_means(Network("vgg16", "random"))
    assert "not kept for the next time" in caplog.text


def test_the_pictures_are_the_same_always_and_a_missing_one_is_one_line(monkeypatch):
    drawn = dead_leaves.dead_leaves(2)
    for one, again in zip(drawn, dead_leaves.dead_leaves(2), strict=True):
        assert one.shape == (224, 224, 3)
        np.testing.assert_array_equal(one, again)
    assert not np.array_equal(*drawn)
    monkeypatch.undo()
    assert len(measuring_pictures._paths()) == 8
    monkeypatch.setattr(measuring_pictures, "_PHOTOGRAPHS", ("astronaut.png", "nothing.png"))
    with pytest.raises(InputError, match=r"^[^\n]*installation here lacks nothing\.png; [^\n]*$"):
        measuring_pictures.identity()
