"""The registry of backbones against the networks that Keras builds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from nstcore import ConfigError
from nstcore.networks.backbones import BACKBONES, FURTHER, Backbone, get_backbone

ROOT = Path(__file__).parents[3]
EVERY_BACKBONE = pytest.mark.parametrize("backbone", BACKBONES.values(), ids=BACKBONES)

# One process per network would import Keras four times; the counters of Keras' names are emptied in between, which is
# what a new process starts with.
_KERAS_OWN_NAMES = """
import json, sys, keras
names = {}
for application in sys.argv[1:]:
    keras.utils.clear_session()
    network = getattr(keras.applications, application)(include_top=False, weights=None, input_shape=(None, None, 3))
    names[application] = [layer.name for layer in network.layers]
print(json.dumps(names))
"""


@pytest.fixture(scope="module")
def fresh_names():
    """Layer names by application, as Keras itself gives them in a process that has built nothing before."""
    finished = subprocess.run(
        [sys.executable, "-c", _KERAS_OWN_NAMES, *(backbone.application for backbone in BACKBONES.values())],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
    )
    return json.loads(finished.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def networks():
    """Each backbone built twice, after a layer of every kind that Keras numbers."""
    picture = keras.Input((None, None, 3))
    keras.layers.Concatenate()([keras.layers.Activation("relu")(keras.layers.Conv2D(3, 1)(picture)), picture])
    keras.layers.MaxPooling2D(2)(keras.layers.AveragePooling2D(2)(keras.layers.BatchNormalization()(picture)))
    return {name: [backbone.build(), backbone.build()] for name, backbone in BACKBONES.items()}


@EVERY_BACKBONE
def test_layer_names_are_those_of_a_fresh_process(networks, fresh_names, backbone):
    for network in networks[backbone.name]:
        assert [layer.name for layer in network.layers] == fresh_names[backbone.application]


@EVERY_BACKBONE
def test_default_layers_exist_and_style_layers_go_deeper_and_deeper(networks, backbone):
    names = [layer.name for layer in networks[backbone.name][0].layers]
    assert set(backbone.content_layers) <= set(names)
    positions = [names.index(layer) for layer in backbone.style_layers]
    assert positions == sorted(positions)
    assert len(set(positions)) == len(positions) >= 5


def has_every_output(network, side):
    outputs = keras.Model(network.input, [layer.output for layer in network.layers[1:]])
    try:
        shapes = outputs.compute_output_shape((1, side, side, 3))
    except ValueError:  # Keras: "Computed output size would be zero or negative"
        return False
    return all(size > 0 for shape in shapes for size in shape)


@EVERY_BACKBONE
def test_keras_accepts_the_smallest_side_and_nothing_smaller(backbone):
    builder = getattr(keras.applications, backbone.application)
    side = backbone.smallest_side
    assert min(builder(include_top=False, weights=None, input_shape=(side, side, 3)).output.shape[1:3]) > 0
    for shape in ((side - 1, side, 3), (side, side - 1, 3)):
        with pytest.raises(ValueError, match=f"Input size must be at least {side}x{side}"):
            builder(include_top=False, weights=None, input_shape=shape)


@EVERY_BACKBONE
def test_at_the_smallest_side_every_layer_has_an_output(networks, backbone):
    assert has_every_output(networks[backbone.name][0], backbone.smallest_side)


# ResNet50 pads before each stride and would go on; its limit is Keras' rule alone.
@pytest.mark.parametrize("name", ["vgg16", "vgg19", "inceptionv3"])
def test_below_the_smallest_side_a_layer_has_none(networks, name):
    assert not has_every_output(networks[name][0], BACKBONES[name].smallest_side - 1)


@EVERY_BACKBONE
def test_a_network_has_no_classifier_and_takes_any_size(networks, backbone):
    network = networks[backbone.name][0]
    assert network.input.shape == (None, None, None, 3)
    assert len(network.output.shape) == 4
    assert not any(isinstance(layer, keras.layers.Dense) for layer in network.layers)


@EVERY_BACKBONE
def test_preprocessing_is_that_of_the_application(backbone):
    from nstcore.networks.extractor import preprocess

    module = sys.modules[getattr(keras.applications, backbone.application).__module__]
    colors = np.array([[[[255.0, 128.0, 0.0], [3.0, 77.0, 201.0]]]], np.float32)
    picture = keras.Input((None, None, 3))
    ours = keras.Model(picture, preprocess(picture, backbone.preprocessing))(colors)
    keras_own = module.preprocess_input(colors.copy())
    assert keras.ops.convert_to_numpy(ours).ravel() == pytest.approx(keras_own.ravel(), abs=1e-4)


@pytest.mark.parametrize("mode", ["pytorch", "TF", "", None])
def test_an_unknown_way_of_preprocessing_is_refused(mode):
    with pytest.raises(ConfigError) as caught:
        Backbone("new", "MobileNet", mode, 32, (), ())
    assert str(caught.value) == (
        "unknown preprocessing of the backbone new; expected one of caffe, tf, torch, none. "
        f"Received: preprocessing={mode!r}"
    )


@pytest.mark.parametrize("name", ["alexnet", "VGG19", "", None, ["vgg19"], {}])
def test_an_unknown_backbone_lists_the_known_ones(name):
    with pytest.raises(ConfigError) as caught:
        get_backbone(name)
    assert str(caught.value).endswith(f"{', '.join((*BACKBONES, *FURTHER))}. Received: backbone={name!r}")


def test_backbones_are_found_by_their_own_name():
    assert set(BACKBONES) >= {"vgg16", "vgg19", "resnet50", "inceptionv3"}
    for name, backbone in BACKBONES.items():
        assert backbone.name == name
        assert get_backbone(name) is backbone


def test_building_a_network_draws_no_kernels_and_leaves_keras_initializers_as_they_were():
    kernels = [weight for weight in BACKBONES["vgg16"].build().weights if weight.name == "kernel"]
    assert kernels
    assert not any(np.any(np.asarray(kernel)) for kernel in kernels)
    assert np.any(keras.ops.convert_to_numpy(keras.layers.Dense(3)(np.ones((1, 4)))))
