"""Weights files of the user's own: read in every format of Keras, and refused when they are of another network."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import time
import warnings
import zipfile

import h5py
import keras
import numpy as np
import pytest

from nstcore.errors import WeightsError
from nstcore.networks.backbones import BACKBONES, Backbone, get_backbone
from nstcore.networks.layer_names import kind_of
from nstcore.networks.weights import fetch, load_network, locate, network, user_file

#: The network that is most like a backbone's. Of a backbone that is not named here it is VGG16.
NEAREST = {"VGG16": "VGG19", "VGG19": "VGG16", "ResNet50": "ResNet101", "InceptionV3": "Xception"}
FORMATS = (".h5", ".weights.h5", ".keras")

#: Layers as (name, class, shapes of its variables by name).
HEADS = {
    "none": [],
    "dense": [("predictions", "Dense", {"kernel": (None, 1000), "bias": (1000,)})],
    "flattened": [
        ("fc1", "Dense", {"kernel": (49, 64), "bias": (64,)}),
        ("bn", "BatchNormalization", {"gamma": (64,), "beta": (64,), "moving_mean": (64,), "moving_variance": (64,)}),
        ("fc2", "Dense", {"kernel": (64, 10), "bias": (10,)}),
    ],
    "1 x 1": [("conv_preds", "Conv2D", {"kernel": (1, 1, None, 7), "bias": (7,)})],
    "two": [("color", "Dense", {"kernel": (None, 3)}), ("shape", "Dense", {"kernel": (None, 5)})],
}
NO_HEADS = {
    "3 x 3": [("deeper", "Conv2D", {"kernel": (3, 3, None, 7)})],
    "elsewhere": [("other", "Dense", {"kernel": (300, 7)})],
    "a circle": [("squeeze", "Dense", {"kernel": (300, 20)}), ("excite", "Dense", {"kernel": (20, 300)})],
    "attention": [("query", "EinsumDense", {"kernel": (None, 4, 16)})],
    "norm of other": [("norm", "LayerNormalization", {"gamma": (300,), "beta": (300,)})],
}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NSTCORE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def in_here(monkeypatch):
    """Files are looked at in this process alone.

    That one of its own tries them out first, other tests see: those of a network's own files, and of faults.
    """
    monkeypatch.setattr("nstcore.networks.weights.trial.try_out", lambda path: None)


@pytest.fixture(scope="module")
def networks():
    """Every backbone and its nearest, by their names in `keras.applications`."""
    applications = dict.fromkeys((*(backbone.application for backbone in BACKBONES.values()), *NEAREST.values()))
    return {name: Backbone(name, name, "tf", 32, (), ()).build() for name in applications}


@pytest.fixture(scope="module")
def vgg16(networks):
    random = np.random.default_rng(7)
    model = networks["VGG16"]
    shapes = network.shapes_of(model)
    network.assign(model, {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()})
    return model


@pytest.fixture(scope="module")
def files(networks, tmp_path_factory):
    """Application and suffix -> its file of that format, with a classifier. The first kernel is 0.25, all else is 0."""
    folder = tmp_path_factory.mktemp("files")

    @functools.cache
    def file(application, suffix):
        model = networks[application]
        return write(
            folder / f"{application}{suffix}", layers_of(model, HEADS["dense"]), {(first_of(model), "kernel"): 0.25}
        )

    return file


def first_of(model):
    return next(layer.name for layer in model.layers if layer.weights)


def layers_of(model, head=()):
    """Name, class and shapes of every layer, with a head that reads the last feature map."""
    channels = model.output.shape[-1]
    layers = [(layer.name, layer, {v.name: tuple(v.shape) for v in layer.weights}) for layer in model.layers]
    for name, kind, shapes in head:
        sizes = {
            v: tuple(channels if n is None else n * channels if n == 49 else n for n in s) for v, s in shapes.items()
        }
        layers.append((name, getattr(keras.layers, kind).__new__(getattr(keras.layers, kind)), sizes))
    return layers


def write(path, layers, values=None, links=()):
    """Write a file of a format, named by its suffix, as Keras lays it out, but hollow: zeros take no room.

    values: of some variables, by (layer, variable).
    """
    values = values or {}
    if path.suffix == ".keras":
        inside = path.with_name("inside.weights.h5")
        write(inside, layers, values)
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(inside, "model.weights.h5")
            archive.writestr("config.json", json.dumps({"config": {"name": "their own"}}))
        inside.unlink()
        return path
    with h5py.File(path, "w") as file:
        if not path.name.endswith(".weights.h5"):
            file.attrs["layer_names"] = [name.encode() for name, *_ in layers]
        numbers = {}
        for name, layer, shapes in layers:
            if path.name.endswith(".weights.h5"):
                kind = kind_of(layer)
                number = numbers[kind] = numbers.get(kind, -1) + 1
                group = file.create_group(f"layers/{kind}_{number}/vars" if number else f"layers/{kind}/vars")
                group.attrs["name"] = name
                names = [str(place) for place in range(len(shapes))]
            else:
                group = file.create_group(name)
                names = [f"{name}/{variable}:0" for variable in shapes]
                group.attrs["weight_names"] = [each.encode() for each in names]
            for variable, stored in zip(shapes, names, strict=True):
                array = group.create_dataset(stored, shapes[variable], "f4")
                if (name, variable) in values:
                    array[...] = values[name, variable]
    return path


def save(model, path):
    with warnings.catch_warnings():
        # Keras' own: NumPy 2 dislikes how TensorFlow's variables turn into arrays, and Keras 3 dislikes `.h5`.
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        warnings.filterwarnings("ignore", "You are saving your model", UserWarning)
        model.save_weights(path) if path.name.endswith(".weights.h5") else model.save(path)
    return path


def refusal(backbone, path, model):
    """The line that refuses a file; it is one, and short enough to read."""
    with pytest.raises(WeightsError) as caught:
        user_file.load(backbone, path, model)
    line = str(caught.value)
    assert line.startswith(f"weights file {path} does not fit {backbone}: ")
    assert "\n" not in line
    assert len(line) < 330 + len(str(path))
    return line


# what is taken -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["vgg16.weights.h5", "whole.h5", "whole.keras", "old.h5", "."])
@pytest.mark.usefixtures("in_here")
def test_what_keras_itself_wrote_reaches_the_network(tmp_path, name, vgg16):
    file = tmp_path / ("vgg16.weights.h5" if name == "." else name)
    if name == "old.h5":  # as Keras 2 did
        values = {tuple(key.split("/")): array for key, array in network.read_arrays(vgg16).items()}
        write(file, layers_of(vgg16, HEADS["flattened"]), values)
    else:
        save(vgg16, file)
    path = str(tmp_path / name)
    model, provenance = load_network("vgg16", path)
    received = network.read_arrays(model)
    for variable, array in network.read_arrays(vgg16).items():
        np.testing.assert_array_equal(received[variable], array)
    assert provenance == locate("vgg16", path) == fetch("vgg16", path)
    assert provenance.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert provenance.source == f"file {file}"


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_files_of_these_tests_are_laid_out_as_keras_lays_them_out(tmp_path, networks, suffix):
    def contents(path):
        if suffix == ".keras":
            path = io.BytesIO(zipfile.ZipFile(path).read("model.weights.h5"))
        found = {}
        with h5py.File(path) as file:
            root = file["layers"] if "layers" in file else file.get("model_weights", file)
            root.visititems(lambda name, item: found.update({name: getattr(item, "shape", None)}))
            order = list(root.attrs.get("layer_names", []))
        return order, {name.removesuffix(":0"): shape for name, shape in found.items() if shape}

    model = networks["VGG19"]
    ours = contents(write(tmp_path / f"ours{suffix}", layers_of(model)))
    assert ours == contents(save(model, tmp_path / f"theirs{suffix}"))


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_backbone_takes_its_own_file_in_every_format(files, networks, backbone, suffix):
    model = networks[get_backbone(backbone).application]
    arrays = user_file.load(backbone, files(get_backbone(backbone).application, suffix), model)
    assert {name: array.shape for name, array in arrays.items()} == network.shapes_of(model)
    for name, array in arrays.items():
        assert (array == (0.25 if name == f"{first_of(model)}/kernel" else 0)).all()


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.usefixtures("in_here")
def test_a_file_may_hold_any_classifier_or_none(tmp_path, vgg16, suffix, head):
    path = write(tmp_path / f"own{suffix}", layers_of(vgg16, HEADS[head]), {("block5_conv3", "bias"): 0.5})
    arrays = user_file.load("vgg16", path, vgg16)
    assert [name for name, array in arrays.items() if array.any()] == ["block5_conv3/bias"]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.usefixtures("in_here")
def test_numbers_in_automatic_names_do_not_matter(tmp_path, networks, suffix):
    """Of InceptionV3 all convolutions are numbered, by what else the process had built."""
    model = networks["InceptionV3"]
    values, layers = {}, []
    for name, layer, shapes in layers_of(model):
        kind, _, number = name.rpartition("_")
        automatic = kind_of(layer) in (name, kind)
        other = f"{kind_of(layer)}_{int(number) + 94 if number.isdecimal() and kind else 94}" if automatic else name
        if kind_of(layer) == "conv2d":
            values[other, "kernel"] = int(number) if kind else 0
        layers.append((other, layer, shapes))
    arrays = user_file.load("inceptionv3", write(tmp_path / f"later{suffix}", layers, values), model)
    for name in (name for name, *_ in layers_of(model) if name.startswith("conv2d")):
        assert (arrays[f"{name}/kernel"] == int(name.partition("_")[2] or 0)).all()


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.usefixtures("in_here")
def test_names_go_before_the_order(tmp_path, networks, suffix):
    """Two kernels of ResNet50's first block have one shape: in another order they would be exchanged."""
    model = networks["ResNet50"]
    layers = layers_of(model)
    names = [name for name, *_ in layers]
    one, other = names.index("conv2_block1_0_conv"), names.index("conv2_block1_3_conv")
    layers[one], layers[other] = layers[other], layers[one]
    path = write(tmp_path / f"other{suffix}", layers, {("conv2_block1_0_conv", "kernel"): 0.5})
    arrays = user_file.load("resnet50", path, model)
    assert (arrays["conv2_block1_0_conv/kernel"] == 0.5).all()
    assert (arrays["conv2_block1_3_conv/kernel"] == 0).all()

    renamed = [("renamed", *each[1:]) if each[0] == "conv5_block3_3_bn" else each for each in layers]
    line = refusal("resnet50", write(tmp_path / f"renamed{suffix}", renamed), model)
    assert "it has the size of ResNet50, but it has conv2_block1_3_conv where conv2_block1_0_conv belongs" in line


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.usefixtures("in_here")
def test_layers_of_other_names_are_paired_in_their_order(tmp_path, vgg16, suffix):
    layers = [(f"mine_{number}", *rest) for number, (_, *rest) in enumerate(layers_of(vgg16, HEADS["dense"]))]
    last = [name for name, _, shapes in layers if shapes][-2]
    arrays = user_file.load("vgg16", write(tmp_path / f"mine{suffix}", layers, {(last, "kernel"): 2.0}), vgg16)
    assert [name for name, array in arrays.items() if array.any()] == ["block5_conv3/kernel"]


def test_the_state_of_a_random_generator_is_no_layer(tmp_path, vgg16):
    path = write(tmp_path / "own.weights.h5", layers_of(vgg16, HEADS["dense"]))
    with h5py.File(path, "r+") as file:
        file["layers/dropout/seed_generator/vars/0"] = np.zeros(2, np.uint32)
    assert len(user_file.load("vgg16", path, vgg16)) == 26


def test_bfloat16_is_read(tmp_path, vgg16):
    """Keras keeps it as two bytes that HDF5 knows no type for."""
    path = write(tmp_path / "own.weights.h5", layers_of(vgg16))
    with h5py.File(path, "r+") as file:
        group = file["layers/conv2d/vars"]
        values = np.array([1.5, -2.0] * 32, np.float32)
        del group["1"]
        halves = (values.view(np.uint32) >> 16).astype(np.uint16)
        group.create_dataset("1", data=halves.view("V2")).attrs["dtype"] = "bfloat16"
    np.testing.assert_array_equal(user_file.load("vgg16", path, vgg16)["block1_conv1/bias"], values)


# what is refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.usefixtures("in_here")
def test_a_file_of_another_network_is_refused_by_what_it_seems_to_be(files, networks, backbone, suffix):
    expected = get_backbone(backbone).application
    # Classic files say least of what they are for, so there every other network is tried.
    others = set(networks) - {expected} if suffix == ".h5" else {NEAREST.get(expected, "VGG16")}
    for name in others:
        line = refusal(backbone, files(name, suffix), networks[expected])
        layers = sum(bool(layer.weights) for layer in networks[name].layers) + len(HEADS["dense"])
        assert f"it seems to be {name} ({layers} layers with weights), expected {expected} (" in line
        assert f"name a file of {expected}" in line
        known = [key for key, each in BACKBONES.items() if each.application == name]
        assert [f"or take the backbone {key}" in line for key in known] == [True] * len(known)
        assert ("or take the backbone" in line) == bool(known)


@pytest.mark.parametrize("head", NO_HEADS)
@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.usefixtures("in_here")
def test_what_is_left_over_and_is_no_classifier_is_named(tmp_path, vgg16, suffix, head):
    line = refusal("vgg16", write(tmp_path / f"more{suffix}", layers_of(vgg16, NO_HEADS[head])), vgg16)
    assert f"it has {NO_HEADS[head][0][0]} besides, which is part of no classifier" in line


def test_a_classifier_comes_last(tmp_path, vgg16):
    """Dense layers between convolutions weigh channels; such a network is another one."""
    head = layers_of(vgg16, HEADS["dense"])
    path = write(tmp_path / "squeeze.h5", [*head[:-3], head[-1], *head[-3:-1]])
    assert "it has predictions besides, which is part of no classifier" in refusal("vgg16", path, vgg16)


def test_a_network_of_a_persons_own_is_told_by_its_name(tmp_path, vgg16):
    path = write(tmp_path / "own.keras", layers_of(vgg16)[:5])
    line = refusal("vgg16", path, vgg16)
    assert 'it seems to be a network named "their own" (3 layers with weights), expected VGG16 (13)' in line
    assert "it has nothing for block2_conv2" in line


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("shape", [(10**6, 10**6, 10, 10), (3, 3, 64, 3), (3, 3, 3), ()])
@pytest.mark.usefixtures("in_here")
def test_a_shape_is_compared_before_anything_is_read(tmp_path, vgg16, suffix, shape):
    layers = layers_of(vgg16)
    name, layer, shapes = layers[1]
    layers[1] = (name, layer, {**shapes, "kernel": shape})
    path = write(tmp_path / f"absurd{suffix}", layers)
    start = time.monotonic()
    size = " × ".join(map(str, shape)) or "a single number"
    assert f"its block1_conv1/kernel is {size}, not 3 × 3 × 3 × 64" in refusal("vgg16", path, vgg16)
    assert time.monotonic() - start < 5


def test_values_that_are_no_numbers_are_refused(tmp_path, vgg16):
    path = write(tmp_path / "own.h5", layers_of(vgg16), {("block3_conv2", "bias"): np.nan})
    assert "it has the size of VGG16, but block3_conv2/bias holds values that are not" in refusal("vgg16", path, vgg16)
    with h5py.File(path, "r+") as file:
        del file["block3_conv2/block3_conv2/bias:0"]
        file["block3_conv2/block3_conv2/bias:0"] = [b"text"] * 256
    assert "bias:0 holds object, no numbers" in refusal("vgg16", path, vgg16)


def text(path, layers):
    path.write_text("no weights")


def empty(path, layers):
    h5py.File(path, "w").close()


def something_else(path, layers):
    with h5py.File(path, "w") as file:
        file["measurements/today"] = np.zeros(3)


def cut_short(path, layers):
    write(path, layers, {("block1_conv1", "bias"): 1.0})
    path.write_bytes(path.read_bytes()[:-100])


def other_zip(path, layers):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme", "nothing")


def compressed_zip(path, layers):
    write(path, layers)
    content = zipfile.ZipFile(path).read("model.weights.h5")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", content)


def lists_what_is_not_there(path, layers):
    write(path, layers)
    with h5py.File(path, "r+") as file:
        del file["block4_conv1"]


def link(path, layers):
    write(path, layers)
    with h5py.File(path, "r+") as file:
        del file["block4_conv1"]
        file["block4_conv1"] = h5py.ExternalLink("/etc/passwd", "/")


def loop(path, layers):
    write(path, layers)
    with h5py.File(path, "r+") as file:
        file["layers/again"] = h5py.SoftLink("/layers")


def array_elsewhere(path, layers):
    write(path, layers)
    with h5py.File(path, "r+") as file:
        file["layers/stray"] = np.zeros(3)


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        ("text.h5", text, "no weights file of Keras"),
        ("text.weights.h5", text, "no weights file of Keras"),
        ("text.keras", text, "no weights file of Keras"),
        ("empty.h5", empty, "no layers as Keras keeps them; its parts: none"),
        ("other.weights.h5", something_else, "no layers as Keras keeps them; its parts: measurements"),
        ("short.h5", cut_short, "damaged or cut short"),
        ("short.weights.h5", cut_short, "damaged or cut short"),
        ("short.keras", cut_short, "no weights file of Keras"),
        ("other.keras", other_zip, r"a zip file without model\.weights\.h5"),
        ("compressed.keras", compressed_zip, "compressed, which Keras never does"),
        ("lists.h5", lists_what_is_not_there, "lists block4_conv1, which is not in it"),
        ("link.h5", link, "block4_conv1 in it is a link"),
        ("loop.weights.h5", loop, "again in it is a link"),
        ("stray.weights.h5", array_elsewhere, "/layers/stray is an array where a layer belongs"),
    ],
)
def test_what_is_no_weights_file_is_refused_by_its_fault(tmp_path, vgg16, name, make, reason):
    make(tmp_path / name, layers_of(vgg16))
    with pytest.raises(WeightsError, match=reason):
        fetch("vgg16", str(tmp_path / name))
    refusal("vgg16", tmp_path / name, vgg16)
