"""Runs in batches against the same runs alone."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest

from nstcore import (
    ConfigError,
    DivergenceError,
    MemoryShortageError,
    TransferConfig,
    WeightsError,
    memory,
    style_transfer,
)
from nstcore.pictures.images import write_picture
from nstcore.recipe import resolve
from nstcore.scene import Scene, Style
from nstcore.targets import SceneTargets, Targets, scene_targets
from nstcore.transfer import transfer

SMALL = TransferConfig(
    backbone="vgg16",
    weights="random",
    size=64,
    iterations=6,
    content_layers=("block2_conv2",),
    style_layers=("block1_conv1", "block2_conv1"),
    total_variation_weight=1e-6,
)
HEIGHT, WIDTH = 48, 64
EVERY_OPTIMIZER = pytest.mark.parametrize("optimizer", ["lbfgs", "lbfgs-device", "adam"])


@pytest.fixture(scope="module")
def scenes(blotches):
    """Three scenes of one content size, whose styles are of any."""
    styles = ((64, 40), (48, 64), (60, 60))
    return [scene(blotches(10 + n, HEIGHT, WIDTH), blotches(20 + n, *size)) for n, size in enumerate(styles)]


def scene(content: np.ndarray, style: np.ndarray) -> Scene:
    return Scene(content, (Style(style),))


@EVERY_OPTIMIZER
@pytest.mark.parametrize("pixel_range", ["bounded", "free"])
def test_runs_in_a_batch_are_the_runs_alone(scenes, pixel_range, optimizer):
    config = dataclasses.replace(SMALL, pixel_range=pixel_range, optimizer=optimizer)
    seen = [[], [], []]
    together = transfer(scenes, config, callbacks=[iterates.append for iterates in seen])
    for scene, result, iterates in zip(scenes, together, seen, strict=True):
        (alone,) = transfer([scene], config)
        assert list(result.trace) == iterates
        # L-BFGS turns rounding into steps of its own sooner or later; the terms differ before their sum does.
        for one, other in zip(result.trace, alone.trace, strict=True):
            assert one.total == pytest.approx(other.total, rel=1e-3)
            for term in ("content", "style", "total_variation"):
                assert getattr(one, term) == pytest.approx(getattr(other, term), rel=0.02, abs=1e-7)
        assert np.abs(result.image.astype(int) - alone.image).mean() < 0.5
        assert (result.config, result.weights) == (alone.config, alone.weights)


@pytest.mark.parametrize("optimizer", ["lbfgs", "lbfgs-device"])
def test_each_run_stops_when_it_is_done(scenes, blotches, optimizer):
    """A picture in its own style has nothing to optimise, and stops long before the others."""
    picture = blotches(10, HEIGHT, WIDTH)
    config = dataclasses.replace(SMALL, total_variation_weight=0.0, optimizer=optimizer)
    done, *others = transfer([scene(picture, picture), *scenes[1:]], config)
    assert len(done.trace) < config.iterations
    assert (done.image == picture).all()
    assert [len(result.trace) for result in others] == [config.iterations + 1] * 2


@EVERY_OPTIMIZER
def test_a_run_that_diverges_fails_alone(scenes, optimizer):
    config = dataclasses.replace(SMALL, optimizer=optimizer)
    kept = [scene_targets(one, resolve(config)) for one in scenes]
    arrays = {name: np.full_like(array, np.nan) for name, array in kept[1].styles[0].to_arrays().items()}
    kept[1] = SceneTargets(kept[1].content, (Targets.from_arrays(arrays),))
    first, error, last = transfer(scenes, config, kept)
    assert isinstance(error, DivergenceError)
    assert "style loss became nan at evaluation 1" in str(error)
    (alone,) = transfer([scenes[0]], config)
    assert first.trace[-1].total == pytest.approx(alone.trace[-1].total, rel=1e-3)
    assert len(last.trace) == SMALL.iterations + 1


def test_what_no_run_can_do_fails_them_all(scenes):
    results = transfer(scenes, dataclasses.replace(SMALL, weights="absent.weights.h5"))
    assert [type(result) for result in results] == [WeightsError] * 3


def test_a_picture_to_start_from_that_scenes_do_not_have_fails_them_all(scenes, tmp_path):
    write_picture(tmp_path / "start.png", scenes[0].content)
    config = dataclasses.replace(SMALL, init=str(tmp_path / "start.png"), coarse_sizes=(48,))
    results = transfer(scenes, config)
    assert [type(result) for result in results] == [ConfigError] * 3
    assert "the picture to start from has to be given" in str(results[0])


@EVERY_OPTIMIZER
def test_bfloat16_runs_end_with_the_loss_itself(scenes, optimizer):
    config = dataclasses.replace(SMALL, precision="bfloat16", iterations=10, optimizer=optimizer)
    exact = transfer(scenes, dataclasses.replace(config, precision="float32"))
    for result, reference in zip(transfer(scenes, config), exact, strict=True):
        assert len(result.trace) == 11
        assert result.trace[0].total == pytest.approx(reference.trace[0].total, rel=0.02)
        assert result.trace[-1].total < 1.1 * reference.trace[-1].total


def test_pictures_of_two_sizes_are_no_batch(scenes, blotches):
    found = transfer([scenes[0], scene(blotches(1, 64, 48), blotches(2, 64, 48))], SMALL)
    assert [type(one) for one in found] == [ConfigError] * 2
    assert "one size. Received: (height, width) of [(48, 64), (64, 48)]" in str(found[0])


def test_a_callback_that_is_interrupted_ends_every_run(scenes):
    before = threading.active_count()

    def interrupt(iterate):
        if iterate.iteration == 2:
            raise KeyboardInterrupt

    seen = []
    with pytest.raises(KeyboardInterrupt):
        transfer(scenes, SMALL, callbacks=[seen.append, interrupt, None])
    assert threading.active_count() == before
    assert len(seen) <= 4


def test_coarse_runs_are_batches_too_and_narrow_pictures_do_without(scenes, blotches):
    config = dataclasses.replace(SMALL, coarse_sizes=(48,))
    narrow = scene(scenes[0].content, blotches(30, 64, 41))  # 31 pixels wide at 48
    results = transfer([scenes[1], narrow, scenes[2]], config)
    for result, (content, style) in zip(
        results[:2],
        [(one.content, one.styles[0].picture) for one in (scenes[1], narrow)],
        strict=True,
    ):
        alone = style_transfer(content, style, config)
        assert [run.size for run in result.coarse] == [run.size for run in alone.coarse]
        assert [one.total for one in result.trace] == pytest.approx([one.total for one in alone.trace], rel=1e-2)
    assert [len(result.coarse) for result in results] == [1, 0, 1]


def test_a_batch_that_cannot_fit_is_refused_before_its_coarse_runs(scenes, monkeypatch):
    alone = memory.required_memory(resolve(SMALL), HEIGHT, WIDTH)
    monkeypatch.setattr(memory, "free_memory", lambda: 2 * alone)
    results = transfer(scenes, dataclasses.replace(SMALL, coarse_sizes=(48,)))
    assert all(isinstance(result, MemoryShortageError) for result in results)
    assert "3 pictures of 64 x 48" in str(results[0])


def test_coarse_runs_go_from_small_to_large_whichever_pair_comes_first(scenes, blotches):
    config = dataclasses.replace(SMALL, coarse_sizes=(48, 56), iterations=2)
    narrow = scene(scenes[0].content, blotches(30, 64, 41))  # 31 pixels wide at 48, 36 at 56
    results = transfer([narrow, scenes[1]], config)
    assert [[run.size for run in result.coarse] for result in results] == [[56], [48, 56]]
