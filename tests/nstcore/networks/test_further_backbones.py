"""Every other network of `keras.applications`: its entry is what Keras builds, and a picture is made through it."""

from __future__ import annotations

import math
import sys

import keras
import numpy as np
import pytest

from nstcore import BACKBONES, ConfigError, TransferConfig, WeightsError, style_transfer
from nstcore.networks.backbones import FURTHER, get_backbone
from nstcore.networks.extractor import preprocess
from nstcore.networks.layer_list import list_layers
from nstcore.networks.weights import fetch

# One of each family; all 34 were compared with the rule when they were written down.
FAMILIES = ("mobilenetv2", "mobilenetv3small", "densenet121", "efficientnetb0", "efficientnetv2b0", "resnet50v2")
CHOSEN = ("inceptionresnetv2", "mobilenet", "xception")


def by_rule(backbone):
    """The last activation at 1/1, 1/2, 1/4 and 1/8 of a side of 512, the first at 1/16."""
    network = get_backbone(backbone).build()
    outputs = keras.Model(network.input, [layer.output for layer in network.layers])
    stages = {}
    for layer, shape in zip(network.layers, outputs.compute_output_shape((1, 512, 512, 3)), strict=True):
        function = getattr(layer, "activation", None)
        is_activation = isinstance(layer, keras.layers.ReLU) or function not in (None, keras.activations.linear)
        if len(shape) == 4 and shape[1] > 1 and is_activation:
            stages.setdefault(round(math.log2(512 / shape[1])), []).append(layer.name)
    return (*(stages[stage][-1] for stage in range(4) if stage in stages), stages[4][0])


@pytest.mark.parametrize("backbone", [*FAMILIES, "convnexttiny"])
def test_default_layers_are_those_of_the_rule(backbone):
    entry, layers = get_backbone(backbone), by_rule(backbone)
    assert entry.style_layers == layers
    assert entry.content_layers == layers[-1:]


@pytest.mark.parametrize("backbone", CHOSEN)
def test_chosen_layers_exist_and_go_deeper_and_deeper(backbone):
    entry, names = get_backbone(backbone), [layer.name for layer in list_layers(backbone)]
    places = [names.index(layer) for layer in (*entry.style_layers,)]
    assert places == sorted(places)
    assert set(entry.content_layers) <= set(names)


@pytest.mark.parametrize("backbone", [*BACKBONES, *CHOSEN, *FAMILIES, "convnexttiny"])
def test_an_entry_says_whether_there_is_max_pooling(backbone):
    entry = get_backbone(backbone)
    layers = entry.build().layers
    assert entry.max_pooling == any(isinstance(layer, keras.layers.MaxPooling2D) for layer in layers)


@pytest.mark.parametrize("backbone", FURTHER)
def test_preprocessing_is_that_of_the_application(backbone):
    builder = getattr(keras.applications, FURTHER[backbone].application)
    colors = np.array([[[[255.0, 128.0, 0.0], [3.0, 77.0, 201.0]]]], np.float32)
    picture = keras.Input((None, None, 3))
    ours = keras.Model(picture, preprocess(picture, FURTHER[backbone].preprocessing))(colors)
    theirs = sys.modules[builder.__module__].preprocess_input(colors.copy())
    assert keras.ops.convert_to_numpy(ours).ravel() == pytest.approx(np.asarray(theirs).ravel(), abs=1e-4)
    side = FURTHER[backbone].smallest_side
    with pytest.raises(ValueError, match=f"Input size must be at least {side}x{side}"):
        builder(include_top=False, weights=None, input_shape=(side - 1, side, 3))


@pytest.mark.parametrize("backbone", [*CHOSEN, "efficientnetv2b0", "convnexttiny"])
def test_a_picture_is_made_through_it(blotches, backbone):
    config = TransferConfig(backbone, weights="random", size=93, iterations=2, coarse_sizes=())
    losses = [one.total for one in style_transfer(blotches(1, 80, 93), blotches(2, 93, 77), config).trace]
    assert losses[-1] < losses[0]


def test_the_default_grid_stays_the_four():
    assert list(BACKBONES) == ["vgg16", "vgg19", "resnet50", "inceptionv3"]
    assert not set(BACKBONES) & set(FURTHER)
    assert len(FURTHER) == 34


def test_weights_that_cannot_be_had_are_one_line(monkeypatch, tmp_path):
    monkeypatch.setenv("NSTCORE_CACHE", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(WeightsError, match=r"^no trained weights for mobilenetv2: [^\n]*weights='random'$"):
        fetch("mobilenetv2")


@pytest.mark.parametrize("setting", ["backbone", "content_backbone"])
def test_an_unknown_name_is_one_line_that_lists_the_known(setting):
    with pytest.raises(ConfigError, match=rf"^unknown backbone; [^\n]*densenet121[^\n]*{setting}='nasnetlarge'$"):
        TransferConfig(**{setting: "nasnetlarge"})
