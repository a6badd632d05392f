"""Runs in batches against the same runs alone; and the way runs wait for each other, on fakes."""

from __future__ import annotations

import dataclasses
import random
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
from nstcore.batch import BatchEvaluation, Pair, Run, optimize_batch, run_together, transfer_batch
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


@pytest.mark.parametrize("pixel_range", ["bounded", "free"])
def test_runs_in_a_batch_are_the_runs_alone(pairs, pixel_range):
    config = dataclasses.replace(SMALL, pixel_range=pixel_range)
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


def test_each_run_stops_when_it_is_done(pairs, blotches):
    """A picture in its own style has nothing to optimise, and stops long before the others."""
    picture = blotches(10, HEIGHT, WIDTH)
    config = dataclasses.replace(SMALL, total_variation_weight=0.0)
    done, *others = optimize_batch([pair(picture, picture), *pairs[1:]], config)
    assert len(done.trace) < config.iterations
    assert (done.image == picture).all()
    assert [len(result.trace) for result in others] == [config.iterations + 1] * 2


def test_a_run_that_diverges_fails_alone(pairs):
    nothing = {name: np.full_like(gram, np.nan) for name, gram in pairs[1].style.grams.items()}
    broken = dataclasses.replace(pairs[1], style=dataclasses.replace(pairs[1].style, grams=nothing))
    first, error, last = optimize_batch([pairs[0], broken, pairs[2]], SMALL)
    assert isinstance(error, DivergenceError)
    assert "style loss became nan at evaluation 1" in str(error)
    (alone,) = optimize_batch([pairs[0]], SMALL)
    assert first.trace[-1].total == pytest.approx(alone.trace[-1].total, rel=1e-3)
    assert len(last.trace) == SMALL.iterations + 1


def test_what_no_run_can_do_fails_them_all(pairs):
    results = optimize_batch(pairs, dataclasses.replace(SMALL, weights="absent.weights.h5"))
    assert [type(result) for result in results] == [WeightsError] * 3


def test_bfloat16_runs_end_with_the_loss_itself(pairs):
    config = dataclasses.replace(SMALL, precision="bfloat16", iterations=10)
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


class Recorder(BatchEvaluation):
    """Doubles numbers, and keeps which rows were asked for in each round."""

    def __init__(self, rows: int) -> None:
        super().__init__(self.double, np.zeros((rows, 1, 1, 3), np.float32))
        self.rounds: list[set[int]] = []
        self.threads: set[int] = set()
        self.shapes: set[tuple[int, ...]] = set()

    def double(self, pictures):
        self.threads.add(threading.get_ident())
        self.shapes.add(pictures.shape)
        return {"total": (2 * pictures[:, 0, 0, 0]).tolist()}, 2 * pictures

    def __call__(self, pictures):
        self.rounds.append(set(pictures))
        return super().__call__(pictures)


def asking(row, evaluations, *, end=None):
    """Work that asks for these evaluations one after the other, checks the answers, and then returns or raises."""

    def work(run):
        for step, evaluation in enumerate(evaluations):
            number = 100 * row + step
            terms, gradient = run.evaluate(evaluation, row, np.full((1, 1, 1, 3), number, np.float32))
            assert terms == {"total": 2.0 * number}
            assert gradient.shape == (1, 1, 1, 3)
            assert (gradient == 2 * number).all()
        if isinstance(end, BaseException):
            raise end
        return end if end is not None else row

    return Run(work)


@pytest.mark.parametrize("seed", range(20))
def test_any_mixture_of_lengths_functions_and_failures_comes_to_its_end(seed):
    """Every run gets its own answers in every round until it ends, whatever the others do."""
    dice = random.Random(seed)
    rows = dice.randint(1, 6)
    rough, exact = Recorder(rows), Recorder(rows)
    plans = [
        [rough] * dice.randint(0, 5) + [exact] * dice.randint(0, 3) + [rough] * dice.randint(0, 2) for _ in range(rows)
    ]
    ends = [DivergenceError(str(row)) if dice.random() < 0.3 else None for row in range(rows)]
    runs = [asking(row, plan, end=end) for row, (plan, end) in enumerate(zip(plans, ends, strict=True))]
    results = run_together(runs)
    assert results == [row if end is None else end for row, end in enumerate(ends)]
    for evaluation in (rough, exact):
        assert sum(map(len, evaluation.rounds)) == sum(plan.count(evaluation) for plan in plans)
        assert evaluation.shapes <= {(rows, 1, 1, 3)}  # never another size, which would be compiled
        assert evaluation.threads <= {threading.get_ident()}
    assert len(rough.rounds) <= max(map(len, plans))


def test_runs_that_ask_for_the_same_are_evaluated_together():
    evaluation = Recorder(3)
    run_together([asking(0, [evaluation]), asking(1, [evaluation] * 3), asking(2, [evaluation] * 2)])
    assert evaluation.rounds == [{0, 1, 2}, {1, 2}, {1}]


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_an_unforeseen_error_of_a_run_gives_the_others_up(steps):
    before = threading.active_count()
    evaluation = Recorder(3)
    runs = [
        asking(0, [evaluation] * 5),
        asking(1, [evaluation] * steps, end=ZeroDivisionError()),
        asking(2, [evaluation] * 9),
    ]
    with pytest.raises(ZeroDivisionError):
        run_together(runs)
    assert threading.active_count() == before


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_an_error_of_the_evaluation_gives_them_all_up(error):
    before = threading.active_count()
    good, bad = Recorder(2), Recorder(2)

    def fail(pictures):
        raise error

    bad._function = fail
    with pytest.raises(error):
        run_together([asking(0, [good] * 4), asking(1, [good, bad])])
    assert threading.active_count() == before


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


def test_the_optimiser_that_evaluates_within_its_steps_takes_no_batches(pairs):
    results = optimize_batch(pairs, dataclasses.replace(SMALL, optimizer="lbfgs-device"))
    assert all(isinstance(result, ConfigError) and "one picture at a time" in str(result) for result in results)


def test_coarse_runs_go_from_small_to_large_whichever_pair_comes_first(pairs, blotches):
    config = dataclasses.replace(SMALL, coarse_sizes=(48, 56), iterations=2)
    narrow = pair(pairs[0].content_picture, blotches(30, 64, 41), config)  # 31 pixels wide at 48, 36 at 56
    results = transfer_batch([narrow, pairs[1]], config)
    assert [[run.size for run in result.coarse] for result in results] == [[56], [48, 56]]
