"""Settings: what is refused and how that is said, what is filled in, and the way through JSON."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nstcore import ConfigError, TransferConfig
from nstcore.losses import make_loss
from nstcore.networks.backbones import BACKBONES

WEIGHTS = ("content_weight", "style_weight", "total_variation_weight")

#: (settings, words the message must have): the setting's name, what is allowed, and what was received.
REFUSED = [
    ({"backbone": "alexnet"}, ["backbone='alexnet'", *BACKBONES]),
    ({"backbone": None}, ["backbone=None", *BACKBONES]),
    ({"backbone": ["vgg16"]}, ["backbone=['vgg16']", *BACKBONES]),
    ({"pooling": "min"}, ["pooling='min'", "max", "avg"]),
    ({"style_normalization": "gram"}, ["style_normalization='gram'", "balanced", "gatys", "none", "keras-example"]),
    ({"style_normalization": None}, ["style_normalization=None", "balanced"]),
    ({"total_variation": "l1"}, ["total_variation='l1'", "power", "squared", "absolute"]),
    ({"init": "black"}, ["init='black'", "content", "noise", "style"]),
    ({"optimizer": "newton"}, ["optimizer='newton'", "lbfgs"]),
    ({"precision": "float16"}, ["precision='float16'", "float32", "bfloat16", "auto"]),
    ({"content_layers": "block4_conv2"}, ["content_layers='block4_conv2'", "sequence of layer names"]),
    ({"style_layers": "block1_conv1"}, ["style_layers='block1_conv1'", "sequence of layer names"]),
    ({"style_layers": (1, 2)}, ["style_layers=(1, 2)", "sequence of layer names"]),
    ({"content_layers": ("a", "b", "a")}, ["content_layers=('a', 'b', 'a')", "different"]),
    ({"style_layers": ["a", "a"]}, ["style_layers=('a', 'a')", "different"]),
    *(
        ({name: value}, [f"{name}={value!r}", "finite number >= 0"])
        for name in WEIGHTS
        for value in (-1.0, -1e-300, math.nan, math.inf, -math.inf, True, "1", None, 1j)
    ),
    ({"style_layer_weights": (1, 1, -1, 1, 1)}, ["style_layer_weights=-1", "finite number >= 0"]),
    ({"style_layer_weights": (1, math.nan, 1, 1, 1)}, ["style_layer_weights=nan", "finite number >= 0"]),
    ({"style_layer_weights": (1.0, 2.0)}, ["style_layer_weights=(1.0, 2.0)", "block1_conv1", "block5_conv1"]),
    (
        {"style_layers": ("block1_conv1",), "style_layer_weights": (1.0, 2.0)},
        ["style_layer_weights=(1.0, 2.0)", "each of block1_conv1"],
    ),
    ({"size": 31}, ["size=31", ">= 32", "vgg19"]),
    ({"backbone": "inceptionv3", "size": 74}, ["size=74", ">= 75", "inceptionv3"]),
    ({"size": -512}, ["size=-512", ">= 32"]),
    ({"size": 512.0}, ["size=512.0", "whole number"]),
    ({"size": True}, ["size=True", "whole number"]),
    ({"size": "512"}, ["size='512'", "whole number"]),
    ({"seed": -1}, ["seed=-1", ">= 0"]),
    ({"seed": 0.5}, ["seed=0.5", "whole number"]),
    ({"iterations": 0}, ["iterations=0", ">= 1"]),
    ({"iterations": None}, ["iterations=None", ">= 1"]),
    ({"losses": 3}, ["losses=3", "names with values"]),
    ({"losses": {"nothing": {}}}, ["'nothing'", "content, gram, total_variation"]),
    ({"losses": {"gram": 3}}, ["losses.gram=3", "names with values"]),
    ({"losses": {"gram": {"layers": ("block1_conv1",)}}}, ["layers", "losses.gram may set weight, softmax, shift"]),
    ({"losses": {"gram": {"shift": None}}}, ["Gram.shift=None", "finite number"]),
    (
        {"losses": {"content": {"layer_weights": (1, 2)}}},
        ["Content.layer_weights=(1.0, 2.0)", "one weight for each of block4_conv2"],
    ),
    (
        {"content_layers": ("a", "b"), "losses": {"content": {"layer_weights": (1,)}}},
        ["Content.layer_weights=(1.0,)", "each of a, b"],
    ),
    ({"losses": {"cross_gram": {"layers": ("a",)}}}, ["CrossGram.layers=('a',)", "two or more layer names"]),
    ({"losses": {"content": {"weight": -1}}}, ["weight=-1", "finite number >= 0"]),
    ({"losses": {"total_variation": {"weight": 1}}}, ["weight", "total_variation_weight"]),
    ({"optimizer_settings": [1]}, ["optimizer_settings=[1]", "names with values"]),
    ({"optimizer_settings": {"learning_rate": 1}}, ["learning_rate", "of optimizer_settings", "history"]),
    ({"optimizer": "adam", "optimizer_settings": {"learning_rate": 0}}, ["learning_rate=0", "> 0"]),
    ({"optimizer": "adam", "optimizer_settings": {"beta_1": 1}}, ["beta_1=1", "< 1"]),
    ({"optimizer": "sgd", "optimizer_settings": {"decay_steps": 0.5}}, ["decay_steps=0.5", "whole number >= 1"]),
    ({"optimizer": "sgd", "optimizer_settings": {"staircase": 1}}, ["staircase=1", "true or false"]),
    ({"optimizer_settings": {"history": 0}}, ["history=0", ">= 1"]),
    ({"optimizer_settings": {"history": 10**6}}, ["history=1000000", "<= 1000"]),
    ({"losses": {"a/b": {}}}, ["a/b", "without /"]),
    ({"weights": ""}, ["weights=''", "imagenet", "random", "path"]),
    ({"weights": None}, ["weights=None", "imagenet", "random", "path"]),
]


@pytest.mark.parametrize(("settings", "words"), REFUSED, ids=lambda value: str(value)[:60])
def test_a_bad_value_is_refused_by_name_with_what_is_allowed_and_what_was_received(settings, words):
    with pytest.raises(ConfigError) as caught:
        TransferConfig(**settings)
    message = str(caught.value)
    assert "\n" not in message
    assert ". Received: " in message
    received = message.partition("Received: ")[2]
    assert words[0] in received
    for word in words[1:]:
        assert word in message.partition("Received: ")[0]


def test_a_bad_value_is_a_value_error_to_callers_who_do_not_know_the_project():
    with pytest.raises(ValueError, match="iterations=0"):
        TransferConfig(iterations=0)


def test_three_weights_of_zero_are_refused_and_two_are_not():
    with pytest.raises(ConfigError, match=r"content_weight, style_weight and total_variation_weight are all 0"):
        TransferConfig(content_weight=0, style_weight=0.0, total_variation_weight=-0.0)
    for name in WEIGHTS:
        others = {other: 0.0 for other in WEIGHTS if other != name}
        assert getattr(TransferConfig(**others, **{name: 5}), name) == 5.0


@pytest.mark.parametrize("backbone", BACKBONES.values(), ids=BACKBONES)
def test_the_smallest_side_of_a_backbone_is_allowed(backbone):
    assert TransferConfig(backbone=backbone.name, size=backbone.smallest_side).size == backbone.smallest_side


def test_variants_are_validated_too():
    with pytest.raises(ConfigError, match=r"size must be a whole number >= 75 .*inceptionv3.*Received: size=64"):
        dataclasses.replace(TransferConfig(size=64), backbone="inceptionv3")


def test_settings_cannot_be_changed_in_place():
    config = TransferConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.size = 64
    layers = ["block1_conv1"]
    config = TransferConfig(style_layers=layers)
    layers.append("block2_conv1")
    assert config.style_layers == ("block1_conv1",)


def test_a_path_object_is_as_good_as_its_text():
    assert TransferConfig(weights=Path("folder") / "own.weights.h5") == TransferConfig(
        weights=str(Path("folder") / "own.weights.h5")
    )


LAYER_NAMES = st.lists(st.text(min_size=1, max_size=12), unique=True, max_size=6)
NUMBERS = st.floats(min_value=0, allow_nan=False, allow_infinity=False)


@st.composite
def configurations(draw: st.DrawFn) -> TransferConfig:
    backbone = draw(st.sampled_from(list(BACKBONES.values())))
    style_layers = draw(LAYER_NAMES)
    count = len(style_layers or backbone.style_layers)
    return TransferConfig(
        backbone=backbone.name,
        pooling=draw(st.sampled_from(["max", "avg"])),
        content_layers=tuple(draw(LAYER_NAMES)),
        style_layers=tuple(style_layers),
        style_layer_weights=tuple(draw(st.one_of(st.just([]), st.lists(NUMBERS, min_size=count, max_size=count)))),
        content_weight=draw(NUMBERS),
        style_weight=draw(NUMBERS.filter(bool)),
        total_variation_weight=draw(NUMBERS),
        style_normalization=draw(st.sampled_from(["balanced", "gatys", "none", "keras-example"])),
        total_variation=draw(st.sampled_from(["power", "squared", "absolute"])),
        size=draw(st.integers(backbone.smallest_side, 2**31 - 1)),
        init=draw(st.sampled_from(["content", "noise", "style"])),
        seed=draw(st.integers(0, 2**31 - 1)),
        iterations=draw(st.integers(1, 2**31 - 1)),
        precision=draw(st.sampled_from(["float32", "bfloat16", "auto"])),
        weights=draw(st.text(st.characters(exclude_characters="\0"), min_size=1)),
    )


@given(configurations())
def test_json_gives_back_equal_settings(config):
    again = TransferConfig.from_dict(json.loads(json.dumps(config.to_dict())))
    assert again == config
    assert hash(again) == hash(config)


@given(configurations())
def test_resolved_settings_leave_nothing_open_and_do_not_change_any_more(config):
    resolved = config.resolved()
    assert resolved.content_layers
    assert resolved.style_layers
    assert len(resolved.style_layer_weights) == len(resolved.style_layers)
    assert resolved.precision in ("float32", "bfloat16")
    assert resolved.resolved() == resolved
    for field in dataclasses.fields(config):
        asked = getattr(config, field.name)
        if asked not in ((), "auto"):
            assert getattr(resolved, field.name) == asked


@pytest.mark.parametrize("backbone", BACKBONES.values(), ids=BACKBONES)
def test_resolving_takes_the_backbones_layers_with_equal_weights(backbone):
    resolved = TransferConfig(backbone=backbone.name).resolved()
    assert resolved.content_layers == backbone.content_layers
    assert resolved.style_layers == backbone.style_layers
    assert sum(resolved.style_layer_weights) == pytest.approx(1.0)
    assert len(set(resolved.style_layer_weights)) == 1


def test_an_unknown_setting_lists_the_known_ones():
    with pytest.raises(ConfigError) as caught:
        TransferConfig.from_dict({"size": 64, "colour": "blue", "iters": 3})
    known, _, received = str(caught.value).partition("Received: ")
    assert received == "colour, iters"
    for field in dataclasses.fields(TransferConfig):
        assert field.name in known


def test_nested_settings_survive_json_and_can_be_hashed():
    config = TransferConfig(
        losses={"gram": {"weight": 2.0}}, optimizer="adam", optimizer_settings={"learning_rate": 3.0}
    )
    assert TransferConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert hash(config) == hash(dataclasses.replace(config))
    assert config.losses["gram"]["weight"] == 2.0
    assert config != TransferConfig(optimizer="adam")


def test_nested_settings_can_be_pickled_and_copied():
    config = TransferConfig(losses={"gram": {"weight": 2.0}}, optimizer_settings={"history": 5})
    assert pickle.loads(pickle.dumps(config)) == config
    assert copy.deepcopy(config) == config
    with pytest.raises(TypeError, match="cannot change"):
        config.losses["gram"]["weight"] = 3.0


def test_weights_of_content_layers_are_for_those_of_the_network_of_the_content(monkeypatch):
    two = dataclasses.replace(BACKBONES["vgg16"], name="two", content_layers=("block4_conv2", "block5_conv2"))
    monkeypatch.setitem(BACKBONES, "two", two)
    losses = {"content": {"layer_weights": [1.0, 2.0]}}
    made = TransferConfig(content_backbone="two", losses=losses)
    assert make_loss("content", {"layers": made.resolved().content_layers, **losses["content"]}).layer_weights == (1, 2)
    with pytest.raises(ConfigError, match="one weight for each of block4_conv2, block5_conv2"):
        TransferConfig(content_backbone="two", losses={"content": {"layer_weights": [1.0]}})


@pytest.mark.parametrize(
    "settings",
    [
        {"content_weight": 0.0, "style_weight": 0.0, "total_variation_weight": 0.0},
        {"losses": {"content": {"weight": 0}, "gram": {"weight": 0}}, "total_variation_weight": 0.0},
    ],
)
def test_losses_that_are_all_off_are_refused(settings):
    with pytest.raises(ConfigError, match="nothing to optimise"):
        TransferConfig(**settings)
