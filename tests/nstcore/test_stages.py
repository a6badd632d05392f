"""Losses that count in a part of the iterations."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from nstcore import ConfigError, TransferConfig, build_objective, level, style_transfer
from nstcore.loading import load_scene
from nstcore.loss_inputs import loss_inputs
from nstcore.losses import make_loss
from nstcore.optimizers import OPTIMIZERS, make_optimizer
from nstcore.problem import build_problem
from nstcore.recipe import resolve
from nstcore.run import Run
from nstcore.scene import Scene, Style
from nstcore.targets import look, scene_targets

LAYERS = ("block1_conv1", "block2_conv1")
LAST = {
    "gram": {"weight": 0.0},
    "mean_variance": {"layers": LAYERS, "ends": 0.5},
    "wasserstein": {"layers": LAYERS, "begins": 0.5},
}
CONFIG = TransferConfig(
    "vgg16", weights="random", size=48, iterations=8, coarse_sizes=(), content_layers=LAYERS[1:], losses=LAST
)


@pytest.fixture(scope="module")
def pictures(blotches):
    return blotches(1, 48, 40), blotches(2, 48, 48)


def only(name: str, **settings) -> TransferConfig:
    """With one of both losses, throughout."""
    losses = {"gram": {"weight": 0.0}, name: {"layers": LAYERS}}
    return dataclasses.replace(CONFIG, losses=losses, **settings)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_loss_takes_the_place_of_another(pictures, optimizer):
    """The first half is a run of the one alone; the other then goes down from where that ended."""
    result = style_transfer(*pictures, dataclasses.replace(CONFIG, optimizer=optimizer))
    first = style_transfer(*pictures, only("mean_variance", optimizer=optimizer, iterations=4))
    totals = [one.total for one in result.trace]
    assert totals[:5] == pytest.approx([one.total for one in first.trace], rel=1e-4)
    assert [one.losses["wasserstein"] > 0 for one in result.trace] == [False] * 5 + [True] * 4
    assert [one.losses["mean_variance"] > 0 for one in result.trace] == [True] * 5 + [False] * 4
    objective = build_objective(*pictures, only("wasserstein"))
    reached, ended = (objective.components(one.pixels.astype(float).ravel()) for one in (first, result))
    assert ended["total"] < 0.99 * reached["total"]


@pytest.mark.parametrize("optimizer", ["lbfgs", "lbfgs-device"])
def test_curvature_of_another_loss_is_not_kept(monkeypatch, pictures, optimizer):
    """The second half is a run of the other loss alone, from the picture that the first half ends at."""
    config = dataclasses.replace(CONFIG, optimizer=optimizer, pixel_range="free")
    result = style_transfer(*pictures, config)
    first = style_transfer(
        *pictures, dataclasses.replace(only("mean_variance"), optimizer=optimizer, pixel_range="free", iterations=4)
    )
    recipe = resolve(only("wasserstein", optimizer=optimizer, pixel_range="free", iterations=4))
    monkeypatch.setattr(level, "starting_picture", lambda *_: first.pixels)
    (second,) = level.optimize([load_scene(*pictures, recipe)], recipe)
    assert [one.total for one in result.trace][5:] == pytest.approx([one.total for one in second.trace][1:], rel=0.05)


@pytest.mark.parametrize("optimizer", ["lbfgs", "lbfgs-device", "adam"])
def test_a_state_goes_on_in_its_stage(pictures, optimizer):
    """To the bit, whether it was kept before the loss changed or after."""
    recipe = resolve(dataclasses.replace(CONFIG, optimizer=optimizer))
    scene = load_scene(*pictures, recipe)

    def made(totals):
        return Run(
            build_problem([scene], recipe),
            make_optimizer(optimizer, recipe.optimizer_settings),
            recipe.stopping(0.0),
            lambda row, count, terms: totals.append(terms["total"]),
            recipe.parametrization,
            states=True,
        )

    totals: list[float] = []
    states = {}
    run = made(totals)
    run.start(scene.content[np.newaxis].astype(np.float32))
    run.finish(lambda: states.setdefault(len(totals), run.state_dict()))
    assert [int(states[count]["refined"]) for count in (3, 7)] == [0, 1]
    for count in (3, 7):
        rest: list[float] = []
        other = made(rest)
        other.load_state(states[count])
        other.finish()
        assert rest == totals[count:]


def test_both_halves_may_overlap_and_both_count_then(pictures):
    losses = {**LAST, "mean_variance": {"layers": LAYERS}}
    result = style_transfer(*pictures, dataclasses.replace(CONFIG, losses=losses))
    assert [one.losses["wasserstein"] > 0 for one in result.trace] == [False] * 5 + [True] * 4
    assert all(one.losses["mean_variance"] > 0 for one in result.trace)
    last = result.trace[-1]
    assert last.style == pytest.approx(last.losses["wasserstein"] + last.losses["mean_variance"], rel=1e-5)


def test_coarse_runs_have_what_begins_with_them_throughout(pictures):
    config = dataclasses.replace(CONFIG, coarse_sizes=(40,))
    result = style_transfer(*pictures, config)
    (coarse,) = result.coarse
    assert {name for one in coarse.trace for name in one.losses} == {"mean_variance"}
    alone = style_transfer(*pictures, only("mean_variance", size=40, iterations=4))
    assert coarse.trace[-1].total == pytest.approx(alone.trace[-1].total, rel=1e-3)
    assert result.trace[-1].losses.keys() == {"mean_variance", "wasserstein"}


def test_stages_and_bfloat16_go_on_in_float32(pictures):
    config = dataclasses.replace(CONFIG, iterations=10, precision="bfloat16")
    rounded, exact = (
        style_transfer(*pictures, dataclasses.replace(config, precision=one)) for one in ("bfloat16", "float32")
    )
    assert [one.losses["wasserstein"] > 0 for one in rounded.trace] == [False] * 6 + [True] * 5
    assert rounded.trace[-1].total == pytest.approx(exact.trace[-1].total, rel=0.05)
    # float32 from the eighth on: the total is that of the picture, to the digits of float32.
    objective = build_objective(*pictures, only("wasserstein"))
    assert rounded.trace[-1].total == pytest.approx(objective(rounded.pixels.astype(float).ravel())[0], rel=1e-3)


def test_the_shares_and_what_is_silent_in_each():
    recipe = resolve(
        dataclasses.replace(CONFIG, losses={**LAST, "histogram": {"layers": LAYERS, "begins": 0.25, "ends": 0.75}})
    )
    assert recipe.stages == (
        (0.0, ("wasserstein", "histogram")),
        (0.25, ("wasserstein",)),
        (0.5, ("mean_variance",)),
        (0.75, ("mean_variance", "histogram")),
    )
    assert [name for name, _ in recipe.unstaged().losses] == ["content", "total_variation", "mean_variance"]
    assert resolve(only("wasserstein")).unstaged().stages == ((0.0, ()),)


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        (
            {"wasserstein": {"layers": LAYERS, "begins": 0.5, "ends": 0.5}},
            r"begins must be .*begins < ends <= 1; ends is 0\.5",
        ),
        ({"wasserstein": {"layers": LAYERS, "ends": 1.5}}, "ends is 1.5"),
        ({"wasserstein": {"layers": LAYERS, "ends": 0}}, "ends is 0"),
        ({"wasserstein": {"layers": LAYERS, "begins": "half"}}, r"Wasserstein\.begins must be a finite number"),
        ({"total_variation": {"begins": 0.5}}, "losses.total_variation may set nothing"),
    ],
)
def test_parts_that_make_no_sense_are_refused(losses, message):
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(CONFIG, losses=losses)


def test_something_counts_throughout():
    settings = {"content_weight": 0.0, "total_variation_weight": 0.0}
    with pytest.raises(ConfigError, match=r"no loss with a weight counts from 0 of the iterations on"):
        dataclasses.replace(CONFIG, **settings, losses={"gram": {"begins": 0.5}})
    with pytest.raises(ConfigError, match=r"no loss with a weight counts from 0\.5 of the iterations on"):
        dataclasses.replace(CONFIG, **settings, losses={"gram": {"ends": 0.5}})
    settings["content_weight"] = 1.0
    assert dataclasses.replace(CONFIG, **settings, losses={"gram": {"ends": 0.5}, "content": {"begins": 0.5}})


def test_matches_of_a_later_size_are_found_for_what_came_of_the_one_before(pictures):
    """A quarter of the change, the content's details as they are; by hand."""
    config = dataclasses.replace(
        CONFIG, losses={"gram": {"weight": 0.0}, "nearest_neighbors": {"layers": LAYERS}}, coarse_sizes=(40,)
    )
    recipe = resolve(config)
    scene = load_scene(*pictures, recipe)
    small = np.asarray(
        style_transfer(*pictures, dataclasses.replace(config, size=40, coarse_sizes=(), iterations=4)).image
    )
    before = dataclasses.replace(scene, before=small)
    assert (before.progressed(0.0) == scene.content).all()
    assert (scene.progressed(0.25) == scene.content).all()
    changed = before.progressed(0.25)
    assert (
        1.0
        < np.abs(changed.astype(float) - scene.content).mean()
        < np.abs(before.progressed(1.0) - scene.content.astype(float)).mean()
    )
    unchanged = dataclasses.replace(
        scene, before=np.asarray(load_scene(*pictures, dataclasses.replace(config, size=40, coarse_sizes=())).content)
    )
    assert (unchanged.progressed(1.0) == scene.content).all()  # no change, whatever the size lost
    loss = dict(recipe.losses)["nearest_neighbors"]
    reading = "+".join(LAYERS)
    style = look(scene.styles[0].picture, (("nearest_neighbors", loss),), recipe)["nearest_neighbors", reading]
    seen = look(changed, (("nearest_neighbors", loss),), recipe)["nearest_neighbors", reading]
    kept = scene_targets(scene, recipe)
    inputs = {one: loss_inputs(each, kept, recipe) for one, each in (("first", scene), ("later", before))}
    path = f"nearest_neighbors/0/{reading}/features"
    expected = loss.matched(style, seen)["features"]
    assert (inputs["later"]["constants"][path] == expected).all()
    assert (inputs["first"]["constants"][path] != expected).any()
    content_alone = make_loss("nearest_neighbors", {"layers": LAYERS, "progress": 0.0})
    assert content_alone.progress_matched == make_loss("nearest_neighbors", {"fixed": False}).progress_matched == 0.0
    with pytest.raises(ConfigError, match="progress"):
        make_loss("nearest_neighbors", {"progress": 1.5})


def test_a_scene_is_first_unless_something_came_before(pictures):
    assert Scene(pictures[0], (Style(pictures[1]),)).before is None
