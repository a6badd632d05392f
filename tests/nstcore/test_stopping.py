"""When runs end before their iterations are used up, and when they begin anew."""

from __future__ import annotations

import numpy as np
import pytest

from nstcore import TransferConfig, style_transfer
from nstcore.optimizers import make_optimizer, optimizer_settings
from nstcore.optimizers.settings import Parametrization
from nstcore.run import Run
from nstcore.stopping import Stopping

SHAPE = (2, 4, 4, 3)
START = np.full(SHAPE, 100.0, np.float32)


def finished(problem, stopping, optimizer="gradient-descent", between=None, **settings):
    """The run, and for each row its totals and evaluations."""
    trace = [[] for _ in range(problem.shape[0])]
    run = Run(
        problem,
        make_optimizer(optimizer, optimizer_settings(optimizer, settings)),
        stopping,
        lambda row, evaluations, terms: trace[row].append((terms["total"], evaluations)),
        Parametrization(bounded=False),
    )
    run.start(START[: problem.shape[0]])
    run.finish(between and (lambda: between(run)))
    return run, trace


def test_a_loss_that_has_settled_ends_its_own_run_alone(valley):
    """Gradient descent takes the same share of what is left each time: one row is fast, the other slow."""
    forms = np.ones(SHAPE) * np.array([1.0, 0.01]).reshape(2, 1, 1, 1)
    run, trace = finished(valley(forms, 128.0, 1.0), Stopping(60, change=1e-3, over=5), learning_rate=0.2)
    totals = np.array([total for total, _ in trace[0]])
    changes = np.abs(totals[5:] - totals[:-5]) / totals[:-5]
    assert (changes[:-1] > 1e-3).all()
    assert changes[-1] <= 1e-3
    assert run.ends == {0: "the loss changed by no more than 0.001 of it over 5 iterations", 1: "60 iterations"}


def test_an_approximation_that_has_settled_is_refined_and_settles_again(valley):
    exact = valley(np.ones(SHAPE), 128.0, 5.0)
    run, trace = finished(
        valley(np.ones(SHAPE), 120.0, 1e6, better=exact), Stopping(90, 1e-3, 5), optimizer="lbfgs-device"
    )
    assert trace[0][0][0] > 1e6
    assert trace[0][-1][0] == pytest.approx(5.0, abs=1.0)
    assert len(trace[0]) < 30
    assert "no step" in run.ends[0] or "changed by no more" in run.ends[0]


def test_time_ends_a_transfer_coarse_runs_included(content_picture, style_picture):
    config = TransferConfig(
        backbone="vgg16", weights="random", size=80, coarse_sizes=(56,), iterations=10**6, time_limit=1.0
    )
    result = style_transfer(content_picture, style_picture, config)
    assert result.message == "the time limit was reached"
    assert len(result.coarse) == 1
    assert 1.0 <= result.seconds < 30.0


@pytest.mark.parametrize("optimizer", ["lbfgs", "lbfgs-device"])
def test_lbfgs_begins_anew_after_so_many_evaluations(valley, optimizer):
    """Without a memory it is slower, and the first evaluations are the same."""
    forms = np.broadcast_to(np.logspace(0, 3, 48).reshape(1, 4, 4, 3), SHAPE)
    _, with_memory = finished(valley(forms, 128.0), Stopping(40), optimizer)
    run, anew = finished(valley(forms, 128.0), Stopping(40), optimizer, restart_every=6)
    assert run.ends == {0: "40 iterations", 1: "40 iterations"}
    totals, before = ([total for total, _ in each[0]] for each in (anew, with_memory))
    assert totals[:4] == before[:4]
    assert totals[-1] > 3 * before[-1]
    assert (np.diff(totals) <= 0).all()


def test_it_ends_where_beginning_anew_does_not_help(valley):
    for optimizer in ("lbfgs", "lbfgs-device"):
        run, _ = finished(valley(np.ones(SHAPE), 128.0), Stopping(200), optimizer, restart_every=5)
        assert run.ends[0] == "no step lowers the loss"


@pytest.mark.parametrize("optimizer", ["lbfgs-device", "gradient-descent"])
def test_a_state_knows_how_far_the_loss_had_settled(valley, optimizer):
    """Taken up in the middle, a run ends at the same iterate."""
    rates = {"learning_rate": 0.2} if optimizer == "gradient-descent" else {"restart_every": 7}
    forms = np.broadcast_to(np.logspace(0, 1, 48).reshape(1, 4, 4, 3), SHAPE)
    stopping, states = Stopping(60, change=1e-2, over=4), []
    problem = valley(forms, 128.0, 3.0)
    _, whole = finished(problem, stopping, optimizer, lambda run: states.append(run.state_dict()), **rates)
    place = len(whole[0]) // 2
    rest = [[], []]
    run = Run(
        problem,
        make_optimizer(optimizer, optimizer_settings(optimizer, rates)),
        stopping,
        lambda row, evaluations, terms: rest[row].append((terms["total"], evaluations)),
        Parametrization(bounded=False),
    )
    run.load_state(states[place])
    run.finish()
    for row in range(2):
        assert rest[row] == whole[row][len(whole[row]) - len(rest[row]) :]
        assert rest[row]
