"""Settings that do nothing beside the others: refused one by one, and allowed where they do something."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from nstcore import ConfigError, TransferConfig
from nstcore.errors import IdleSettingError

LAYER = {"layers": ("block1_conv1",)}
NO_GRAM = {"gram": {"weight": 0.0}}
NO_CONTENT = {"content": {"weight": 0.0}}
OTHER_STYLE = {**NO_GRAM, "wasserstein": LAYER}
OTHER_CONTENT = {**NO_CONTENT, "self_similarity": LAYER}
EVEN = (1.0, 1.0, 1.0, 1.0, 1.0)

#: (a setting, the company in which it does nothing, one in which it does something)
CASES = [
    ({"stop_over": 10}, {}, {"stop_change": 1e-4}),
    ({"pooling": "avg"}, {"backbone": "mobilenet"}, {"backbone": "xception"}),
    ({"pooling": "l2"}, {"backbone": "convnexttiny"}, {"backbone": "convnexttiny", "content_backbone": "vgg19"}),
    ({"content_backbone": "vgg16"}, {"content_weight": 0.0}, {"content_weight": 0.5}),
    ({"content_backbone": "vgg16"}, {"losses": NO_CONTENT}, {"losses": OTHER_CONTENT}),
    ({"content_backbone": "vgg16"}, {"losses": OTHER_CONTENT, "content_weight": 0.0}, {"losses": OTHER_CONTENT}),
    ({"content_weight": 3.0}, {"losses": NO_CONTENT}, {"losses": OTHER_CONTENT}),
    ({"content_layers": ("block3_conv1",)}, {"losses": NO_CONTENT}, {"content_weight": 0.0}),
    ({"content_layers": ("block1_conv2",)}, {"losses": OTHER_CONTENT}, {}),
    ({"content_layers": ("block1_conv1",)}, {"losses": NO_CONTENT}, {"losses": OTHER_CONTENT}),
    ({"style_normalization": "gatys"}, {"losses": NO_GRAM}, {"style_weight": 0.0}),
    ({"style_normalization": "keras-example"}, {"losses": OTHER_STYLE}, {}),
    ({"style_normalization": "none"}, {"losses": OTHER_STYLE, "content_weight": 0.0}, {"losses": OTHER_STYLE}),
    ({"style_normalization": "none"}, {"style_weight": 0.0, "content_weight": 0.0}, {"content_weight": 0.0}),
    ({"style_layer_weights": EVEN}, {"losses": OTHER_STYLE}, {}),
    ({"style_layers": ("block2_conv1",)}, {"losses": OTHER_STYLE}, {"style_weight": 0.0}),
    ({"style_layers": ("block1_conv1", "block2_conv1")}, {"losses": NO_GRAM}, {"losses": OTHER_STYLE}),
    ({"style_weight": 2.0}, {"losses": NO_GRAM}, {"losses": OTHER_STYLE}),
    ({"style_scale": 0.5}, {"losses": NO_GRAM}, {"losses": OTHER_STYLE}),
    ({"style_scale": 0.5}, {"losses": NO_GRAM}, {"losses": NO_GRAM, "init": "style"}),
    ({"color": "match"}, {"losses": NO_GRAM}, {"losses": OTHER_STYLE}),
    ({"color": "match-histogram"}, {"losses": NO_GRAM}, {"losses": NO_GRAM, "init": "style-colors"}),
]


@pytest.mark.parametrize(("setting", "alone", "used"), CASES, ids=str)
def test_a_setting_is_refused_where_it_does_nothing_and_there_alone(setting, alone, used):
    (name,) = setting
    with pytest.raises(IdleSettingError) as caught:
        TransferConfig(**alone, **setting)
    message = str(caught.value)
    assert message.startswith(f"{name} does nothing: ")
    assert f". Received: {name}=" in message
    assert "\n" not in message
    assert caught.value.setting == name
    for company, value in ((alone, caught.value.instead), (used, setting[name])):
        config = TransferConfig(**company, **{name: value})
        assert getattr(config, name) == value
        assert config.resolved().resolved() == config.resolved()


def test_what_is_filled_in_by_itself_is_never_refused():
    """Layers and weights that a backbone comes to, beside losses that read none of them."""
    config = TransferConfig(losses={**NO_CONTENT, **OTHER_STYLE}, size=1024).resolved()
    assert dataclasses.replace(config, size=512, coarse_sizes=()).content_layers == config.content_layers


def test_steps_of_a_rate_that_stays_as_it_is_are_refused():
    with pytest.raises(ConfigError, match=r"decay_steps does nothing: .* decay_rate is 1\. Received: decay_steps=5"):
        TransferConfig(optimizer="adam", optimizer_settings={"decay_steps": 5})
    TransferConfig(optimizer="adam", optimizer_settings={"decay_steps": 5, "decay_rate": 0.5})
    with pytest.raises(ConfigError, match=r"staircase does nothing: .* decay_rate is 1\. Received: staircase=False"):
        TransferConfig(optimizer="adam", optimizer_settings={"staircase": False})


def test_the_error_survives_the_way_between_processes():
    with pytest.raises(IdleSettingError) as caught:
        TransferConfig(stop_over=3)
    for again in (pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value)):
        assert (str(again), again.setting, again.instead) == (str(caught.value), "stop_over", 50)
