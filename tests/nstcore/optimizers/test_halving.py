"""Descents that take back what goes too far, against the same done by hand."""

from __future__ import annotations

import numpy as np
import pytest

from nstcore import BACKBONES, ConfigError, TransferConfig
from nstcore.optimizers import OPTIMIZERS, make_optimizer, optimizer_settings, optimizer_version
from nstcore.optimizers.settings import Parametrization
from nstcore.problem import build_problem
from nstcore.run import Run
from nstcore.scene import Scene, Style
from nstcore.stopping import Stopping

SHAPE = (3, 4, 4, 3)
START = np.full(SHAPE, 130.0, np.float32)
BOTTOM = 128.0
DESCENTS = pytest.mark.parametrize("name", ["sgd", "gradient-descent"])


def optimizer(name, **settings):
    return make_optimizer(name, optimizer_settings(name, settings))


def uneven() -> np.ndarray:
    """Of three pictures: one value far steeper than the rest, all alike, and four steeper ones."""
    slopes = np.full(SHAPE, 1e-3)
    slopes[0, 0, 0, 0] = slopes[2, 0, 0, :] = slopes[2, 0, 1, 0] = 1e3
    return slopes


def by_hand(slopes: np.ndarray, steps: int, rate: float | None = None) -> tuple[list[float], list[int], np.ndarray]:
    """In float64: the losses of plain descent, how often each step was halved, and the best picture."""
    x = START[0].astype(np.float64)

    def value(at):
        return np.sum(slopes * (at - BOTTOM) ** 2)

    def gradient(at):
        return 2 * slopes * (at - BOTTOM)

    rate = rate or 1 / np.abs(gradient(x)).mean()
    best, losses, halvings = x, [value(x)], []
    for _ in range(steps):
        there, count = x - rate * gradient(x), 0
        while value(there) > losses[0]:
            rate, count = rate / 2, count + 1
            there = best - rate * gradient(best)
        x = there
        best = x if value(x) < value(best) else best
        losses.append(value(x))
        halvings.append(count)
    return losses, halvings, best


def test_steps_that_go_too_far_are_taken_back_and_the_rate_is_halved(valley):
    """Picture by picture: evaluations, losses and the best pictures."""
    slopes = uneven()
    with optimizer("gradient-descent") as method:
        method.start(valley(slopes, BOTTOM), START)
        reports = [method.step() for _ in range(6)]
        for row in range(3):
            losses, halvings, best = by_hand(slopes[row], 6)
            assert [each[row].evaluations for each in reports] == (1 + np.cumsum(np.add(halvings, 1))).tolist()
            found = [each[row].terms["total"] for each in reports]
            assert found == pytest.approx(losses[1:], rel=1e-3, abs=1e-3)
            assert method.picture()[row] == pytest.approx(best, rel=1e-5)
        assert [by_hand(slopes[row], 6)[1][0] for row in range(3)] == [4, 0, 2]


@pytest.mark.parametrize("staircase", [True, False])
def test_the_rate_decays_all_at_once_or_evenly(valley, staircase):
    """The distance from the bottom is multiplied by 1 - 2 rate at each step."""
    rates = [0.1 * 0.5 ** (step // 3 if staircase else step / 3) for step in range(7)]
    with optimizer("gradient-descent", learning_rate=0.1, decay_rate=0.5, decay_steps=3, staircase=staircase) as method:
        method.start(valley(np.ones(SHAPE), BOTTOM), START)
        for count in range(1, 8):
            method.step()
            distance = 2.0 * np.prod([1 - 2 * rate for rate in rates[:count]])
            assert method.picture() == pytest.approx(np.full(SHAPE, BOTTOM + distance), abs=1e-4)


def test_below_the_start_the_loss_may_rise(valley):
    """A step of 2.5 grey levels where one value is 2 from the bottom: out to the other side, and lower rates never."""
    slopes = np.zeros((1, 4, 4, 3))
    slopes[0, 0, 0, 0] = slopes[0, 0, 0, 1] = 1.0
    slopes[0, 0, 0, 1] = 0.01
    with optimizer("gradient-descent", learning_rate=0.95, halving=True) as method:
        method.start(valley(slopes, BOTTOM), START[:1])
        totals = [method.step()[0].terms["total"] for _ in range(3)]
    losses, halvings, _ = by_hand(slopes[0], 3, rate=0.95)
    assert halvings == [0, 0, 0]
    assert totals == pytest.approx(losses[1:], rel=1e-4)


def test_momentum_begins_anew_where_a_step_is_taken_back(valley):
    """From rest: velocity pushes on uphill otherwise, and no rate would do."""
    slopes = uneven()
    with optimizer("sgd") as method:
        first = method.start(valley(slopes, BOTTOM), START)
        totals = np.array([[report.terms["total"] for report in method.step()] for _ in range(40)])
    for row in range(3):
        assert (totals[:, row] <= first[row].terms["total"]).all()
        assert totals[:, row].min() < 0.5 * first[row].terms["total"]


def test_a_rate_that_is_given_is_taken_unless_it_is_asked_for(valley):
    slopes = uneven()[:1]
    with optimizer("gradient-descent", learning_rate=1.0) as method:
        (first,) = method.start(valley(slopes, BOTTOM), START[:1])
        (report,) = method.step()
        assert report.evaluations == 2
        assert report.terms["total"] > 1e4 * first.terms["total"]
        assert (method.picture() == START[:1]).all()
        for _ in range(20):
            (report,) = method.step()
        assert 'lower optimizer_settings.learning_rate, or set "halving" there' in str(report.error)
    with optimizer("gradient-descent", learning_rate=1.0, halving=True) as method:
        method.start(valley(slopes, BOTTOM), START[:1])
        (report,) = method.step()
        assert report.evaluations > 2
        assert report.terms["total"] <= first.terms["total"]


@DESCENTS
def test_rows_that_rest_are_left_alone(valley, name):
    with optimizer(name) as together, optimizer(name) as apart:
        together.start(valley(uneven(), BOTTOM), START)
        together.step()
        together.step()
        apart.start(valley(uneven(), BOTTOM), START)
        for rows in ([1], [1], [0, 2], [0, 2]):
            apart.step(rows)
        assert apart.picture() == pytest.approx(together.picture(), rel=1e-6)


@DESCENTS
@pytest.mark.parametrize("steps", [0, 2])
def test_a_state_goes_on_to_the_bit(valley, name, steps):
    with optimizer(name) as method, optimizer(name) as other:
        method.start(valley(uneven(), BOTTOM), START)
        for _ in range(steps):
            method.step()
        other.load_state(valley(uneven(), BOTTOM), method.state_dict())
        for _ in range(3):
            expected, found = method.step(), other.step()
            assert [(one.evaluations, one.terms) for one in found] == [(one.evaluations, one.terms) for one in expected]
        assert (other.picture() == method.picture()).all()


def test_a_loss_that_is_refined_is_compared_with_itself(valley):
    """An approximation that is a thousandth of the loss: all of the loss is above its start."""
    slopes = uneven()
    with optimizer("gradient-descent") as method:
        method.start(valley(1e-3 * slopes, BOTTOM), START)
        for _ in range(2):
            method.step()
        assert method.refine(valley(slopes, BOTTOM)) == []
        before = method.picture()
        reports = [method.step() for _ in range(4)]
    # The rate was for the approximation: it is halved until it suits the loss, and no further.
    assert reports[0][1].evaluations > 4
    assert all(np.isfinite(report.terms["total"]) for each in reports for report in each)
    values = [np.sum(slopes * (picture - BOTTOM) ** 2, axis=(1, 2, 3)) for picture in (before, method.picture())]
    assert (values[1] <= values[0]).all()


def test_a_picture_at_the_bottom_and_one_without_a_number_do_not_hold_up_the_rest(valley):
    start = START.copy()
    start[1] = BOTTOM
    with optimizer("gradient-descent") as method:
        first = method.start(valley(uneven(), BOTTOM, [0.0, 0.0, np.nan]), start)
        assert first[2].error is not None
        reports = method.step([0, 1])
        assert [report.evaluations for report in reports] == [6, 2]
        assert (method.picture()[1] == BOTTOM).all()


# The others go by grey levels, and how many suit a loss depends on its weights.
FIND_THEIR_STEP = ("lbfgs-device", "lbfgs", "sgd", "gradient-descent")


@pytest.mark.parametrize(("normalization", "optimizers"), [("balanced", tuple(OPTIMIZERS)), ("gatys", FIND_THEIR_STEP)])
@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_optimizer_lowers_the_loss_of_every_backbone(backbone, normalization, optimizers, blotches):
    """With its defaults; random weights. The raw losses of the papers have any scale."""
    side = 75 if backbone == "inceptionv3" else 64
    config = TransferConfig(backbone, weights="random", size=side, style_normalization=normalization, coarse_sizes=())
    content, style = blotches(1, side, side), blotches(2, side, side)
    problem = build_problem([Scene(content, (Style(style),))], config)
    for name in optimizers:
        totals: list[float] = []
        run = Run(
            problem,
            optimizer(name),
            Stopping(12),
            lambda row, count, terms, totals=totals: totals.append(terms["total"]),
            Parametrization(bounded=False),
        )
        run.start(content[np.newaxis].astype(np.float32))
        run.finish()
        assert min(totals) < 0.999 * totals[0], (name, totals)


@DESCENTS
def test_what_is_halved_unless_told_otherwise_is_another_version(name):
    assert optimizer_version(name, {}) == optimizer_version(name, {"learning_rate": None}) == 2
    assert optimizer_version(name, {"learning_rate": 100.0}) == optimizer_version("adam", {}) == 1


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("adam", {"halving": True}, r"unknown setting of optimizer_settings of adam; .*beta_2.*Received: halving"),
        ("adam", {"momentum": 0.5}, "Received: momentum"),
        ("rmsprop", {"beta_1": 0.5}, "Received: beta_1"),
        ("sgd", {"epsilon": 1e-3}, "Received: epsilon"),
        ("sgd", {"halving": 1}, r"optimizer_settings\.halving must be true, false or none"),
    ],
)
def test_what_a_method_has_no_use_for_is_refused(name, settings, message):
    with pytest.raises(ConfigError, match=message):
        optimizer_settings(name, settings)
