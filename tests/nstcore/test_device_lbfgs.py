"""The L-BFGS whose vectors stay on the device: against SciPy's on every backend, and its line search by itself."""

from __future__ import annotations

import dataclasses
import math

import keras
import numpy as np
import pytest

from nstcore import ConfigError, DivergenceError, TransferConfig, build_objective, style_transfer
from nstcore.device_lbfgs import MOST_EVALUATIONS_PER_STEP, minimizer, values_and_terms
from nstcore.device_lbfgs import tensorflow as on_tensorflow
from nstcore.device_lbfgs.line_search import LineSearched, Point, strong_wolfe
from nstcore.objective import Objective

EVERY_BACKEND = pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
SMALL = TransferConfig(
    backbone="vgg16",
    weights="random",
    size=64,
    iterations=12,
    optimizer="lbfgs-device",
    style_layers=("block1_conv1", "block2_conv1"),
    content_layers=("block2_conv1",),
)


@pytest.fixture
def probe(ask):
    """backend -> what `device_lbfgs_probe.py` found on it."""
    return lambda backend: ask("device_lbfgs", backend)


@EVERY_BACKEND
@pytest.mark.parametrize("pixel_range", ["bounded", "free"])
def test_it_ends_where_scipys_does(probe, backend, pixel_range):
    losses = {name: probe(backend)[f"{name}/{pixel_range}/total"] for name in ("lbfgs", "lbfgs-device")}
    assert {len(trace) for trace in losses.values()} == {101}
    assert losses["lbfgs-device"][0] == pytest.approx(losses["lbfgs"][0], rel=1e-6)
    assert losses["lbfgs-device"][-1] == pytest.approx(losses["lbfgs"][-1], rel=0.01)


@EVERY_BACKEND
@pytest.mark.parametrize("pixel_range", ["bounded", "free"])
def test_no_step_is_evaluated_twice(probe, backend, pixel_range):
    evaluations = probe(backend)[f"lbfgs-device/{pixel_range}/evaluations"]
    assert evaluations[0] == 1
    assert (np.diff(evaluations) >= 1).all()
    assert evaluations[-1] < 1.1 * len(evaluations)


@EVERY_BACKEND
def test_the_record_of_a_run_names_the_library_that_steps(probe, backend):
    libraries = {"keras", "numpy", "scipy", backend} | ({"optax"} if backend == "jax" else set())
    assert set(probe(backend)["versions"]) == libraries | {"nst", "python", "backend"}


@EVERY_BACKEND
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_run_that_was_saved_goes_on_to_the_bit(probe, backend, precision):
    """In bfloat16 the loss was refined before it was saved."""
    found = probe(backend)
    assert (found[f"{precision}/resumed"] == found[f"{precision}/straight"]).all()
    assert (found[f"{precision}/resumed/picture"] == found[f"{precision}/straight/picture"]).all()


@EVERY_BACKEND
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_terms_are_those_of_the_picture(probe, backend, precision):
    found = probe(backend)
    assert found[f"{precision}/terms"] == pytest.approx(found[f"{precision}/host terms"], rel=1e-4)
    picture = found[f"{precision}/resumed/picture"]
    assert picture.min() == 0
    assert picture.max() == 255


@EVERY_BACKEND
def test_a_refined_run_is_the_approximation_first_and_keeps_going_down(probe, backend):
    exact, refined = (probe(backend)[f"{precision}/straight"][:, 0] for precision in ("float32", "bfloat16"))
    assert exact[0] != refined[0]
    assert (np.diff(refined[8:]) <= 0).all()
    assert refined[-1] == pytest.approx(exact[-1], rel=0.05)


def test_the_result_is_of_the_same_kind(content_picture, style_picture):
    seen = []
    result = style_transfer(content_picture, style_picture, SMALL, seen.append)
    assert seen == list(result.trace)
    assert [iterate.iteration for iterate in result.trace] == list(range(13))
    assert result.image.dtype == np.uint8
    assert result.image.shape == (48, 64, 3)
    assert result.config.optimizer == "lbfgs-device"
    assert result.message
    written = build_objective(content_picture, style_picture, SMALL).components(result.image.ravel())
    assert written["total"] == pytest.approx(result.trace[-1].total, rel=0.01)


def test_every_evaluation_is_counted_and_none_is_made_for_the_trace(content_picture, style_picture, monkeypatch):
    run = minimizer(build_objective(content_picture, style_picture, SMALL), bounded=True)
    made = 0
    evaluate, trial = run._evaluate, run._trial

    def counting(function):
        def counted(*arguments):
            nonlocal made
            made += 1
            return function(*arguments)

        return counted

    monkeypatch.setattr(run, "_evaluate", counting(evaluate))
    monkeypatch.setattr(run, "_trial", counting(trial))
    run.start()
    for _ in range(8):
        assert run.step()
        assert run.evaluations == made


def test_a_grid_compiles_it_once_per_structure(content_picture, style_picture, monkeypatch):
    traces = 0

    def counted(*arguments):
        nonlocal traces
        traces += 1
        return values_and_terms(*arguments)

    monkeypatch.setattr(on_tensorflow, "values_and_terms", counted)
    one = dataclasses.replace(SMALL, style_layers=("block1_conv2",))
    for config in (one, dataclasses.replace(one, style_weight=3.0, style_normalization="gatys", seed=2)):
        run = minimizer(build_objective(content_picture, style_picture, config), bounded=True)
        run.start()
        assert run.step()
        assert run.step()
    assert traces == 1


def test_its_vectors_are_traced_once_for_all_sizes(content_picture, style_picture):
    for size in (56, 64, 72):
        run = minimizer(build_objective(content_picture, style_picture, dataclasses.replace(SMALL, size=size)), True)
        run.start()
        assert run.step()
        assert run.step()
    for function in (on_tensorflow._two_loops, on_tensorflow._moved, on_tensorflow._with_slopes, on_tensorflow._pair):
        assert function.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("weights", [{"style_weight": 1e25}, {"style_weight": 1e-25, "content_weight": 1e-25}])
def test_the_scale_of_the_loss_does_not_matter(content_picture, style_picture, weights):
    """Far from 1, squares of gradients are beyond float32 or below it."""
    config = dataclasses.replace(SMALL, init="noise", total_variation_weight=0.0, **weights)
    trace = style_transfer(content_picture, style_picture, config).trace
    assert len(trace) == 13
    assert trace[-1].total < 0.2 * trace[0].total


def test_overflow_is_reported_with_its_term(content_picture, style_picture):
    config = dataclasses.replace(
        SMALL, total_variation_weight=0.0, style_weight=1e38, style_normalization="none", init="noise"
    )
    with pytest.raises(DivergenceError, match=r"the (style|total) loss became (inf|nan) at evaluation 1;"):
        style_transfer(content_picture, style_picture, config)


def test_a_loss_that_becomes_nan_on_the_way_is_reported(content_picture, style_picture, monkeypatch):
    run = minimizer(build_objective(content_picture, style_picture, SMALL), bounded=False)
    run.start()
    run.step()
    run._gradient = run._gradient * math.nan  # the next direction leads nowhere
    with pytest.raises(DivergenceError, match=r"the \w+ loss became nan at evaluation"):
        run.step()


def test_it_stops_where_no_step_lowers_the_loss(content_picture):
    """A picture in its own style, without total variation, is at the minimum already."""
    config = dataclasses.replace(SMALL, total_variation_weight=0.0, iterations=300)
    result = style_transfer(content_picture, content_picture, config)
    assert len(result.trace) < 301
    assert "no step" in result.message
    assert result.trace[-1].total <= result.trace[0].total


def test_a_state_of_another_run_is_refused(content_picture, style_picture):
    run = minimizer(build_objective(content_picture, style_picture, SMALL), bounded=True)
    run.start()
    state = run.state_dict()
    larger = dataclasses.replace(SMALL, size=72)
    for bounded, config in ((False, SMALL), (True, larger)):
        other = minimizer(build_objective(content_picture, style_picture, config), bounded=bounded)
        with pytest.raises(ConfigError, match="backend, bounded, shape"):
            other.load_state(state)
    with pytest.raises(ConfigError, match="'jax'"):
        run.load_state({**state, "backend": np.array("jax")})


def test_an_objective_without_a_graph_is_refused():
    terms = dict.fromkeys(("total", "content", "style", "total_variation"), 1.0)
    run = minimizer(Objective(lambda picture: (terms, picture), np.zeros((4, 4, 3), np.float32)), bounded=True)
    with pytest.raises(TypeError, match="no loss on a device"):
        run.start()


def test_a_missing_library_is_one_line(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "nowhere")
    with pytest.raises(ConfigError, match=r"needs nstcore\.device_lbfgs\.nowhere"):
        minimizer(Objective(None, np.zeros((4, 4, 3), np.float32)), bounded=True)


class Line:
    """A function of t, its evaluations counted."""

    def __init__(self, value, slope):
        self.value, self.slope, self.calls = value, slope, 0

    def __call__(self, t):
        self.calls += 1
        return Point(t, self.value(t), self.slope(t))


@pytest.mark.parametrize("first", [1e-3, 0.3, 1.0, 20.0, 1e4])
@pytest.mark.parametrize(
    "line",
    [
        lambda: Line(lambda t: (t - 1) ** 2, lambda t: 2 * (t - 1)),
        lambda: Line(lambda t: -t / (t * t + 2), lambda t: (t * t - 2) / (t * t + 2) ** 2),  # flat far away
        lambda: Line(lambda t: math.cosh(min(t, 300) - 2), lambda t: math.sinh(min(t, 300) - 2)),  # steep far away
        lambda: Line(lambda t: (t - 3) ** 4 + abs(t), lambda t: 4 * (t - 3) ** 3 + 1),
    ],
)
def test_the_line_search_finds_what_it_promises(line, first):
    line = line()
    start = line(0.0)
    point = strong_wolfe(line, start, line(first))
    assert point.value <= start.value + 1e-4 * point.t * start.slope
    assert abs(point.slope) <= -0.9 * start.slope
    assert line.calls <= 1 + MOST_EVALUATIONS_PER_STEP


def test_a_line_without_a_lower_point_gives_none_within_the_budget():
    uphill = Line(lambda t: t, lambda t: -1.0)  # the slope is a lie
    assert strong_wolfe(uphill, Point(0.0, 0.0, -1.0), uphill(1.0)) is None
    assert uphill.calls <= MOST_EVALUATIONS_PER_STEP


def test_an_endless_descent_ends_at_its_lowest_point():
    endless = Line(lambda t: -t, lambda t: -1.0)
    point = strong_wolfe(endless, Point(0.0, 0.0, -1.0), endless(1.0))
    assert endless.calls == MOST_EVALUATIONS_PER_STEP
    assert point.t == 4.0 ** (MOST_EVALUATIONS_PER_STEP - 1)


def test_only_curved_steps_enter_the_history(content_picture, style_picture):
    run = minimizer(build_objective(content_picture, style_picture, SMALL), bounded=True)
    run.start()
    assert isinstance(run, LineSearched)
    assert run.step()
    newest = run._steps[-1]
    assert float(run._curvatures[-1][0]) > 0
    run._accept(run._direction(), 1.0, (run._picture, run._gradient), curved=False)
    assert run._steps[-1] is newest
