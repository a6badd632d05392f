"""A run on problems whose bottom is known: ends, refinement, failures, states."""

from __future__ import annotations

import io
import threading

import numpy as np
import pytest
from keras import ops

from nstcore import DivergenceError
from nstcore.optimizers import OPTIMIZERS, make_optimizer, optimizer_settings
from nstcore.optimizers.flat import FlatOptimizer
from nstcore.optimizers.pixel_range import WithinRange
from nstcore.optimizers.settings import Parametrization
from nstcore.run import Run
from nstcore.stopping import Stopping

EVERY_OPTIMIZER = pytest.mark.parametrize("optimizer", OPTIMIZERS)
QUASI_NEWTON = pytest.mark.parametrize("optimizer", ["lbfgs", "lbfgs-device"])
SHAPE = (3, 4, 4, 3)
START = np.full(SHAPE, 100.0, np.float32)


def slopes(orders: float = 3.0, rows: int = 3) -> np.ndarray:
    """Every pixel at another slope, so that some iterations do not get to the bottom."""
    return np.broadcast_to(np.logspace(0, orders, 48).reshape(1, 4, 4, 3), (rows, 4, 4, 3))


class Recorded:
    """A run and what it recorded: row -> [(evaluations, total)]."""

    def __init__(self, problem, optimizer, iterations=10, *, bounded=False, record=None, states=False, **settings):
        self.trace = [[] for _ in range(problem.shape[0])]
        self.more = record or (lambda *_: None)
        made = make_optimizer(optimizer, optimizer_settings(optimizer, settings))
        stopping = iterations if isinstance(iterations, Stopping) else Stopping(iterations)
        self.run = Run(problem, made, stopping, self.record, Parametrization(bounded=bounded), states=states)

    def record(self, row, evaluations, terms):
        self.trace[row].append((evaluations, terms["total"]))
        self.more(row, len(self.trace[row]) - 1)

    def totals(self, row=0):
        return [total for _, total in self.trace[row]]

    def finish(self, x=START, between=None):
        self.run.start(x)
        return self.run.finish(between)


@EVERY_OPTIMIZER
def test_every_optimizer_lowers_the_loss_and_reports_every_step(valley, optimizer):
    recorded = Recorded(valley(slopes(1.0), 128.0), optimizer)
    pictures = recorded.finish()
    assert pictures.shape == SHAPE
    assert pictures.dtype == np.float32
    for row in range(3):
        assert len(recorded.trace[row]) == 11
        assert min(recorded.totals(row)) < 0.8 * recorded.totals(row)[0]
        evaluations = [count for count, _ in recorded.trace[row]]
        assert evaluations[0] == 1
        assert (np.diff(evaluations) >= 1).all()
        assert recorded.run.ends[row] == "10 iterations"


@EVERY_OPTIMIZER
def test_the_picture_is_the_best_that_was_seen(valley, optimizer):
    """First-order methods may overshoot: then the last picture is not the best."""
    rates = {} if "lbfgs" in optimizer else {"learning_rate": 0.5 if optimizer in ("adam", "rmsprop") else 1e-3}
    problem = valley(slopes(2.5), 100.3)
    recorded = Recorded(problem, optimizer, 12, **rates)
    pictures = recorded.finish()
    for row in range(3):
        reached = float(np.sum(slopes(2.5)[row] * np.square(pictures[row] - 100.3)))
        assert reached == pytest.approx(min(recorded.totals(row)), rel=1e-3)


@EVERY_OPTIMIZER
def test_pictures_do_not_depend_on_each_other(valley, optimizer):
    """Problems of very different form and scale, together and alone."""
    random = np.random.default_rng(0)
    forms = np.exp(random.normal(size=SHAPE) * np.array([0.1, 1.0, 2.0]).reshape(3, 1, 1, 1))
    forms *= np.array([1e-9, 1.0, 1e6]).reshape(3, 1, 1, 1)
    bottoms = random.uniform(0, 255, SHAPE)
    together = Recorded(valley(forms, bottoms), optimizer, 15)
    pictures = together.finish()
    for row in range(3):
        alone = Recorded(valley(forms[row : row + 1], bottoms[row : row + 1]), optimizer, 15)
        picture = alone.finish(START[:1])
        assert together.trace[row][0] == alone.trace[0][0]
        assert [count for count, _ in together.trace[row]] == [count for count, _ in alone.trace[0]]
        assert together.totals(row) == pytest.approx(alone.totals(), rel=1e-3)
        assert pictures[row] == pytest.approx(picture[0], abs=0.1)


@QUASI_NEWTON
def test_a_scale_far_from_one_does_not_matter(valley, optimizer):
    """SciPy's own tolerances would stop at once on the one, and squares of gradients overflow on the other."""
    for scale in (1e-12, 1e18):
        recorded = Recorded(valley(scale * slopes(1.0, rows=1), 128.0), optimizer, 30)
        recorded.finish(START[:1])
        assert recorded.totals()[-1] < 1e-4 * recorded.totals()[0]


@QUASI_NEWTON
def test_each_picture_ends_when_no_step_lowers_its_loss(valley, optimizer):
    bottoms = np.full(SHAPE, 128.0)
    bottoms[1] = START[1]
    recorded = Recorded(valley(slopes(), bottoms), optimizer)
    pictures = recorded.finish()
    assert recorded.run.ends[1] == "no step lowers the loss"
    assert (pictures[1] == START[1]).all()
    assert [len(trace) for trace in recorded.trace] == [11, 1, 11]


@EVERY_OPTIMIZER
def test_a_picture_that_diverges_ends_alone(valley, optimizer):
    recorded = Recorded(valley(slopes(), 128.0, [0.0, np.nan, 0.0]), optimizer)
    recorded.finish()
    assert isinstance(recorded.run.ends[1], DivergenceError)
    assert "loss became nan at evaluation 1" in str(recorded.run.ends[1])
    assert [len(trace) for trace in recorded.trace] == [11, 0, 11]


@EVERY_OPTIMIZER
def test_an_approximation_is_left_for_the_loss_itself(valley, optimizer):
    approximation = valley(slopes(), 128.0, 1e9, better=valley(slopes(), 128.0))
    recorded = Recorded(approximation, optimizer)
    recorded.finish()
    for row in range(3):
        assert [total > 1e9 for total in recorded.totals(row)] == [True] * 9 + [False] * 2


@EVERY_OPTIMIZER
@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("off_by", [-0.05, 0.05])
def test_a_loss_that_jumps_when_it_is_refined_does_not_end_the_run(valley, optimizer, off_by, bounded):
    """The approximation is 5 % too low or too high; no step could make up for that at once."""
    exact = valley(slopes(2.0), 128.0)
    recorded = Recorded(valley((1.0 + off_by) * slopes(2.0), 128.0, better=exact), optimizer, 30, bounded=bounded)
    pictures = recorded.finish()
    totals = recorded.totals()
    assert len(totals) == 31
    reached = float(np.sum(slopes(2.0)[0] * np.square(pictures[0] - 128.0)))
    # What is recorded is the loss itself; the best picture may be one of before.
    assert reached <= 1.001 * min(totals[24 + 1 :]) + 1e-3
    if "lbfgs" in optimizer:
        assert reached == pytest.approx(min(totals[24 + 1 :]), rel=1e-3, abs=1e-3)


@QUASI_NEWTON
def test_an_approximation_that_leaves_no_step_is_left_early(valley, optimizer):
    """Its bottom is where the run starts."""
    stuck = valley(slopes(), START.astype(float), 1e6, better=valley(slopes(1.0), 128.0))
    recorded = Recorded(stuck, optimizer, 20)
    pictures = recorded.finish()
    assert pictures == pytest.approx(np.full(SHAPE, 128.0), abs=1.0)
    assert recorded.totals()[1] < 1e6


@EVERY_OPTIMIZER
def test_values_stay_within_the_range(valley, optimizer):
    bottoms = np.where(np.arange(48).reshape(1, 4, 4, 3) % 2, -50.0, 300.0) * np.ones(SHAPE)
    rates = {"decay_rate": 0.5, "decay_steps": 10, "learning_rate": 20.0 if optimizer in ("adam", "rmsprop") else 0.2}
    rates = {} if "lbfgs" in optimizer else rates
    recorded = Recorded(valley(np.ones(SHAPE), bottoms), optimizer, 60, bounded=True, **rates)
    pictures = recorded.finish()
    assert pictures.min() >= 0
    assert pictures.max() <= 255
    assert pictures == pytest.approx(np.clip(bottoms, 0, 255), abs=1.0)


def test_within_the_range_a_problem_is_the_loss_itself_and_outside_the_penalty_acts(valley, to_numpy):
    problem = WithinRange(valley(np.ones((1, 1, 1, 3)), 0.0))
    problem.calibrate(np.array([10.0]), None)
    z = ops.convert_to_tensor(np.array([[[[-2.0, 100.0, 258.0]]]], np.float32))
    values, terms = problem.function(z, problem.arguments)
    assert to_numpy(terms)[0, 0] == pytest.approx(100.0**2 + 255.0**2)
    spring = 0.5 * 0.05 * 10.0 * (2.0**2 + 3.0**2)
    assert to_numpy(values)[0] == pytest.approx(100.0**2 + 255.0**2 + spring, rel=1e-6)


class Interrupted(BaseException):
    pass


@EVERY_OPTIMIZER
def test_an_interrupt_leaves_nothing_behind(valley, optimizer):
    before = threading.active_count()

    def interrupt(row, iteration):
        if iteration == 3:
            raise Interrupted

    recorded = Recorded(valley(slopes(), 128.0), optimizer, record=interrupt)
    with pytest.raises(Interrupted):
        recorded.finish()
    assert threading.active_count() == before


@EVERY_OPTIMIZER
@pytest.mark.parametrize("saved_after", [1, 4, 9])
def test_a_run_that_was_saved_goes_on_to_the_bit(valley, optimizer, saved_after):
    """Pictures at different places of their line searches, and before the loss was refined or after."""
    forms = np.exp(np.random.default_rng(0).normal(size=SHAPE) * np.array([1.0, 1.5, 2.0]).reshape(3, 1, 1, 1))

    def make():
        return Recorded(
            valley(1.05 * forms, 128.0, better=valley(forms, 128.0)), optimizer, 10, bounded=True, states=True
        )

    states = []

    def save():
        if not states and len(straight.trace[0]) == saved_after + 1:
            saved = io.BytesIO()
            np.savez(saved, **straight.run.state_dict())
            saved.seek(0)
            states.append((dict(np.load(saved)), [len(trace) for trace in straight.trace]))

    straight = make()
    pictures = straight.finish(between=save)
    ((state, recorded),) = states
    resumed = make()
    resumed.run.load_state(state)
    assert (resumed.run.finish() == pictures).all()
    for row in range(3):
        assert resumed.trace[row] == straight.trace[row][recorded[row] :]


def test_scipys_run_goes_on_from_its_picture_with_a_new_history(valley):
    states = []
    straight, resumed = (Recorded(valley(slopes(1.0), 128.0), "lbfgs", 10) for _ in range(2))
    straight.finish(between=lambda: states.append(straight.run.state_dict()))
    state = next(state for state in states if state["steps"].tolist() == [4, 4, 4])
    resumed.run.load_state(state)
    resumed.run.finish()
    assert resumed.totals(2)[0] < straight.totals(2)[4]
    assert len(resumed.totals(2)) == 6


@EVERY_OPTIMIZER
def test_a_state_of_pictures_that_have_ended_is_at_its_end(valley, optimizer):
    states = []
    bottoms = np.full(SHAPE, 128.0)
    recorded = Recorded(valley(slopes(), bottoms, [0.0, np.nan, 0.0]), optimizer, 5)
    pictures = recorded.finish(between=lambda: states.append(recorded.run.state_dict()))
    resumed = Recorded(valley(slopes(), bottoms, [0.0, np.nan, 0.0]), optimizer, 5)
    resumed.run.load_state(states[-1])
    assert (resumed.run.finish()[[0, 2]] == pictures[[0, 2]]).all()
    assert [str(end) for _, end in sorted(resumed.run.ends.items())] == [
        str(end) for _, end in sorted(recorded.run.ends.items())
    ]
    assert isinstance(resumed.run.ends[1], DivergenceError)
    fewer = Recorded(valley(slopes(), bottoms), optimizer, 2)
    fewer.run.load_state({**states[-1], "ended": np.array([""] * 3)})
    fewer.run.finish()
    assert set(fewer.run.ends.values()) == {"2 iterations"}


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
def test_the_best_picture_survives_the_change_of_the_loss(valley, optimizer):
    """A learning rate that grows soon leads away from it."""
    rates = {"learning_rate": 1e-3 if optimizer == "sgd" else 3.0, "decay_rate": 3.0, "decay_steps": 2}
    exact = valley(slopes(1.0), 110.0)
    recorded = Recorded(valley(1.01 * slopes(1.0), 110.0, better=exact), optimizer, 10, **rates)
    pictures = recorded.finish()
    assert max(recorded.totals()[-2:]) > 1.2 * min(recorded.totals())
    for row in range(3):
        reached = float(np.sum(slopes(1.0)[row] * np.square(pictures[row] - 110.0)))
        assert reached < 1.05 * min(recorded.totals(row))


@EVERY_OPTIMIZER
def test_rows_that_rest_stay_what_they_are(valley, optimizer):
    made = make_optimizer(optimizer, optimizer_settings(optimizer, {}))
    with made:
        made.start(valley(slopes(), 128.0), START)
        made.step()
        made.step()
        before = made.picture()
        for _ in range(3):
            made.step([1])
        after = made.picture()
        assert (after[[0, 2]] == before[[0, 2]]).all()
        assert (after[1] != before[1]).any()


@EVERY_OPTIMIZER
def test_a_state_does_not_change_when_the_run_goes_on(valley, optimizer):
    recorded, states = Recorded(valley(slopes(), 128.0), optimizer, states=True), []

    def save():
        if not states:
            state = recorded.run.state_dict()
            states.append((state, {name: array.copy() for name, array in state.items()}))

    recorded.run.start(START)
    recorded.run.finish(between=save)
    ((state, before),) = states
    assert all(np.array_equal(state[name], array, equal_nan=array.dtype.kind == "f") for name, array in before.items())


@pytest.mark.parametrize("optimizer", ["lbfgs", "lbfgs-device"])
def test_evaluations_of_a_search_that_found_nothing_count_in_a_state_too(valley, optimizer):
    """One picture stands at its bottom, where searches find nothing, while the others go on."""
    bottoms = np.full(SHAPE, 128.0)
    bottoms[1] = START[1]
    better = valley(slopes(), 128.0)

    def make():
        return Recorded(valley(slopes(), bottoms, better=better), optimizer, 12, states=True)

    straight, states = make(), []
    straight.finish(between=lambda: states.append((straight.run.state_dict(), [len(each) for each in straight.trace])))
    for state, recorded in states:
        resumed = make()
        resumed.run.load_state(state)
        resumed.run.finish()
        for row in range(3):
            assert resumed.trace[row] == straight.trace[row][recorded[row] :]


class Stubborn(FlatOptimizer):
    """A method that takes every error for a failed evaluation, rounds what it is given, and reports twice."""

    bytes_per_value = 8

    def minimize(self, function, x0, on_step):
        x = x0
        while True:
            try:
                value, gradient = function(x)
                on_step(x, round(value, 3))
                on_step(x, round(value, 3))
                x = x - 0.01 * gradient
            except BaseException:
                continue


def test_a_stubborn_method_ends_with_its_run(valley):
    made = Stubborn()
    made.start(valley(np.ones((1, 4, 4, 3)), 128.0), START[:1])
    reports = [report for _ in range(6) for report in made.step()]
    assert reports[-1].terms["total"] < reports[0].terms["total"]
    made.close()  # does not wait for ever
