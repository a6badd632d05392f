"""The assembled loss: structures that share what is compiled, batches, several styles, losses of one's own."""

from __future__ import annotations

import dataclasses
import gc
import weakref
from typing import ClassVar

import numpy as np
import pytest
from keras import ops

from nstcore import ConfigError, TransferConfig, loss_graph, losses
from nstcore.losses import Loss
from nstcore.problem import build_problem
from nstcore.recipe import resolve
from nstcore.scene import Scene, Style
from nstcore.targets import Targets, scene_targets

SMALL = TransferConfig(
    backbone="vgg16",
    weights="random",
    size=64,
    content_layers=("block2_conv2",),
    style_layers=("block1_conv1", "block2_conv1"),
    total_variation_weight=1e-6,
)


@pytest.fixture(scope="module")
def scenes(blotches):
    """Three scenes of one content size, whose styles are of any."""
    styles = ((64, 40), (48, 64), (60, 60))
    return [Scene(blotches(10 + n, 48, 64), (Style(blotches(20 + n, *size)),)) for n, size in enumerate(styles)]


@pytest.fixture(scope="module")
def noisy(scenes):
    noise = np.random.default_rng(0).normal(scale=15, size=(3, 48, 64, 3))
    return np.stack([scene.content for scene in scenes]).astype(np.float32) + noise.astype(np.float32)


def evaluated(problem, pictures, to_numpy):
    found = problem.evaluate(pictures)
    return {name: to_numpy(value) for name, value in found.terms.items()}, to_numpy(found.gradient)


@pytest.mark.parametrize("total_variation", ["power", "squared"])
def test_a_batch_has_the_terms_and_gradients_of_its_pictures(scenes, noisy, to_numpy, total_variation):
    config = dataclasses.replace(SMALL, total_variation=total_variation)
    all_terms, gradients = evaluated(build_problem(scenes, config), noisy, to_numpy)
    for row, scene in enumerate(scenes):
        terms, gradient = evaluated(build_problem([scene], config), noisy[row : row + 1], to_numpy)
        for name, values in all_terms.items():
            assert values[row] == pytest.approx(terms[name][0], rel=1e-4)
        assert np.linalg.norm(gradients[row] - gradient[0]) < 1e-4 * np.linalg.norm(gradient)


def test_a_picture_that_is_not_a_number_leaves_the_others_alone(scenes, noisy, to_numpy):
    problem = build_problem(scenes, SMALL)
    terms, gradients = evaluated(problem, noisy, to_numpy)
    poisoned = noisy.copy()
    poisoned[1] = np.nan
    poisoned_terms, poisoned_gradients = evaluated(problem, poisoned, to_numpy)
    assert np.isnan(poisoned_terms["total"][1])
    for row in (0, 2):
        assert poisoned_terms["total"][row] == pytest.approx(terms["total"][row], rel=1e-5)
        assert np.allclose(poisoned_gradients[row], gradients[row], rtol=1e-3, atol=1e-8)


def test_a_graph_that_is_dropped_is_kept_by_nothing(blotches, monkeypatch):
    """The network that it looked through stays; in a long grid of many sizes it must not gather graphs."""
    build, made = loss_graph.build_loss_graph, []

    def watched(structure):
        graph = build(structure)
        made.extend(map(weakref.ref, graph.outputs))
        return graph

    monkeypatch.setattr(loss_graph, "build_loss_graph", watched)
    for height in (40, 41):
        build_problem([Scene(blotches(1, height, 40), (Style(blotches(2, 40, 40)),))], SMALL)
    assert [ref() is None for ref in made] == [False, False]
    loss_graph.compiled_loss.cache_clear()
    gc.collect()
    assert [ref() for ref in made] == [None, None]


def test_one_compiled_function_serves_all_weightings_and_normalizations(scenes):
    variants = [
        {"style_normalization": "gatys"},
        {"content_weight": 9.0, "style_weight": 2.0},
        {"seed": 3, "init": "noise", "iterations": 7, "optimizer": "adam"},
        {"style_layer_weights": (1.0, 0.0)},
        {"losses": {"gram": {"weight": 0.5}}},
    ]
    functions = {build_problem(scenes[:1], dataclasses.replace(SMALL, **variant)).function for variant in variants}
    assert len(functions) == 1
    for variant in ({"pooling": "avg"}, {"total_variation": "squared"}, {"style_layers": ("block1_conv1",)}):
        assert build_problem(scenes[:1], dataclasses.replace(SMALL, **variant)).function not in functions


def test_an_approximation_knows_the_loss_itself(scenes, noisy, to_numpy):
    exact = build_problem(scenes, SMALL)
    rounded = build_problem(scenes, dataclasses.replace(SMALL, precision="bfloat16"))
    assert exact.refined() is None
    refined = rounded.refined()
    assert refined.function is exact.function
    ours, theirs = (evaluated(problem, noisy, to_numpy)[0]["total"] for problem in (refined, exact))
    assert ours == pytest.approx(theirs, rel=1e-6)
    approximate = evaluated(rounded, noisy, to_numpy)[0]["total"]
    assert (approximate != theirs).any()
    assert approximate == pytest.approx(theirs, rel=0.02)


def test_what_was_kept_of_pictures_takes_their_place(scenes, noisy, to_numpy):
    recipe = resolve(SMALL)
    kept = [scene_targets(scene, recipe) for scene in scenes]
    read = [
        dataclasses.replace(
            one,
            content=Targets.from_arrays(one.content.to_arrays()),
            styles=tuple(Targets.from_arrays(style.to_arrays()) for style in one.styles),
        )
        for one in kept
    ]
    ours, _ = evaluated(build_problem(scenes, recipe, read), noisy, to_numpy)
    expected, _ = evaluated(build_problem(scenes, recipe), noisy, to_numpy)
    for name, values in expected.items():
        assert (ours[name] == values).all()


def mixture(scene: Scene, *styles: tuple[np.ndarray, float]) -> Scene:
    return dataclasses.replace(scene, styles=tuple(Style(*style) for style in styles))


def test_a_style_of_no_weight_is_as_if_it_were_not_there(scenes, noisy, to_numpy):
    one, other = scenes[0].styles[0].picture, scenes[1].styles[0].picture
    alone, gradient = evaluated(build_problem(scenes[:1], SMALL), noisy[:1], to_numpy)
    mixed = build_problem([mixture(scenes[0], (one, 1.0), (other, 0.0))], SMALL)
    terms, mixed_gradient = evaluated(mixed, noisy[:1], to_numpy)
    assert terms["style"] == pytest.approx(alone["style"], rel=1e-6)
    assert mixed_gradient == pytest.approx(gradient, rel=1e-3, abs=1e-6 * float(np.abs(gradient).max()))


def test_a_mixture_is_the_mean_of_its_styles(scenes, noisy, to_numpy):
    one, other = scenes[0].styles[0].picture, scenes[1].styles[0].picture
    shares = {1.0: one, 3.0: other}
    alone = {
        weight: evaluated(build_problem([mixture(scenes[0], (picture, 1.0))], SMALL), noisy[:1], to_numpy)[0]["style"]
        for weight, picture in shares.items()
    }
    mixed = build_problem([mixture(scenes[0], (one, 1.0), (other, 3.0))], SMALL)
    terms, _ = evaluated(mixed, noisy[:1], to_numpy)
    assert terms["style"] == pytest.approx((alone[1.0] + 3 * alone[3.0]) / 4, rel=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda scenes, blotches: [scenes[0], Scene(blotches(1, 64, 48), scenes[0].styles)], r"\(48, 64\), \(64, 48\)"),
        (lambda scenes, blotches: [scenes[0], mixture(scenes[1], *[(scenes[1].content, 1.0)] * 2)], "1, 2 styles"),
    ],
)
def test_scenes_that_are_no_batch_are_refused(scenes, blotches, change, message):
    with pytest.raises(ConfigError, match=message):
        build_problem(change(scenes, blotches), SMALL)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Brightness(Loss):
    """Mean features compared: it keeps no target of the content picture, so the engine must look to balance it."""

    reads: ClassVar = "style"

    def target(self, features, guide=None):
        return {"mean": ops.mean(features, axis=1)}

    def value(self, features, target, guide=None):
        return ops.sum(ops.square(ops.mean(features, axis=1) - target["mean"]), axis=-1)

    def coefficient(self, layer):
        return None


@pytest.fixture
def brightness(monkeypatch):
    monkeypatch.setitem(losses.LOSSES, "brightness", Brightness)
    return {"brightness": {"weight": 2.0, "layers": ("block1_conv1", "block1_conv2")}}


def test_a_loss_that_compares_no_targets_is_balanced_by_looking(scenes, noisy, brightness, to_numpy):
    config = dataclasses.replace(SMALL, losses=brightness)
    problem = build_problem(scenes, config)
    assert problem.terms == ("total", "content", "style", "total_variation", "brightness")
    at_content = np.stack([scene.content for scene in scenes]).astype(np.float32)
    terms, _ = evaluated(problem, at_content, to_numpy)
    assert terms["brightness"] == pytest.approx(np.ones(3), rel=1e-4)
    assert terms["style"] == pytest.approx(np.full(3, 1.0 + 2.0), rel=1e-4)  # Gram's 1, and twice this one's 1


def test_terms_add_up_to_the_total(scenes, noisy, brightness, to_numpy):
    config = dataclasses.replace(SMALL, losses=brightness, content_weight=0.3, style_weight=7.0)
    terms, gradient = evaluated(build_problem(scenes, config), noisy, to_numpy)
    expected = 0.3 * terms["content"] + 7.0 * terms["style"] + 1e-6 * terms["total_variation"]
    assert terms["total"] == pytest.approx(expected, rel=1e-5)
    assert np.isfinite(gradient).all()


def test_gram_can_make_room_for_another_loss_of_the_style(scenes, noisy, brightness, to_numpy):
    config = dataclasses.replace(SMALL, losses={**brightness, "gram": {"weight": 0.0}})
    problem = build_problem(scenes, config)
    terms, _ = evaluated(problem, noisy, to_numpy)
    assert terms["style"] == pytest.approx(2.0 * terms["brightness"], rel=1e-6)
    assert not any("gram" in path for path in problem.arguments[0]["constants"])


def test_the_gradient_of_every_loss_is_what_central_differences_measure(scenes, noisy, brightness, to_numpy):
    config = dataclasses.replace(SMALL, losses=brightness, content_layers=("block1_conv2",))
    problem = build_problem(scenes[:1], config)
    _, gradient = evaluated(problem, noisy[:1], to_numpy)
    direction = np.sign(gradient)
    step = 1.0
    above, below = (
        float(evaluated(problem, noisy[:1] + sign * step * direction, to_numpy)[0]["total"][0]) for sign in (1, -1)
    )
    assert (above - below) / (2 * step) == pytest.approx(float(np.sum(gradient * direction)), rel=2e-2)


def test_unknown_layers_of_any_loss_list_the_known_ones(scenes, brightness):
    config = dataclasses.replace(SMALL, losses={"brightness": {"layers": ("block9_conv1",)}})
    with pytest.raises(ConfigError, match=r"block1_conv1, block1_conv2.*block9_conv1"):
        build_problem(scenes[:1], config)


@pytest.mark.parametrize("weights", [(0.0, 0.0), (-1.0, 2.0), (float("nan"),), (1e308, 1e308), ()])
def test_styles_whose_weights_cannot_be_are_refused(scenes, weights):
    with pytest.raises(ConfigError, match=r"style.*Received"):
        Scene(scenes[0].content, tuple(Style(scenes[0].content, weight) for weight in weights))


def test_a_content_loss_that_sees_no_structure_is_balanced_by_what_it_sees(scenes, monkeypatch, to_numpy):
    """Its value where every feature is at its mean is 0."""

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class SameBrightness(Brightness):
        reads: ClassVar = "content"

    monkeypatch.setitem(losses.LOSSES, "same_brightness", SameBrightness)
    config = dataclasses.replace(SMALL, losses={"same_brightness": {"layers": ("block1_conv1",)}})
    black = np.zeros((1, 48, 64, 3), np.float32)
    terms, gradient = evaluated(build_problem(scenes[:1], config), black, to_numpy)
    assert 0 < terms["same_brightness"][0] < 100
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
    "off",
    [
        {"losses": {"content": {"weight": 0}, "gram": {"weight": 0}}, "content_layers": (), "style_layers": ()},
        {"content_weight": 0.0, "style_weight": 0.0},
    ],
)
def test_total_variation_can_be_all_that_is_optimized(scenes, noisy, to_numpy, off):
    terms, _ = evaluated(build_problem(scenes, dataclasses.replace(SMALL, **off)), noisy, to_numpy)
    assert terms["total"] == pytest.approx(1e-6 * terms["total_variation"], rel=1e-5)


@pytest.mark.parametrize("layers", [(), []])
def test_a_loss_of_layers_needs_some(brightness, layers):
    with pytest.raises(ConfigError, match=r"losses\.brightness\.layers must be one or more layer names"):
        dataclasses.replace(SMALL, losses={"brightness": {"layers": layers}})


def test_a_name_that_is_given_to_another_loss_means_that_one(scenes, noisy, brightness, monkeypatch, to_numpy):
    class Doubled(Brightness):
        def value(self, features, target, guide=None):
            return 2.0 * super().value(features, target, guide)

        def coefficient(self, layer):
            return 1.0

    config = dataclasses.replace(SMALL, losses=brightness)
    build_problem(scenes, config)
    monkeypatch.setitem(losses.LOSSES, "brightness", Doubled)
    (_, found) = resolve(config).losses[-1]
    assert type(found) is Doubled


def test_styles_that_cannot_be_evaluated_together_are_named(scenes, monkeypatch):
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Everything(Loss):
        reads: ClassVar = "style"

        def target(self, features, guide=None):
            return {"features": features}

        def value(self, features, target, guide=None):
            return ops.mean(features, axis=(1, 2)) * ops.mean(target["features"], axis=(1, 2))

    monkeypatch.setitem(losses.LOSSES, "everything", Everything)
    config = dataclasses.replace(SMALL, losses={"everything": {"layers": ("block1_conv1",)}})
    build_problem(scenes[:1], config)
    with pytest.raises(ConfigError, match="the loss 'everything' keeps of these styles differs in size"):
        build_problem(scenes, config)


def test_coarse_runs_keep_what_a_recipe_was_given(brightness):
    recipe = dataclasses.replace(resolve(dataclasses.replace(SMALL, size=96, coarse_sizes=(48,))), style_weight=7.0)
    (coarse,) = recipe.coarse()
    assert (coarse.style_weight, coarse.size, coarse.losses) == (7.0, 48, recipe.losses)
