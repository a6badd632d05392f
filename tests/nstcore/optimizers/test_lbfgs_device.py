"""The L-BFGS whose vectors stay on the device: against SciPy's on every backend, and its line search by itself."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from nstcore import ConfigError, DivergenceError, TransferConfig, build_objective, style_transfer
from nstcore.optimizers import lbfgs_device
from nstcore.optimizers.lbfgs_device import DeviceLBFGS
from nstcore.optimizers.pixel_range import WithinRange
from nstcore.optimizers.settings import LBFGSSettings

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
    """backend -> what `lbfgs_device_probe.py` found on it."""
    return lambda backend: ask("lbfgs_device", backend)


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
def test_the_record_of_a_run_names_what_computes(probe, backend):
    assert set(probe(backend)["versions"]) == {"keras", "numpy", "scipy", backend, "nst", "python", "backend"}


@EVERY_BACKEND
@pytest.mark.parametrize("optimizer", ["lbfgs", "lbfgs-device"])
def test_what_is_recorded_is_the_loss_of_the_picture_that_is_written(probe, backend, optimizer):
    """But for rounding to whole grey levels."""
    found = probe(backend)
    assert found[f"{optimizer}/bounded/written"][0] == pytest.approx(found[f"{optimizer}/bounded/total"][-1], rel=0.02)


@EVERY_BACKEND
def test_a_refined_run_is_the_approximation_first_and_keeps_going_down(probe, backend):
    exact, refined = probe(backend)["lbfgs-device/bounded/total"], probe(backend)["bfloat16/total"]
    assert exact[0] != refined[0]
    assert (np.diff(refined[25:]) <= 0).all()
    assert refined[30] == pytest.approx(exact[30], rel=0.05)


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


def test_every_evaluation_is_counted_and_none_is_made_for_the_trace(valley, monkeypatch):
    made = 0
    compile_trial = lbfgs_device._trial

    def counting(function):
        trial = compile_trial(function)

        def counted(*arguments):
            nonlocal made
            made += 1
            return trial(*arguments)

        return counted

    monkeypatch.setattr(lbfgs_device, "_trial", counting)
    run = DeviceLBFGS(LBFGSSettings())
    slopes = np.logspace(0, 4, 48).reshape(1, 4, 4, 3)
    reports = run.start(valley(slopes, 128.0), np.zeros((1, 4, 4, 3)))
    while len(reports) < 9:
        reports += run.step()
        assert reports[-1].evaluations <= made
    assert reports[-1].evaluations == made


def test_a_grid_compiles_it_once_per_structure(content_picture, style_picture, monkeypatch):
    traced = 0
    differentiate = lbfgs_device.differentiate

    def counting(function):
        def counted(*arguments):
            nonlocal traced
            traced += 1
            return function(*arguments)

        return differentiate(counted)

    monkeypatch.setattr(lbfgs_device, "differentiate", counting)
    one = dataclasses.replace(SMALL, style_layers=("block1_conv2",), iterations=3)
    for config in (one, dataclasses.replace(one, style_weight=3.0, style_normalization="gatys", seed=2)):
        style_transfer(content_picture, style_picture, config)
    assert traced == 1


def test_its_vectors_are_traced_at_most_twice_for_all_sizes(valley):
    """TensorFlow relaxes the shapes that it has seen change."""
    functions = [one.__wrapped__ for one in (lbfgs_device._two_loops, lbfgs_device._pair)]
    before = [function.experimental_get_tracing_count() for function in functions]
    for height in (4, 5, 6, 7):
        run = DeviceLBFGS(LBFGSSettings())
        run.start(valley(np.ones((1, height, 4, 3)), 128.0), np.zeros((1, height, 4, 3)))
        run.step()
    after = [function.experimental_get_tracing_count() for function in functions]
    assert max(np.subtract(after, before)) <= 2


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


def test_it_stops_where_no_step_lowers_the_loss(content_picture):
    """A picture in its own style, without total variation, is at the minimum already."""
    config = dataclasses.replace(SMALL, total_variation_weight=0.0, iterations=300)
    result = style_transfer(content_picture, content_picture, config)
    assert len(result.trace) < 301
    assert "no step" in result.message
    assert result.trace[-1].total <= result.trace[0].total


def test_a_state_of_another_run_is_refused(valley):
    def started(height, bounded):
        problem = valley(np.ones((1, height, 4, 3)), 128.0)
        problem = WithinRange(problem) if bounded else problem
        run = DeviceLBFGS(LBFGSSettings())
        run.start(problem, np.zeros((1, height, 4, 3)))
        return run, problem

    run, problem = started(4, bounded=True)
    state = run.state_dict()
    for other, others_problem in (started(4, bounded=False), started(5, bounded=True)):
        with pytest.raises(ConfigError, match=r"the state of an optimizer must be of .*Received"):
            other.load_state(others_problem, state)
    for name in ("backend", "optimizer"):
        with pytest.raises(ConfigError, match="'other'"):
            run.load_state(problem, {**state, name: np.array("other")})


def test_only_curved_steps_enter_the_history(valley):
    """On a slope that grows steeper downhill no step has positive curvature: the history stays empty."""
    slope = valley(np.full((1, 4, 4, 3), -1.0), 128.0)
    run = DeviceLBFGS(LBFGSSettings(most_evaluations=3))
    run.start(slope, np.full((1, 4, 4, 3), 100.0))
    for _ in range(12):
        run.step()
    assert not run.state_dict()["has_history"].any()
    assert not run.state_dict()["curvatures"].any()
