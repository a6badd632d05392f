"""Presets: the papers' numbers, layers that exist, and what is asked for wins."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
from keras import ops

from nstcore import ConfigError, TransferConfig, build_objective, presets
from nstcore.feedforward.settings import SIZES, NetworkSettings
from nstcore.feedforward.training_settings import TrainingSettings
from nstcore.networks.backbones import BACKBONES, get_backbone
from nstcore.networks.extractor import feature_network
from nstcore.networks.network import Network
from nstcore.presets.listing import listing

EVERY_PRESET = pytest.mark.parametrize("preset", presets.PRESETS)
EVERY_BACKBONE = pytest.mark.parametrize("backbone", BACKBONES)


@pytest.fixture(scope="module")
def layers_of():
    """Layer names by backbone, of networks without trained weights."""
    known: dict[str, set[str]] = {}

    def names(backbone: str) -> set[str]:
        if backbone not in known:
            known[backbone] = {layer.name for layer in get_backbone(backbone).build().layers[1:]}
        return known[backbone]

    return names


@EVERY_PRESET
@EVERY_BACKBONE
def test_the_layers_of_every_preset_exist(layers_of, preset, backbone):
    config = presets.get(preset, backbone=backbone).resolved()
    assert config.backbone == backbone
    assert {*config.content_layers, *config.style_layers} <= layers_of(backbone)
    assert {layer for settings in config.losses.values() for layer in settings.get("layers", ())} <= layers_of(backbone)
    assert TransferConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


PAPERS = (
    "gatys2015",
    "gatys2016",
    "gupta2019",
    "gupta2019-notebook",
    "lisciandrello",
    "xu2016-gatys",
    "xu2016-rmsprop",
)


def test_the_default_is_balanced_and_every_source_has_a_preset():
    others = {"xu2016-mrf", "bordag", "khan2019", "cnnmrf", "nnst", "strotss", "swag", "risser"}
    programs = {"gatys-code", "keras-example", "crowsonkb"}
    networks = {"johnson2016", "khan2019-feedforward"}
    assert {"balanced", "xu2016", *PAPERS, *others, *programs, *networks} == presets.PRESETS.keys()
    assert presets.get("balanced") == TransferConfig()
    assert TransferConfig().style_normalization == "balanced"


@pytest.mark.parametrize("backbone", ["vgg16", "vgg19"])
def test_balanced_is_the_defaults_for_vgg(backbone):
    assert presets.get("balanced", backbone=backbone) == TransferConfig(backbone=backbone)


@pytest.mark.parametrize("backbone", ["resnet50", "inceptionv3", "xception"])
def test_balanced_optimizes_frequencies_of_other_networks_unless_told_otherwise(backbone):
    assert presets.get("balanced", backbone=backbone).parametrization == "fourier"
    assert presets.get("balanced", backbone=backbone, parametrization="pixels").parametrization == "pixels"
    # Presets of sources have nothing of it.
    assert {presets.get(name, backbone=backbone).parametrization for name in PAPERS} == {"pixels"}


def test_balanced_takes_no_layers_from_a_network_for_another():
    """What a person sets goes first, and a backbone's own weight is not another's."""
    assert presets.get("balanced", backbone="inceptionv3").style_weight == 400
    assert presets.get("balanced", backbone="resnet50").style_weight == TransferConfig().style_weight
    assert presets.get("balanced", backbone="inceptionv3", style_weight=40).style_weight == 40
    mixed = presets.get("balanced", backbone="vgg19", content_backbone="resnet50")
    assert mixed.content_layers == ("conv3_block4_out",)
    assert mixed.style_layers == TransferConfig().style_layers


LIKE_BALANCED = ("nnst", "strotss", "risser")


@pytest.mark.parametrize("preset", LIKE_BALANCED)
@EVERY_BACKBONE
def test_methods_by_lbfgs_have_of_balanced_all_but_its_loss(preset, backbone):
    mine, balanced = (presets.get(name, backbone=backbone).resolved() for name in (preset, "balanced"))
    for name in ("style_layers", "parametrization", "style_weight", "optimizer", "style_normalization"):
        assert getattr(mine, name) == getattr(balanced, name)
    read = [layers for settings in mine.losses.values() if (layers := settings.get("layers"))]
    assert read
    assert all(set(layers) <= set(balanced.style_layers) for layers in read)


@pytest.mark.parametrize("preset", [*LIKE_BALANCED, "cnnmrf"])
@pytest.mark.parametrize("backbone", ["resnet50", "inceptionv3"])
def test_layers_that_are_asked_for_go_before_those_that_a_preset_has_for_a_network(preset, backbone):
    asked = BACKBONES[backbone].style_layers[:2]
    config = presets.get(preset, backbone=backbone, style_layers=asked)
    assert config.style_layers == asked
    assert {layer for settings in config.losses.values() for layer in settings.get("layers", ())} <= set(asked)
    assert config.parametrization == presets.get(preset, backbone=backbone).parametrization


def test_patches_are_of_layers_at_a_quarter_and_an_eighth_of_the_size_through_every_network():
    layers = {
        "vgg16": ("block3_conv1", "block4_conv1"),
        "vgg19": ("block3_conv1", "block4_conv1"),
        "resnet50": ("conv2_block3_out", "conv3_block4_out"),
        "inceptionv3": ("activation_3", "mixed0"),
    }
    configs = {backbone: presets.get("cnnmrf", backbone=backbone) for backbone in layers}
    assert {backbone: config.losses["patches"]["layers"] for backbone, config in configs.items()} == layers
    assert {backbone: config.total_variation_weight for backbone, config in configs.items()} == {
        "vgg16": 1e-10,
        "vgg19": 1e-10,
        "resnet50": 1e-8,
        "inceptionv3": 1e-8,
    }


def test_the_documents_name_every_preset():
    text = (Path(__file__).parents[2] / "docs/presets.md").read_text(encoding="utf-8")
    assert [name for name in presets.PRESETS if f"`{name}`" not in text] == []


@pytest.mark.parametrize("backbone", ["vgg19", "inceptionv3"])
def test_the_listing_tells_every_setting(backbone):
    text = listing((), backbone)
    for name, preset in presets.PRESETS.items():
        assert preset.source.split()[0] in text
        config = presets.get(name, backbone=backbone)
        told = text[text.index(f"{name}\n  from:") :].split("\n\n")[0]
        lines = [line.strip().partition(" = ") for line in told.splitlines() if re.match(r" {4}\w+ = ", line)]
        settings = {key: json.loads(value) for key, _, value in lines}
        assert TransferConfig.from_dict({"backbone": backbone} | settings) == config


@EVERY_PRESET
def test_every_preset_says_where_it_comes_from(preset):
    assert presets.PRESETS[preset].source


def settings_of(preset, backbone, *names):
    config = presets.get(preset, backbone=backbone).resolved()
    return {name: getattr(config, name) for name in names}


@EVERY_BACKBONE
def test_gupta_2019_has_the_numbers_of_the_comparison(backbone):
    """Sections 3.3 and 5; the normaliser is the classic Keras example's, which the paper's losses agree with."""
    expected = {
        "content_weight": 0.025,
        "style_weight": 5.0,
        "total_variation_weight": 0.1,
        "pooling": "avg",
        "init": "noise",
        "style_normalization": "keras-example",
        "total_variation": "power",
        "optimizer": "lbfgs",
        "optimizer_settings": {"restart_every": 20},
    }
    assert settings_of("gupta2019", backbone, *expected) == expected
    assert len(presets.get("gupta2019", backbone=backbone).resolved().style_layers) == 5


@pytest.mark.parametrize("backbone", ["vgg16", "vgg19"])
def test_gupta_2019_reads_the_five_pooling_layers(backbone):
    pools = ("block1_pool", "block2_pool", "block3_pool", "block4_pool", "block5_pool")
    assert presets.get("gupta2019", backbone=backbone).style_layers == pools


def test_gatys_2016_has_the_numbers_of_the_paper():
    """Sections 2 and 3: average pooling, white noise, alpha/beta = 1e-3, conv4_2 and conv1_1 to conv5_1, w = 1/5."""
    config = presets.get("gatys2016").resolved()
    assert config.content_weight / config.style_weight == pytest.approx(1e-3)
    assert config.total_variation_weight == 0.0
    assert config.pooling == "avg"
    assert config.init == "noise"
    assert config.style_normalization == "gatys"
    assert config.optimizer == "lbfgs"
    assert config.content_layers == ("block4_conv2",)
    assert config.style_layers == ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")
    assert config.style_layer_weights == pytest.approx((0.2,) * 5)


def test_gupta_2019_as_the_notebook_has_it():
    """Content at block2_conv2 without the half, the last convolutions of the blocks, the same three weights."""
    config = presets.get("gupta2019-notebook")
    assert config.content_layers == ("block2_conv2",)
    assert config.style_layers == ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3")
    assert (0.5 * config.content_weight, config.style_weight, config.total_variation_weight) == (0.025, 5.0, 0.1)
    assert config.optimizer_settings == {"restart_every": 20}


@pytest.mark.parametrize(("backbone", "normalizer"), [("vgg19", "gatys"), ("vgg16", "gatys"), ("resnet50", "none")])
def test_lisciandrello_takes_the_denominator_away_for_resnet50_alone(backbone, normalizer):
    """Section 3: alpha/beta = 1e-4, total variation 1e-6, max pooling, and eq. 3 without denominator for ResNet50."""
    config = presets.get("lisciandrello", backbone=backbone)
    assert config.style_normalization == normalizer
    assert config.content_weight / config.style_weight == pytest.approx(1e-4)
    assert (config.total_variation_weight, config.pooling, config.iterations) == (1e-6, "max", 1000)
    assert config.optimizer == "sgd"
    assert (config.optimizer_settings["learning_rate"], config.optimizer_settings["decay_steps"]) == (100.0, 100)


@pytest.mark.parametrize("preset", ["xu2016", "xu2016-gatys", "xu2016-rmsprop"])
def test_xu_2016_has_the_layers_and_the_ratio_of_figure_12(preset):
    """Beta is for each layer, of which there are five with w_l = 1/5."""
    config = presets.get(preset).resolved()
    assert 5 * config.content_weight / config.style_weight == pytest.approx(5e-9)
    assert (config.pooling, config.init, config.filters) == ("avg", "noise", "normalized")
    assert config.style_layers == tuple(f"block{block}_conv1" for block in range(1, 6))
    assert config.content_layers == ("block4_conv2",)


def test_gatys_code_is_its_mean_squares(blotches):
    """1e6 times the mean square of the content, and 2e8 times that of G/M for each layer, written out with NumPy."""
    config = presets.get("gatys-code", size=64, weights="random", filters="trained", content_layers=("block2_conv1",))
    layers = ("block1_conv1", "block2_conv1")
    config = dataclasses.replace(config, style_layers=layers, style_weight=config.style_weight * len(layers) / 5)
    content, style = blotches(1, 64, 64), blotches(2, 64, 64)
    objective = build_objective(content, style, config)
    x = blotches(3, 64, 64)
    network = feature_network(Network("vgg19", "random"), layers)
    seen = [
        {
            layer: np.asarray(ops.convert_to_numpy(value), float)
            for layer, value in network(one[np.newaxis].astype("float32")).items()
        }
        for one in (x, content, style)
    ]
    grams = [
        {layer: (f := each[layer].reshape(-1, each[layer].shape[-1])).T @ f / len(f) for layer in layers}
        for each in seen
    ]
    expected = 1e6 * np.mean((seen[0]["block2_conv1"] - seen[1]["block2_conv1"]) ** 2)
    expected += sum(2e8 * np.mean((grams[0][layer] - grams[2][layer]) ** 2) for layer in layers)
    assert objective(x.astype(float).ravel())[0] == pytest.approx(expected, rel=1e-3)


def test_bordag_sums_the_content_over_several_layers_and_starts_from_it():
    config = presets.get("bordag").resolved()
    assert len(config.content_layers) > 1
    assert config.optimizer == "gradient-descent"
    assert config.init == "content"
    assert (config.style_normalization, config.content_weight) == ("gatys", 1e-3)
    # Raw losses of other networks are of other scales, and the note has none.
    assert presets.get("bordag", backbone="vgg16").style_normalization == "balanced"
    assert config.style_layer_weights == pytest.approx((1 / len(config.style_layers),) * len(config.style_layers))


def test_khan_2019_has_a_rate_that_lowers_raw_losses():
    """Which the paper does not give; the studies of its claims, which start from noise, have one of their own."""
    assert presets.get("khan2019").optimizer_settings == {"learning_rate": 1.0}


@EVERY_PRESET
@EVERY_BACKBONE
def test_what_is_asked_for_wins_over_the_preset(preset, backbone):
    asked = {
        "size": 96,
        "iterations": 3,
        "style_weight": 7.5,
        "pooling": "max",
        "init": "style",
        "style_layers": ("two", "three"),
    }
    # What would do nothing beside the losses of a preset is refused.
    losses = presets.PRESETS[preset].of(BACKBONES[backbone]).get("losses", {})
    of_flat_losses = {"content": ("content_layers", ("one",)), "gram": ("style_normalization", "keras-example")}
    asked |= dict(setting for loss, setting in of_flat_losses.items() if losses.get(loss) != {"weight": 0.0})
    config = presets.get(preset, backbone=backbone, **asked)
    assert {name: getattr(config, name) for name in asked} == asked
    untouched = presets.get(preset, backbone=backbone)
    assert config.content_weight == untouched.content_weight
    assert config.total_variation_weight == untouched.total_variation_weight


@EVERY_PRESET
def test_losses_of_a_preset_read_the_style_layers_that_are_asked_for(preset):
    """One or several, as tuples or as JSON has them; they would be without effect otherwise."""
    for layers in (["block1_conv1"], ["block1_conv2", "block2_conv2", "block3_conv3"]):
        config = presets.get(preset, style_layers=layers)
        read = {layer for settings in config.losses.values() for layer in settings.get("layers", ())}
        assert read <= set(layers)
        if preset in ("cnnmrf", "nnst", "strotss", "risser", "crowsonkb"):
            assert read
    with pytest.raises(ConfigError, match="style_layers must be a sequence"):
        presets.get(preset, style_layers="block1_conv1")


OTHER_THAN_GRAM = {"gram": {"weight": 0.0}, "wasserstein": {"layers": ("block1_conv1",)}}


@pytest.mark.parametrize(
    ("preset", "asked", "left"),
    [
        ("gatys2016", {"losses": OTHER_THAN_GRAM}, {"style_normalization": "none"}),  # the content stays unbalanced
        ("gatys2016", {"losses": OTHER_THAN_GRAM, "content_weight": 0.0}, {"style_normalization": "balanced"}),
        ("gatys2016", {"style_weight": 0.0}, {"style_normalization": "gatys"}),  # of the trace's column
        ("balanced", {"backbone": "inceptionv3", "losses": {"gram": {"weight": 0.0}}}, {"style_weight": 40.0}),
        ("balanced", {"backbone": "resnet50", "losses": {"content": {"weight": 0.0}}}, {"content_layers": ()}),
    ],
)
def test_what_is_asked_for_may_leave_a_setting_of_a_preset_without_effect(preset, asked, left):
    """That is nobody's mistake; of who asks for both it is one."""
    config = presets.get(preset, **asked)
    assert {name: getattr(config, name) for name in left} == left
    (name,) = left
    own = presets.PRESETS[preset].of(get_backbone(asked.get("backbone", "vgg19")))[name]
    if own != left[name]:
        with pytest.raises(ConfigError, match=rf"^{name} does nothing: "):
            presets.get(preset, **asked, **{name: own})


def test_an_unknown_preset_lists_the_known_ones():
    with pytest.raises(ConfigError, match=r"balanced, gatys2015, .*, xu2016\. Received: preset='monet'"):
        presets.get("monet")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"backbone": "alexnet"}, rf"{', '.join(BACKBONES)}, .*\. Received: backbone='alexnet'"),
        ({"colour": 1}, r"unknown setting; .*Received: colour"),
        ({"iterations": 0}, r"Received: iterations=0"),
    ],
)
def test_overrides_are_validated(overrides, message):
    with pytest.raises(ConfigError, match=message):
        presets.get("gatys2016", **overrides)


@EVERY_PRESET
def test_a_preset_cannot_be_changed_by_accident(preset):
    with pytest.raises(TypeError):
        presets.PRESETS[preset].settings["size"] = 1
    with pytest.raises(TypeError):
        presets.PRESETS[preset].of_backbone["vgg16"] = {}


def test_johnson_2016_has_the_numbers_of_the_paper():
    """Section 4.1 and the supplement, table 1."""
    assert settings_of("johnson2016", "vgg16", "content_layers", "style_layers") == {
        "content_layers": ("block3_conv3",),
        "style_layers": ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3"),
    }
    assert presets.backbone_of("johnson2016") == "vgg16"
    network = NetworkSettings(**presets.network_of("johnson2016"))
    assert network == NetworkSettings(width=32, blocks=5, strides=(2, 2), upsampling="transposed")
    training = TrainingSettings(**presets.training_of("johnson2016"))
    assert (training.steps, training.batch, training.crop, training.learning_rate) == (40_000, 4, 256, 1e-3)
    assert (training.optimizer, training.weighting) == ("adam", "total")
    assert {training.rate(progress) for progress in (0.0, 0.5, 1.0)} == {1e-3}


def test_johnson_2016_weighs_its_losses_as_equations_2_to_4_do():
    """1/(CHW) ‖F − P‖², 5 Σ_l ‖G − A‖² of G / (CHW), and 1e-6 of squared differences, written out with NumPy."""
    config = presets.get("johnson2016", backbone="vgg16", weights="random", size=48, coarse_sizes=())
    random = np.random.default_rng(3)
    content, style, moved = (random.integers(0, 256, (48, 48, 3)).astype(np.uint8) for _ in range(3))
    found = build_objective(content, style, config).components(moved.ravel().astype(np.float64))
    layers = (*config.content_layers, *config.style_layers)
    extractor = feature_network(Network("vgg16", "random"), tuple(dict.fromkeys(layers)))
    seen = [
        {
            name: np.asarray(value)[0].astype(np.float64)
            for name, value in extractor(one[None].astype(np.float32)).items()
        }
        for one in (content, style, moved)
    ]

    def gram(features):
        flat = features.reshape(-1, features.shape[-1])
        return flat.T @ flat / flat.size

    of_content = np.mean((seen[2]["block3_conv3"] - seen[0]["block3_conv3"]) ** 2)
    of_style = sum(np.sum((gram(seen[2][name]) - gram(seen[1][name])) ** 2) for name in config.style_layers)
    real = moved.astype(np.float64)
    down, right = np.diff(real, axis=0)[:, :-1], np.diff(real, axis=1)[:-1]
    expected = of_content + 5.0 * of_style + 1e-6 * (np.sum(down**2) + np.sum(right**2))
    assert found["total"] == pytest.approx(expected, rel=1e-4)


def test_a_preset_without_a_network_of_its_own_trains_the_small_one():
    assert presets.backbone_of("balanced") == "vgg19"
    assert NetworkSettings(**presets.network_of("gatys2016")) == SIZES["small"]
    assert TrainingSettings(**presets.training_of("gatys2016")) == TrainingSettings()
    with pytest.raises(ConfigError, match="unknown preset"):
        presets.training_of("nonesuch")


def test_the_listing_tells_of_networks_and_their_training():
    text = listing(("johnson2016", "balanced"), "vgg16")
    assert '    training.backbone = "vgg16"' in text
    assert '    network.upsampling = "transposed"' in text
    assert "    training.steps = 40000" in text
    assert text.count("training.") == len(presets.PRESETS["johnson2016"].training) + 1
