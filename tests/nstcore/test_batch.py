"""Runs in batches against the same runs alone."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest

from nstcore import (
    DivergenceError,
    MemoryShortageError,
    TransferConfig,
    WeightsError,
    memory,
    style_transfer,
)
from nstcore.batch import Pair, optimize_batch, transfer_batch
from nstcore.objective import compiled_loss
from nstcore.targets import content_target, style_target, target_network
from nstcore.weighting import graph_inputs, stack_inputs

SMALL = TransferConfig(
    backbone="vgg16",
    weights="random",
    size=64,
    iterations=6,
    content_layers=("block2_conv2",),
    style_layers=("block1_conv1", "block2_conv1"),
    total_variation_weight=1e-6,
).resolved()
HEIGHT, WIDTH = 48, 64
EVERY_OPTIMIZER = pytest.mark.parametrize("optimizer", ["lbfgs", "lbfgs-device"])


@pytest.fixture(scope="module")
def pairs(blotches):
    """Three pairs of one content size, whose styles are of any."""
    styles = ((64, 40), (48, 64), (60, 60))
    return [pair(blotches(10 + n, HEIGHT, WIDTH), blotches(20 + n, *size)) for n, size in enumerate(styles)]


def pair(content: np.ndarray, style: np.ndarray, config: TransferConfig = SMALL) -> Pair:
    extractor = target_network(config)
    return Pair(content, style, content_target(content, extractor, config), style_target(style, extractor, config))


def inputs_of(pair: Pair) -> dict:
    return graph_inputs(SMALL, pair.content, pair.style, HEIGHT, WIDTH)


@pytest.mark.parametrize("total_variation", ["power", "squared"])
def test_a_batch_has_the_terms_and_gradients_of_its_pictures(pairs, total_variation):
    config = dataclasses.replace(SMALL, total_variation=total_variation)
    noise = np.random.default_rng(0).normal(scale=15, size=(3, HEIGHT, WIDTH, 3))
    pictures = np.stack([pair.content_picture for pair in pairs]).astype(np.float32) + noise.astype(np.float32)
    batch = compiled_loss(config.structure(), HEIGHT, WIDTH, 3)(stack_inputs([inputs_of(pair) for pair in pairs]))
    all_terms, gradients = batch(pictures)
    for row, pair in enumerate(pairs):
        terms, gradient = compiled_loss(config.structure(), HEIGHT, WIDTH)(inputs_of(pair))(pictures[row : row + 1])
        assert {name: values[row] for name, values in all_terms.items()} == pytest.approx(terms, rel=1e-4)
        distance = np.linalg.norm(gradients[row] - gradient[0]) / np.linalg.norm(gradient)
        assert distance < 1e-4


def test_a_picture_that_is_not_a_number_leaves_the_others_alone(pairs):
    batch = compiled_loss(SMALL.structure(), HEIGHT, WIDTH, 3)(stack_inputs([inputs_of(pair) for pair in pairs]))
    pictures = np.stack([pair.content_picture for pair in pairs]).astype(np.float32) + 3.0
    terms, gradients = batch(pictures)
    pictures[1] = np.nan
    poisoned, poisoned_gradients = batch(pictures)
    assert np.isnan(poisoned["total"][1])
    for row in (0, 2):
        assert poisoned["total"][row] == pytest.approx(terms["total"][row], rel=1e-5)
        assert np.allclose(poisoned_gradients[row], gradients[row], rtol=1e-3, atol=1e-8)


@EVERY_OPTIMIZER
@pytest.mark.parametrize("pixel_range", ["bounded", "free"])
def test_runs_in_a_batch_are_the_runs_alone(pairs, pixel_range, optimizer):
    config = dataclasses.replace(SMALL, pixel_range=pixel_range, optimizer=optimizer)
    seen = [[], [], []]
    together = optimize_batch(pairs, config, [iterates.append for iterates in seen])
    for pair, result, iterates in zip(pairs, together, seen, strict=True):
        (alone,) = optimize_batch([pair], config)
        assert list(result.trace) == iterates
        # L-BFGS turns rounding into steps of its own sooner or later; the terms differ before their sum does.
        for one, other in zip(result.trace, alone.trace, strict=True):
            assert one.total == pytest.approx(other.total, rel=1e-3)
            for term in ("content", "style", "total_variation"):
                assert getattr(one, term) == pytest.approx(getattr(other, term), rel=0.02, abs=1e-7)
        assert np.abs(result.image.astype(int) - alone.image).mean() < 0.5
        assert (result.config, result.weights) == (alone.config, alone.weights)


@EVERY_OPTIMIZER
def test_each_run_stops_when_it_is_done(pairs, blotches, optimizer):
    """A picture in its own style has nothing to optimise, and stops long before the others."""
    picture = blotches(10, HEIGHT, WIDTH)
    config = dataclasses.replace(SMALL, total_variation_weight=0.0, optimizer=optimizer)
    done, *others = optimize_batch([pair(picture, picture), *pairs[1:]], config)
    assert len(done.trace) < config.iterations
    assert (done.image == picture).all()
    assert [len(result.trace) for result in others] == [config.iterations + 1] * 2


@EVERY_OPTIMIZER
def test_a_run_that_diverges_fails_alone(pairs, optimizer):
    config = dataclasses.replace(SMALL, optimizer=optimizer)
    nothing = {name: np.full_like(gram, np.nan) for name, gram in pairs[1].style.grams.items()}
    broken = dataclasses.replace(pairs[1], style=dataclasses.replace(pairs[1].style, grams=nothing))
    first, error, last = optimize_batch([pairs[0], broken, pairs[2]], config)
    assert isinstance(error, DivergenceError)
    assert "style loss became nan at evaluation 1" in str(error)
    (alone,) = optimize_batch([pairs[0]], config)
    assert first.trace[-1].total == pytest.approx(alone.trace[-1].total, rel=1e-3)
    assert len(last.trace) == SMALL.iterations + 1


def test_what_no_run_can_do_fails_them_all(pairs):
    results = optimize_batch(pairs, dataclasses.replace(SMALL, weights="absent.weights.h5"))
    assert [type(result) for result in results] == [WeightsError] * 3


@EVERY_OPTIMIZER
def test_bfloat16_runs_end_with_the_loss_itself(pairs, optimizer):
    config = dataclasses.replace(SMALL, precision="bfloat16", iterations=10, optimizer=optimizer)
    exact = optimize_batch(pairs, dataclasses.replace(config, precision="float32"))
    for result, reference in zip(optimize_batch(pairs, config), exact, strict=True):
        assert len(result.trace) == 11
        assert result.trace[0].total == pytest.approx(reference.trace[0].total, rel=0.02)
        assert result.trace[-1].total < 1.1 * reference.trace[-1].total


def test_pictures_of_two_sizes_are_no_batch(pairs, blotches):
    with pytest.raises(ValueError, match=r"one size.*\(48, 64\), \(64, 48\)"):
        optimize_batch([pairs[0], pair(blotches(1, 64, 48), blotches(2, 64, 48))], SMALL)


def test_a_callback_that_is_interrupted_ends_every_run(pairs):
    before = threading.active_count()

    def interrupt(iterate):
        if iterate.iteration == 2:
            raise KeyboardInterrupt

    seen = []
    with pytest.raises(KeyboardInterrupt):
        optimize_batch(pairs, SMALL, [seen.append, interrupt, None])
    assert threading.active_count() == before
    assert len(seen) <= 4


def test_coarse_runs_are_batches_too_and_narrow_pictures_do_without(pairs, blotches):
    config = dataclasses.replace(SMALL, coarse_sizes=(48,))
    narrow = pair(pairs[0].content_picture, blotches(30, 64, 41), config)  # 31 pixels wide at 48
    results = transfer_batch([pairs[1], narrow, pairs[2]], config)
    for result, (content, style) in zip(
        results[:2],
        [(pairs[1].content_picture, pairs[1].style_picture), (narrow.content_picture, narrow.style_picture)],
        strict=True,
    ):
        alone = style_transfer(content, style, config)
        assert [run.size for run in result.coarse] == [run.size for run in alone.coarse]
        assert [one.total for one in result.trace] == pytest.approx([one.total for one in alone.trace], rel=1e-2)
    assert [len(result.coarse) for result in results] == [1, 0, 1]


def test_a_batch_that_cannot_fit_is_refused_before_its_coarse_runs(pairs, monkeypatch):
    alone = memory.required_memory(SMALL, HEIGHT, WIDTH)
    monkeypatch.setattr(memory, "free_memory", lambda: 2 * alone)
    results = transfer_batch(pairs, dataclasses.replace(SMALL, coarse_sizes=(48,)))
    assert all(isinstance(result, MemoryShortageError) for result in results)
    assert "3 pictures of 64 x 48" in str(results[0])


def test_coarse_runs_go_from_small_to_large_whichever_pair_comes_first(pairs, blotches):
    config = dataclasses.replace(SMALL, coarse_sizes=(48, 56), iterations=2)
    narrow = pair(pairs[0].content_picture, blotches(30, 64, 41), config)  # 31 pixels wide at 48, 36 at 56
    results = transfer_batch([narrow, pairs[1]], config)
    assert [[run.size for run in result.coarse] for result in results] == [[56], [48, 56]]
