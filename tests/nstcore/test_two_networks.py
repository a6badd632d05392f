"""The style of one network with the content of another: each loss sees through its own, and nothing is mixed up."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

from nstcore import ConfigError, PictureError, TransferConfig, build_objective, presets, style_transfer
from nstcore.loading import load_scene
from nstcore.networks.extractor import feature_network, pretrained_network
from nstcore.networks.network import Network
from nstcore.problem import build_problem
from nstcore.recipe import resolve
from nstcore.targets import compute_targets

# Both have a layer of this name.
CONFIG = TransferConfig(
    "resnet50",
    weights="random",
    size=64,
    coarse_sizes=(),
    content_backbone="mobilenet",
    content_layers=("conv1_relu", "conv_pw_2_relu"),
    style_layers=("conv1_relu",),
    style_normalization="gatys",
    total_variation_weight=0.0,
    iterations=3,
)


def activations(backbone, layers, picture):
    found = feature_network(Network(backbone, "random"), layers)(picture[np.newaxis].astype(np.float32), training=False)
    return {layer: np.asarray(keras.ops.convert_to_numpy(found[layer]), np.float64)[0] for layer in layers}


def test_each_loss_sees_through_its_own_network(content_picture, style_picture, blotches):
    recipe = resolve(CONFIG)
    scene = load_scene(content_picture, [style_picture], recipe)
    picture = blotches(9, *scene.content.shape[:2])
    terms = build_problem([scene], recipe).evaluate(picture[np.newaxis].astype(np.float32)).terms

    of_content, of_picture = (activations("mobilenet", CONFIG.content_layers, one) for one in (scene.content, picture))
    content = sum(0.5 * np.square(of_picture[name] - of_content[name]).sum() for name in of_content)
    assert float(terms["content"][0]) == pytest.approx(content, rel=1e-3)

    features = [
        activations("resnet50", ("conv1_relu",), one)["conv1_relu"] for one in (scene.styles[0].picture, picture)
    ]
    target, gram = (np.einsum("hwi,hwj->ij", one, one) / (one.shape[0] * one.shape[1]) for one in features)
    style = np.square(gram - target).sum() / (4 * 64**2)
    assert float(terms["style"][0]) == pytest.approx(style, rel=1e-3)


def test_the_gradient_goes_through_both(content_picture, style_picture):
    config = replace(CONFIG, style_normalization="balanced", style_weight=1.0)
    objective = build_objective(content_picture, style_picture, config)
    x = objective.x0 + np.random.default_rng(0).normal(0, 20, objective.x0.size)
    _, gradient = objective(x)
    direction = gradient / np.linalg.norm(gradient)
    higher, lower = (objective(x + step * direction)[0] for step in (0.5, -0.5))
    assert gradient @ direction == pytest.approx(higher - lower, rel=0.02)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_picture_is_made_and_tells_where_both_came_from(content_picture, style_picture, precision):
    config = replace(CONFIG, style_normalization="balanced", precision=precision, filters="trained")
    result = style_transfer(content_picture, style_picture, config)
    assert result.trace[-1].total < result.trace[0].total
    assert (result.weights.backbone, result.content_weights.backbone) == ("resnet50", "mobilenet")
    alone = replace(config, content_backbone="", content_layers=())
    assert style_transfer(content_picture, style_picture, alone).content_weights is None


def test_the_same_network_said_aloud_is_as_before(content_picture):
    recipe = resolve(TransferConfig("vgg16", weights="random", size=64, coarse_sizes=(), content_backbone="vgg16"))
    assert recipe.content_network == recipe.network
    assert list(recipe.layers) == [recipe.network]
    assert compute_targets(content_picture, "content", recipe).kept.keys() == {
        ("content", "block4_conv2"),
        *(("gram", f"block{block}_conv1") for block in range(1, 6)),
    }


def test_layers_are_those_of_the_content_backbone_in_presets_too():
    config = presets.get("bordag", backbone="resnet50", content_backbone="vgg19").resolved()
    assert config.content_layers == ("block4_conv2", "block5_conv2")
    assert presets.get("bordag", backbone="vgg19", content_backbone="resnet50").resolved().content_layers == (
        "conv4_block1_1_relu",
    )
    wrong = resolve(replace(CONFIG, content_layers=("block4_conv2",)))
    with pytest.raises(ConfigError, match=r"^mobilenet has no such layer; [^\n]*block4_conv2"):
        compute_targets(np.zeros((64, 64, 3), np.uint8), "content", wrong)


def test_both_networks_must_be_able_to_read_the_pictures(content_picture, style_picture):
    with pytest.raises(
        ConfigError, match=r"size must be a whole number >= 75 \(the smallest side inceptionv3 can read\)"
    ):
        TransferConfig("vgg16", content_backbone="inceptionv3", size=64)
    config = TransferConfig("vgg16", weights="random", content_backbone="inceptionv3", size=80, coarse_sizes=())
    with pytest.raises(PictureError, match="inceptionv3 needs at least 75"):
        style_transfer(content_picture, style_picture, config)


def test_weights_of_one_network_do_not_pass_for_the_others():
    networks = [pretrained_network(name, "random")[1] for name in ("resnet50", "mobilenet")]
    assert len({provenance.sha256 for provenance in networks}) == 2
