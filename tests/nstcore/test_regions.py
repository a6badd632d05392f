"""Regions that take styles of their own (Gatys et al. 2017, section 4)."""

from __future__ import annotations

import dataclasses
import json
from typing import ClassVar

import numpy as np
import pytest

from nstcore import ConfigError, StyleSource, TransferConfig, build_objective, losses, style_transfer
from nstcore.losses.gram import Gram
from nstcore.memory import required_memory
from nstcore.networks.extractor import feature_network
from nstcore.pictures.region_map import RegionMap
from nstcore.problem import build_problem
from nstcore.recipe import resolve
from nstcore.scene import Scene, Style

SMALL = TransferConfig(
    backbone="vgg16",
    weights="random",
    size=64,
    content_layers=("block2_conv2",),
    style_layers=("block1_conv1", "block2_conv1"),
    iterations=3,
)
STYLE_ALONE = dataclasses.replace(SMALL, content_weight=0.0, total_variation_weight=0.0, style_weight=1.0)
RED, BLUE = "#ff0000", "#0000ff"


def stripes(colors: tuple[str, ...], height: int, width: int, *, at: tuple[int, ...]) -> RegionMap:
    """Upright stripes that begin at these columns."""
    owner = np.searchsorted(at, np.arange(width), side="right")
    shares = np.stack([np.tile(owner == place, (height, 1)) for place in range(len(colors))])
    return RegionMap(colors, shares.astype(np.float32))


def evaluated(scenes, config, pictures, to_numpy):
    found = build_problem(scenes, config).evaluate(pictures)
    return {name: to_numpy(value) for name, value in found.terms.items()}, to_numpy(found.gradient)


@pytest.fixture(scope="module")
def content(blotches):
    return blotches(10, 48, 64)


@pytest.fixture(scope="module")
def styles(blotches):
    return blotches(20, 64, 40), blotches(21, 60, 60)


@pytest.fixture(scope="module")
def noisy(content):
    noise = np.random.default_rng(0).normal(scale=15, size=(1, 48, 64, 3))
    return (content + noise).astype(np.float32)


def test_a_region_that_covers_all_is_none(content, styles, noisy, to_numpy):
    everywhere = RegionMap((RED,), np.ones((1, 30, 40)))
    of_style = RegionMap((RED,), np.ones((1, 64, 40)))
    plain, gradient = evaluated([Scene(content, (Style(styles[0]),))], SMALL, noisy, to_numpy)
    guided = Scene(content, (Style(styles[0], regions=of_style),), everywhere)
    terms, guided_gradient = evaluated([guided], SMALL, noisy, to_numpy)
    for name, value in plain.items():
        assert terms[name] == pytest.approx(value, rel=1e-5)
    assert guided_gradient == pytest.approx(gradient, rel=1e-4, abs=1e-5 * float(np.abs(gradient).max()))


def activations(picture, layer):
    features = feature_network(resolve(SMALL).network, (layer,))(picture[np.newaxis].astype(np.float32))[layer]
    return np.asarray(features, np.float64)[0].reshape(-1, features.shape[-1]), features.shape[1:3]


def guided_gram(picture, layer, share):
    """G_r = F_rᵀ F_r / M with F_r = T_r ∘ F, written out."""
    features, (height, width) = activations(picture, layer)
    tall, wide = share.shape[0] // height, share.shape[1] // width
    guide = share.reshape(height, tall, width, wide).mean(axis=(1, 3)).ravel()
    guide = guide / np.sqrt(np.mean(guide**2))
    inside = features * guide[:, np.newaxis]
    return inside.T @ inside / len(features)


def test_guided_gram_matrices_are_those_of_the_paper(content, blotches, noisy, to_numpy):
    """Two regions with two styles, against NumPy: mean over layers of each region's balanced distance, 1/R each."""
    of_content = stripes((RED, BLUE), 48, 64, at=(20,))
    red, blue = blotches(20, 64, 48), blotches(21, 64, 64)
    of_red = stripes((BLUE, RED), 64, 48, at=(12,))
    scene = Scene(content, (Style(red, regions=of_red, region=RED), Style(blue, region=BLUE)), of_content)
    terms, _ = evaluated([scene], SMALL, noisy, to_numpy)
    expected = 0.0
    for layer in SMALL.style_layers:
        whole = np.ones((64, 64), np.float32)
        for place, (style, share) in enumerate([(red, of_red.shares[1]), (blue, whole)]):
            target = guided_gram(style, layer, share)
            ours, start = (guided_gram(one, layer, of_content.shares[place]) for one in (noisy[0], content))
            expected += 0.5 * 0.5 * np.sum((ours - target) ** 2) / np.sum((start - target) ** 2)
    assert terms["style"] == pytest.approx([expected], rel=1e-4)


def test_a_regions_style_changes_nothing_beyond_its_receptive_field(content, styles, noisy, to_numpy):
    """A convolution of 3 x 3 sees one pixel around: from there on the gradient is 0, not small."""
    config = dataclasses.replace(STYLE_ALONE, style_layers=("block1_conv1",))
    of_content = stripes((RED, BLUE), 48, 64, at=(24,))
    scene = Scene(content, (Style(styles[0], region=RED),), of_content)
    _, gradient = evaluated([scene], config, noisy, to_numpy)
    assert (gradient[:, :, 25:] == 0.0).all()
    assert np.abs(gradient[:, :, :25]).max(axis=(0, 1, 3)).min() > 0
    # Changing the other region's pixels changes nothing of the style's loss.
    changed = noisy.copy()
    changed[:, :, 25:] = 99.0
    losses_of = [evaluated([scene], config, one, to_numpy)[0]["style"] for one in (noisy, changed)]
    assert losses_of[0] == losses_of[1]


def test_the_names_of_regions_do_not_matter(content, styles, noisy, to_numpy):
    """Two colors swapped on both sides are the same loss; swapped on one side they are another."""
    of_content, of_style = stripes((RED, BLUE), 48, 64, at=(20,)), stripes((RED, BLUE), 64, 40, at=(25,))

    def swapped(regions):
        return RegionMap(regions.colors[::-1], regions.shares)

    def loss(of_content, of_style):
        scene = Scene(content, (Style(styles[0], regions=of_style),), of_content)
        terms, gradient = evaluated([scene], STYLE_ALONE, noisy, to_numpy)
        return terms["style"], gradient

    one, gradient = loss(of_content, of_style)
    both, gradient_of_both = loss(swapped(of_content), swapped(of_style))
    assert both == pytest.approx(one, rel=1e-5)
    assert gradient_of_both == pytest.approx(gradient, rel=1e-3, abs=1e-5 * float(np.abs(gradient).max()))
    assert loss(swapped(of_content), of_style)[0] != pytest.approx(one, rel=1e-3)


def test_every_row_of_a_batch_has_regions_of_its_own(blotches, styles, to_numpy):
    """A scene without regions among them is as it is alone."""
    contents = [blotches(30 + place, 48, 64) for place in range(3)]
    maps = [stripes((RED, BLUE), 48, 64, at=(20,)), stripes((BLUE, RED), 48, 64, at=(44,)), None]
    of_styles = [Style(styles[0], region=RED), Style(styles[1], region=BLUE)]
    plain = (Style(styles[0]), Style(styles[1]))
    scenes = [
        Scene(content, tuple(of_styles) if regions else plain, regions)
        for content, regions in zip(contents, maps, strict=True)
    ]
    noise = np.random.default_rng(0).normal(scale=15, size=(3, 48, 64, 3))
    pictures = (np.stack(contents) + noise).astype(np.float32)
    terms, gradients = evaluated(scenes, SMALL, pictures, to_numpy)
    for row, scene in enumerate(scenes):
        alone, gradient = evaluated([scene], SMALL, pictures[row : row + 1], to_numpy)
        assert terms["total"][row] == pytest.approx(float(alone["total"][0]), rel=1e-5)
        assert gradients[row] == pytest.approx(gradient[0], rel=1e-3, abs=1e-5 * float(np.abs(gradient).max()))


def test_without_regions_the_graph_takes_no_guides(content, styles):
    problem = build_problem([Scene(content, (Style(styles[0]),))], SMALL)
    assert set(problem.arguments[0]) == {"constants", "coefficients", "weights"}
    regions = stripes((RED, BLUE), 48, 64, at=(20,))
    guided = build_problem([Scene(content, (Style(styles[0], region=RED),), regions)], SMALL)
    assert {path: array.shape for path, array in guided.arguments[0]["guides"].items()} == {
        "0/block1_conv1": (1, 48 * 64),
        "0/block2_conv1": (1, 24 * 32),
    }
    assert guided.function is not problem.function


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_backends_agree_on_regions(backend, ask, to_numpy):
    found = ask("regions", backend)
    of_content, of_style = (RegionMap((RED, BLUE), found[name]) for name in ("of_content", "of_style"))
    scene = Scene(found["content"], (Style(found["style"], regions=of_style),), of_content)
    config = TransferConfig.from_dict(json.loads(str(found["config"])))
    terms, gradient = evaluated([scene], config, found["noisy"], to_numpy)
    assert found["total"] == pytest.approx(terms["total"], rel=1e-3)
    assert found["gradient"] == pytest.approx(gradient, rel=1e-2, abs=1e-3 * float(np.abs(gradient).max()))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Blind(Gram):
    """A loss that cannot weigh positions."""

    regions: ClassVar[bool] = False


def test_a_loss_that_cannot_weigh_positions_is_named(content, styles, monkeypatch):
    monkeypatch.setitem(losses.LOSSES, "blind", Blind)
    config = dataclasses.replace(SMALL, losses={"blind": {"layers": ("block1_conv1",)}})
    regions = stripes((RED, BLUE), 48, 64, at=(20,))
    with pytest.raises(ConfigError, match=r"^the loss blind cannot compare single regions; leave it out, or the maps"):
        build_problem([Scene(content, (Style(styles[0], region=RED),), regions)], config)
    build_problem([Scene(content, (Style(styles[0]),))], config)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Looked(Gram):
    """Balanced by looking at the content picture."""

    def between(self, seen, target):
        return None

    @property
    def compares_targets(self):
        return False


def test_a_loss_that_compares_no_targets_is_balanced_in_its_region(content, styles, noisy, monkeypatch, to_numpy):
    monkeypatch.setitem(losses.LOSSES, "looked", Looked)
    config = dataclasses.replace(SMALL, losses={"looked": {"layers": SMALL.style_layers}})
    scene = Scene(content, (Style(styles[0], region=RED),), stripes((RED, BLUE), 48, 64, at=(20,)))
    terms, _ = evaluated([scene], config, noisy, to_numpy)
    assert terms["style"] == pytest.approx(2 * terms["looked"], rel=1e-4)


def test_a_further_loss_is_guided_at_layers_of_its_own(content, styles, noisy, to_numpy):
    """It is what the same loss is at layers that the Gram loss reads too."""
    further = {"gram": {"weight": 0.0}, "mean_variance": {"layers": ["block2_conv1"]}}
    regions = stripes((RED, BLUE), 48, 64, at=(20,))
    scene = Scene(content, (Style(styles[0], region=RED),), regions)
    found = []
    for weight in (0.0, 1e-6):
        settings = {**further, "gram": {"weight": weight}}
        layers = ("block1_conv1",) if weight else ()  # refused where nothing reads them
        config = dataclasses.replace(SMALL, style_layers=layers, losses=settings)
        found.append(evaluated([scene], config, noisy, to_numpy)[0]["mean_variance"])
    whole = evaluated([Scene(content, (Style(styles[0]),))], config, noisy, to_numpy)[0]["mean_variance"]
    assert found[0] == pytest.approx(found[1], rel=1e-5)
    assert found[0] != pytest.approx(whole, rel=1e-3)


def test_the_memory_of_regions_is_told(content, styles):
    """Each pair of a region and a style keeps its part of the features of two layers."""
    regions = stripes((RED, BLUE), 48, 64, at=(20,))
    scene = Scene(content, (Style(styles[0], region=RED), Style(styles[1])), regions)
    assert scene.guides == 2
    assert Scene(content, (Style(styles[0]),)).guides == 0
    recipe = resolve(SMALL)
    more = required_memory(recipe, 48, 64, guides=2) - required_memory(recipe, 48, 64)
    assert more == pytest.approx(1.05 * 2 * 4 * (48 * 64 * 64 + 24 * 32 * 128), rel=1e-3)


def painted(first: tuple[int, int, int], second: tuple[int, int, int], height: int, width: int, at: int) -> np.ndarray:
    picture = np.full((height, width, 3), first, np.uint8)
    picture[:, at:] = second
    return picture


def test_painted_maps_are_keyword_arguments(content, styles, to_numpy):
    of_content = painted((255, 0, 0), (0, 0, 255), 48, 64, 20)
    of_style = painted((0, 0, 255), (255, 0, 0), 64, 40, 25)
    arguments = {"content_regions": of_content, "style_regions": of_style}
    objective = build_objective(content, styles[0], SMALL, **arguments)
    assert objective.components(objective.x0)["style"] == pytest.approx(1.0, rel=1e-4)
    plain = build_objective(content, styles[0], SMALL)
    noise = np.random.default_rng(0).uniform(0, 255, objective.x0.size)
    assert objective.components(noise)["style"] != pytest.approx(plain.components(noise)["style"], rel=1e-3)
    result = style_transfer(content, styles[0], dataclasses.replace(SMALL, coarse_sizes=(56,)), **arguments)
    assert result.trace[-1].total < result.trace[0].total
    assert [run.size for run in result.coarse] == [56]
    with pytest.raises(ConfigError, match="no style has one"):
        build_objective(content, styles[0], SMALL, content_regions=of_content)
    mixed = [StyleSource(styles[0], region=RED), styles[1]]
    result = style_transfer(content, mixed, SMALL, style_weights=(1, 2), content_regions=of_content)
    assert result.trace[-1].total < result.trace[0].total


def test_weights_one_and_zero_are_one_style(content, styles, noisy):
    both = build_objective(content, list(styles), SMALL, style_weights=(1, 0))
    alone = build_objective(content, styles[0], SMALL)
    (loss, gradient), (expected, of_one) = (each(noisy.astype(np.float64).ravel()) for each in (both, alone))
    assert loss == pytest.approx(expected, rel=1e-5)
    assert np.linalg.norm(gradient - of_one) <= 1e-5 * np.linalg.norm(of_one)
