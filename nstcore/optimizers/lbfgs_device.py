"""L-BFGS whose vectors (pictures, gradients, curvature history) stay on the device; only scalars come to the host.

Written once for every backend and for any number of pictures. Each picture has its own history and line search, and
goes on as soon as its search ends; their evaluations are one. All vectors are (B, H, W, 3), so that a GPU is given each
operation once for the whole batch.

Losses are minimized scaled by a power of two, so that the mean absolute gradient of the initial picture is about 1. No
digit changes, but dot products do not overflow, however the loss is weighted.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from keras import ops

from nstcore.backend import compiled, computed, differentiate, on_device, to_host
from nstcore.errors import DivergenceError
from nstcore.optimizers.line_search import Point, Search, strong_wolfe
from nstcore.optimizers.protocol import LossFunction, Minimizable, Optimizer, Report, Tensor, divergence, per_row
from nstcore.optimizers.settings import LBFGSSettings
from nstcore.system.kept import droppable

# Mean change of a value by the first trial along the negative gradient, grey levels.
_FIRST_STEP = 1.0
# The scalars of an evaluation, a row per picture: both slopes, the value, the terms, and the mean absolute gradient,
# which is finite if all of the gradient is.
_SLOPE_AT_START, _SLOPE, _VALUE, _TERMS, _MEAN_GRADIENT = 0, 1, 2, slice(3, -1), -1


@dataclass
class _Row:
    """What the host knows of one picture.

    Attributes:
        value: the scaled loss at the current picture.
        terms: at the current picture.
        evaluations: so far.
        evaluations_at_rest: without those of a search that is going on.
        has_history: whether any pair is remembered.
        begun_at: how many evaluations there were when the method began, or last began anew.
        search: the line search that is going on, from its second trial on.
        t: the step length that is evaluated next; None while the picture rests.
    """

    value: float = math.nan
    terms: dict[str, float] = field(default_factory=dict)
    evaluations: int = 0
    evaluations_at_rest: int = 0
    has_history: bool = False
    begun_at: int = 0
    search: Search | None = None
    t: float | None = None

    def since_the_beginning(self) -> int:
        return self.evaluations - self.begun_at

    def rest(self) -> None:
        """End the line search."""
        self.search = self.t = None


@dataclass(frozen=True, eq=False)
class _Trial:
    """An evaluation of the whole batch: the pictures that were tried, the gradients there, and the scalars."""

    z: Tensor
    gradient: Tensor
    scalars: np.ndarray


class DeviceLBFGS(Optimizer):
    """L-BFGS (Nocedal and Wright 2006, algorithm 7.4) with a strong Wolfe line search."""

    def __init__(self, settings: LBFGSSettings) -> None:
        super().__init__(settings)
        self._rows: list[_Row] = []
        # Oldest first. Pairs that are not there yet are zeros, which change no direction, so that one graph serves all
        # lengths. Vectors of their own instead of the rows of a matrix: a new pair then moves nothing.
        self._steps: deque[Tensor] = deque(maxlen=settings.history)
        self._differences: deque[Tensor] = deque(maxlen=settings.history)
        self._curvatures: deque[Tensor] = deque(maxlen=settings.history)  # (B, 2): s·y, y·y

    @property
    def bytes_per_value(self) -> int:
        # Picture, gradient, direction, the history's pairs, and what an evaluation and a new direction pass through.
        settings: LBFGSSettings = self._settings
        return (8 + 2 * settings.history) * 4

    def start(self, problem: Minimizable, x: np.ndarray) -> list[Report]:
        self._problem = problem
        self._rows = [_Row() for _ in range(problem.shape[0])]
        self._scale = np.ones(len(self._rows), np.float32)
        self._z = on_device(np.asarray(x, np.float32))
        self._gradient = self._direction = ops.zeros_like(self._z)
        self._forget(self._everyone)
        trial = self._evaluate()
        slopes = trial.scalars[:, _MEAN_GRADIENT]
        problem.calibrate(slopes, trial.gradient)
        self._scale = np.array([_power_of_two(float(slope)) for slope in slopes], np.float32)
        self._gradient = _scaled(trial.gradient, self._scale)
        trial.scalars[:, _VALUE] *= self._scale
        return [self._arrive(row, trial.scalars[row]) for row in self._everyone]

    def step(self, rows: Collection[int] | None = None) -> list[Report]:
        active = self._everyone if rows is None else sorted(rows)
        self._begin_anew(active)
        self._set_out([row for row in active if self._rows[row].t is None])
        trial = self._evaluate(active)
        reports: list[Report] = []
        chosen: dict[int, Point] = {}
        failed: list[int] = []
        for row in active:
            state, scalars = self._rows[row], trial.scalars[row]
            if error := self._divergence(row, scalars):
                reports.append(Report(row, state.evaluations, state.terms, error=error))
            elif point := self._search(state, trial, scalars):
                chosen[row] = point
            elif state.t is None and state.has_history:
                failed.append(row)  # the negative gradient comes next
            elif state.t is None:
                state.evaluations_at_rest = state.evaluations
                reports.append(Report(row, state.evaluations, state.terms, stuck=True))
        if failed:
            self._forget(failed)
            for row in failed:
                self._rows[row].evaluations_at_rest = self._rows[row].evaluations
        if chosen:
            self._move(chosen)
        return reports + [self._arrive(row, point.kept.scalars[row]) for row, point in chosen.items()]

    def refine(self, problem: Minimizable, *, is_another: bool = False) -> list[Report]:
        self._problem = problem
        for state in self._rows:
            state.rest()
        if is_another:
            self._forget(self._everyone)
        trial = self._evaluate()
        # A pair is made of two gradients of one loss, when a step ends: the history need not be told of another loss.
        self._gradient = trial.gradient
        reports = [self._arrive(row, trial.scalars[row]) for row in self._everyone]
        return [report for report in reports if report.error]

    def picture(self) -> np.ndarray:
        return to_host(self._problem.pictures(self._z))

    def state_dict(self) -> dict[str, np.ndarray]:
        """Some 22 pictures.

        A line search that is going on is not among them: it begins again, and goes the same way.
        """
        return {
            **self.identity(self._problem),
            **self._problem.state_dict(),
            "z": to_host(self._z),
            "gradient": to_host(self._gradient),
            "steps": np.stack([to_host(one) for one in self._steps]),
            "differences": np.stack([to_host(one) for one in self._differences]),
            "curvatures": np.stack([to_host(one) for one in self._curvatures]),
            "scale": self._scale.copy(),
            "values": np.array([state.value for state in self._rows]),
            "terms": np.array(
                [[state.terms.get(name, math.nan) for name in self._problem.terms] for state in self._rows]
            ),
            "evaluations": np.array([state.evaluations_at_rest for state in self._rows]),
            "has_history": np.array([state.has_history for state in self._rows]),
            "begun_at": np.array([state.begun_at for state in self._rows]),
        }

    def load_state(self, problem: Minimizable, state: Mapping[str, np.ndarray]) -> None:
        self.check_identity(problem, state)
        self._problem = problem
        problem.load_state(state)
        self._z, self._gradient = on_device(state["z"]), on_device(state["gradient"])
        self._direction = ops.zeros_like(self._z)
        for vectors, name in (
            (self._steps, "steps"),
            (self._differences, "differences"),
            (self._curvatures, "curvatures"),
        ):
            vectors.extend(on_device(np.array(one)) for one in state[name])
        self._scale = np.asarray(state["scale"], np.float32)
        self._rows = [
            _Row(
                value=float(state["values"][row]),
                terms=dict(zip(problem.terms, state["terms"][row].tolist(), strict=True)),
                evaluations=int(state["evaluations"][row]),
                evaluations_at_rest=int(state["evaluations"][row]),
                has_history=bool(state["has_history"][row]),
                begun_at=int(state["begun_at"][row]),
            )
            for row in range(problem.shape[0])
        ]

    @property
    def _everyone(self) -> list[int]:
        return list(range(len(self._rows)))

    def _set_out(self, rows: list[int]) -> None:
        """Give these pictures a direction, and the length of a first trial."""
        if not rows:
            return
        direction = _two_loops(self._gradient, tuple(self._steps), tuple(self._differences), tuple(self._curvatures))
        self._direction = self._changed(rows, direction, self._direction)
        for row in rows:
            # Without a history the direction has length 1.
            first = _FIRST_STEP * math.sqrt(math.prod(self._problem.shape[1:]))
            self._rows[row].t = 1.0 if self._rows[row].has_history else first

    def _begin_anew(self, rows: list[int]) -> None:
        """Let pictures forget, whose evaluations since the beginning are as many as `restart_every` allows."""
        most = self._settings.restart_every
        due = [row for row in rows if self._rows[row].t is None and most <= self._rows[row].since_the_beginning()]
        if most and due:
            self._forget(due)
            for row in due:
                self._rows[row].begun_at = self._rows[row].evaluations

    def _evaluate(self, active: Collection[int] | None = None) -> _Trial:
        """Evaluate all pictures, the active ones where they want it and the others where they are."""
        active = self._everyone if active is None else active
        t = np.zeros(len(self._rows), np.float32)
        for row in active:
            self._rows[row].evaluations += 1
            t[row] = self._rows[row].t or 0.0
        z, gradient, scalars = _trial(self._problem.function)(
            self._z, self._direction, self._gradient, t, self._scale, self._problem.arguments
        )
        return _Trial(z, gradient, to_host(scalars))

    def _search(self, state: _Row, trial: _Trial, scalars: np.ndarray) -> Point | None:
        """Tell a picture's line search what it asked for; give the point that it chose, if it did.

        Afterwards `state.t` is what it wants next, or None if it has ended.
        """
        assert state.t is not None
        point = Point(state.t, float(scalars[_VALUE]), float(scalars[_SLOPE]), trial)
        try:
            if state.search is None:
                # The slope at the start comes with the first trial, so that the host does not wait for the direction.
                start = Point(0.0, state.value, float(scalars[_SLOPE_AT_START]))
                if not start.slope < 0:
                    state.rest()
                    return None
                state.search = strong_wolfe(start, point, self._settings.most_evaluations)
                state.t = next(state.search)
            else:
                state.t = state.search.send(point)
        except StopIteration as end:
            state.rest()
            chosen: Point | None = end.value
            return chosen
        return None

    def _move(self, chosen: Mapping[int, Point]) -> None:
        """Go to the points that were chosen, and remember the curvature on the way to each."""
        z, gradient = self._z, self._gradient
        for trial in dict.fromkeys(point.kept for point in chosen.values()):  # most often it is but the latest
            there = [row for row, point in chosen.items() if point.kept is trial]
            z, gradient = self._changed(there, trial.z, z), self._changed(there, trial.gradient, gradient)
        # Only a curved step may enter the history, so that the approximation of the Hessian stays positive.
        curved = [row for row, point in chosen.items() if point.slope > point.kept.scalars[row, _SLOPE_AT_START]]
        if curved:
            t = np.zeros(len(self._rows), np.float32)
            t[curved] = [chosen[row].t for row in curved]
            self._remember(curved, *_pair(self._direction, t, gradient, self._gradient))
        self._z, self._gradient = z, gradient

    def _remember(self, rows: list[int], *pair: Tensor) -> None:
        histories = (self._steps, self._differences, self._curvatures)
        for history, newest in zip(histories, pair, strict=True):
            if len(rows) == len(self._rows):
                history.append(newest)
            else:  # the pictures are at different places: each keeps the pairs that it has
                shifted = [*list(history)[1:], newest]
                kept = [self._changed(rows, new, old) for new, old in zip(shifted, history, strict=True)]
                history.extend(kept)
        for row in rows:
            self._rows[row].has_history = True

    def _forget(self, rows: list[int]) -> None:
        zeros, no_curvature = ops.zeros_like(self._z), on_device(np.zeros((len(self._rows), 2), np.float32))
        for history, nothing in ((self._steps, zeros), (self._differences, zeros), (self._curvatures, no_curvature)):
            before = list(history) or [nothing] * self._settings.history
            history.extend([self._changed(rows, nothing, old) for old in before])
        for row in rows:
            self._rows[row].has_history = False

    def _changed(self, rows: list[int], new: Tensor, old: Tensor) -> Tensor:
        """A batch with these rows of one, and the others of another."""
        if len(rows) == len(self._rows):
            return new
        return per_row(np.isin(self._everyone, rows), new, old)

    def _divergence(self, row: int, scalars: np.ndarray) -> DivergenceError | None:
        terms = dict(zip(self._problem.terms, scalars[_TERMS].tolist(), strict=True))
        return divergence(terms, math.isfinite(scalars[_MEAN_GRADIENT]), self._rows[row].evaluations)

    def _arrive(self, row: int, scalars: np.ndarray) -> Report:
        """Make an evaluation that of the current picture."""
        state = self._rows[row]
        error = self._divergence(row, scalars)
        if error is None:
            state.value = float(scalars[_VALUE])
            state.terms = dict(zip(self._problem.terms, scalars[_TERMS].tolist(), strict=True))
            state.evaluations_at_rest = state.evaluations
        return Report(row, state.evaluations, state.terms, error=error)


@droppable
@lru_cache(maxsize=16)
def _trial(function: LossFunction) -> Callable[..., tuple[Tensor, Tensor, Tensor]]:
    """Compile a step along a line.

    It takes (z, direction, gradient, t, scale, arguments), and gives z there, the gradient there, and the scalars.
    """

    def scaled(z: Tensor, scale: Tensor, arguments: Any) -> tuple[Tensor, Tensor]:
        values, terms = function(z, arguments)
        return scale * values, terms

    with_gradient = differentiate(scaled)

    def trial(
        z: Tensor, direction: Tensor, before: Tensor, t: Tensor, scale: Tensor, arguments: Any
    ) -> tuple[Tensor, Tensor, Tensor]:
        z = z + _per_picture(t) * direction
        values, terms, gradient = with_gradient(z, scale, arguments)
        mean = ops.mean(ops.abs(gradient), axis=(1, 2, 3))
        columns = [_dot(before, direction), _dot(gradient, direction), values]
        scalars = ops.concatenate([ops.stack(columns, axis=1), terms, ops.expand_dims(mean, 1)], axis=1)
        return z, gradient, scalars

    return compiled(trial)


@compiled
def _two_loops(gradient: Tensor, steps: Any, differences: Any, curvatures: Any) -> Tensor:
    """-H g, H the approximation of the inverse Hessian; -g / |g| where there is no history."""
    vector = -gradient
    alphas = []
    pairs = list(zip(steps, differences, curvatures, strict=True))
    for step, difference, curvature in reversed(pairs):
        alpha = ops.divide_no_nan(_dot(step, vector), curvature[:, 0])
        vector = vector - _per_picture(alpha) * difference
        alphas.append(alpha)
    newest = curvatures[-1]
    norm = ops.sqrt(_dot(gradient, gradient))
    initial = ops.where(newest[:, 1] > 0, ops.divide_no_nan(newest[:, 0], newest[:, 1]), ops.divide_no_nan(1.0, norm))
    vector = _per_picture(initial) * vector
    for (step, difference, curvature), alpha in zip(pairs, reversed(alphas), strict=True):
        beta = ops.divide_no_nan(_dot(difference, vector), curvature[:, 0])
        vector = vector + _per_picture(alpha - beta) * step
    return vector


@compiled
def _pair(direction: Tensor, t: Tensor, gradient: Tensor, before: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What a step of length t teaches: s, y, and (s·y, y·y)."""
    step, difference = _per_picture(t) * direction, gradient - before
    return step, difference, ops.stack([_dot(step, difference), _dot(difference, difference)], axis=1)


@computed
def _scaled(vector: Tensor, factors: Tensor) -> Tensor:  # once a run: compiling it would take longer
    return _per_picture(factors) * vector


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return ops.sum(a * b, axis=(1, 2, 3))


def _per_picture(numbers: Tensor) -> Tensor:
    """(B,) as a factor of (B, H, W, 3)."""
    return ops.reshape(numbers, (-1, 1, 1, 1))


def _power_of_two(slope: float) -> float:
    """The power of two that brings a slope near 1; 1 for one that is 0 or not finite."""
    if not 0 < slope < math.inf:
        return 1.0
    return float(2.0 ** -round(max(-100.0, min(100.0, math.log2(slope)))))
