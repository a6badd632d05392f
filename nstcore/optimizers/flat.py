"""Any method that minimises a function of a flat vector on the host, as an optimiser of batches."""

from __future__ import annotations

import contextlib
import math
import queue
import threading
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nstcore.backend import on_device, to_host
from nstcore.optimizers.evaluation import evaluation
from nstcore.optimizers.protocol import Minimizable, Optimizer, Report, divergence
from nstcore.system.processor import single_threaded_blas

#: x -> (loss, gradient), both float64.
FlatFunction = Callable[[np.ndarray], tuple[float, np.ndarray]]
#: Called after each step with x (a buffer that the next step overwrites) and the loss there.
OnStep = Callable[[np.ndarray, float], None]


# A thread that does not end is left behind: it waits, and does not keep the process.
_TRIES_TO_END, _SECONDS_OF_A_TRY = 20, 0.1


@dataclass(frozen=True)
class _Wanted:
    """What a method waits for: the loss at x."""

    x: np.ndarray


@dataclass(frozen=True)
class _Stepped:
    """A method went to x, where the loss is `value`."""

    x: np.ndarray
    value: float


class _GivenUp(BaseException):
    """Unwinds a method that is not to go on; no `Exception`, so that none takes it for a failed evaluation."""


class _Method:
    """A method that calls a function, turned inside out: it pauses whenever it wants an evaluation or took a step.

    It runs on a thread, because a function in compiled code cannot be suspended otherwise. At any time either the
    thread goes on or its owner does, never both, so that nothing depends on timing and the backend sees one thread.
    """

    def __init__(self, work: Callable[[FlatFunction, OnStep], None]) -> None:
        self._work = work
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._pauses: queue.SimpleQueue[Any] = queue.SimpleQueue()
        # A daemon, so that a second interrupt, which ends the wait of `give_up`, ends the process too.
        self._thread = threading.Thread(target=self._run, name="optimizer", daemon=True)
        self._started = False

    def resume(self, answer: Any = None) -> _Wanted | _Stepped | None:
        """Go on with an answer until the next pause; None at the end. Raises what the method raised."""
        if self._started:
            self._answers.put((answer,))
        else:
            self._started = True
            self._thread.start()
        pause: _Wanted | _Stepped | BaseException | None = self._pauses.get()
        if isinstance(pause, BaseException):
            raise pause
        return pause

    def give_up(self) -> None:
        """End it where it waits."""
        for _ in range(_TRIES_TO_END):  # a method may catch everything, and ask again
            if not self._thread.is_alive():
                return
            self._answers.put(None)
            self._thread.join(_SECONDS_OF_A_TRY)

    def _pause(self, pause: _Wanted | _Stepped) -> Any:
        self._pauses.put(pause)
        answer = self._answers.get()
        if answer is None:
            raise _GivenUp
        return answer[0]

    def _run(self) -> None:
        try:
            self._work(
                lambda x: self._pause(_Wanted(x.copy())),
                lambda x, value: self._pause(_Stepped(x.copy(), value)),
            )
        except _GivenUp:
            pass
        except BaseException as error:
            self._pauses.put(error)
        else:
            self._pauses.put(None)


@dataclass
class _Row:
    """One picture.

    Attributes:
        x: the current picture, flat float64.
        value, gradient: what the method was given there.
        terms: of the loss at x.
        evaluations: so far.
        offset: what values are raised by before the method is given them.
        seen: value as given -> terms, of the step that is going on.
        method: None where it is to begin.
        pause: what the method waits for.
    """

    x: np.ndarray
    value: float = math.nan
    gradient: np.ndarray | None = None
    terms: dict[str, float] = field(default_factory=dict)
    evaluations: int = 0
    offset: float = 0.0
    seen: dict[float, dict[str, float]] = field(default_factory=dict)
    method: _Method | None = None
    pause: _Wanted | _Stepped | None = None


class FlatOptimizer(Optimizer):
    """A method of flat float64 vectors on the host: a subclass says how to call it.

    Every picture has a run of the method of its own; what they want evaluated is evaluated together. A state that was
    saved has no memory of the method's own: it begins anew from there.

    When the loss is refined the method must not see it jump, or no step would seem to lower it: from then on it is
    given the loss plus what the approximation was off by then.
    """

    @abstractmethod
    def minimize(self, function: FlatFunction, x0: np.ndarray, on_step: OnStep) -> None:
        """Minimise until no step lowers the loss; `on_step` is called after each."""

    def __init__(self, settings: Any = None) -> None:
        super().__init__(settings)
        self._rows: list[_Row] = []
        self._threads = contextlib.ExitStack()

    def start(self, problem: Minimizable, x: np.ndarray) -> list[Report]:
        self._problem = problem
        self._rows = [_Row(picture.astype(np.float64).ravel()) for picture in np.asarray(x)]
        gradients, scalars = self._evaluate({})
        problem.calibrate(scalars[:, -1], on_device(gradients.astype(np.float32).reshape(problem.shape)))
        for row, state in enumerate(self._rows):
            state.value, state.gradient = float(scalars[row, 0]), gradients[row]
        reports = [self._count(row, scalars[row]) for row in range(len(self._rows))]
        for state, report in zip(self._rows, reports, strict=True):
            state.terms = dict(report.terms)
        return reports

    def step(self, rows: Collection[int] | None = None) -> list[Report]:
        active = sorted(range(len(self._rows)) if rows is None else rows)
        for row in active:
            self._set_out(self._rows[row])
        wanted = {row: pause.x for row in active if isinstance(pause := self._rows[row].pause, _Wanted)}
        reports: list[Report] = []
        if wanted:
            gradients, scalars = self._evaluate(wanted)
            for row in wanted:
                report = self._count(row, scalars[row])
                if report.error:
                    reports.append(report)
                else:
                    self._answer(self._rows[row], float(scalars[row, 0]), gradients[row], dict(report.terms))
        failed = {report.row for report in reports}
        arrived = (self._arrive(row) for row in active if row not in failed)
        return reports + [report for report in arrived if report is not None]

    def refine(self, problem: Minimizable) -> list[Report]:
        self._problem = problem
        _, scalars = self._evaluate({})
        reports = []
        for row, state in enumerate(self._rows):
            report = self._count(row, scalars[row])
            if report.error:
                reports.append(report)
            state.offset = state.value - float(scalars[row, 0])
            state.gradient = None  # it is to be computed anew where a method begins
            state.seen.clear()
        return reports

    def picture(self) -> np.ndarray:
        return to_host(self._problem.pictures(on_device(self._batch({}))))

    def state_dict(self) -> dict[str, np.ndarray]:
        return {
            **self.identity(self._problem),
            **self._problem.state_dict(),
            "x": np.stack([state.x for state in self._rows]),
            "values": np.array([state.value for state in self._rows]),
            "offsets": np.array([state.offset for state in self._rows]),
            "terms": np.array(
                [[state.terms.get(name, math.nan) for name in self._problem.terms] for state in self._rows]
            ),
            "evaluations": np.array([state.evaluations for state in self._rows]),
        }

    def load_state(self, problem: Minimizable, state: Mapping[str, np.ndarray]) -> None:
        self.check_identity(problem, state)
        self._problem = problem
        problem.load_state(state)
        self._rows = [
            _Row(
                x=np.array(state["x"][row]),
                value=float(state["values"][row]),
                terms=dict(zip(problem.terms, state["terms"][row].tolist(), strict=True)),
                evaluations=int(state["evaluations"][row]),
                offset=float(state["offsets"][row]),
            )
            for row in range(problem.shape[0])
        ]

    def close(self) -> None:
        for state in self._rows:
            if state.method is not None:
                state.method.give_up()
        self._threads.close()

    def _set_out(self, state: _Row) -> None:
        """Let a picture's method go on, if it waits for nothing, until it wants an evaluation."""
        if state.method is None:
            self._threads.enter_context(single_threaded_blas())
            state.method = _Method(lambda function, on_step: self.minimize(function, state.x.copy(), on_step))
            state.pause = state.method.resume()
            # It begins by asking for what is known.
            if isinstance(state.pause, _Wanted) and state.gradient is not None and (state.pause.x == state.x).all():
                state.pause = state.method.resume((state.value, state.gradient))
        elif isinstance(state.pause, _Stepped):
            state.pause = state.method.resume()

    def _answer(self, state: _Row, value: float, gradient: np.ndarray, terms: dict[str, float]) -> None:
        assert state.method is not None
        given = value + state.offset
        state.seen[given] = terms
        state.pause = state.method.resume((given, gradient))

    def _arrive(self, row: int) -> Report | None:
        """Report what a picture's method came to: a step, its end, or nothing yet."""
        state = self._rows[row]
        if isinstance(state.pause, _Wanted):
            return None
        if state.pause is None:
            state.method = None
            return Report(row, state.evaluations, state.terms, stuck=True)
        state.x, state.value = state.pause.x, state.pause.value
        if state.seen:  # else it went nowhere; a method may round the loss that it was given
            state.terms = state.seen[min(state.seen, key=lambda given: abs(given - state.value))]
        state.seen.clear()
        return Report(row, state.evaluations, state.terms)

    def _count(self, row: int, scalars: np.ndarray) -> Report:
        state = self._rows[row]
        state.evaluations += 1
        terms = dict(zip(self._problem.terms, scalars[1:-1].tolist(), strict=True))
        error = divergence(terms, math.isfinite(scalars[-1]), state.evaluations)
        return Report(row, state.evaluations, terms, error=error)

    def _evaluate(self, wanted: Mapping[int, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Evaluate the pictures that are wanted, the others where they are.

        Returns:
            The gradients, float64 (B, H·W·3), and the scalars of `evaluation`.
        """
        gradients, scalars = evaluation(self._problem.function)(self._batch(wanted), self._problem.arguments)
        return to_host(gradients).astype(np.float64).reshape(len(self._rows), -1), to_host(scalars)

    def _batch(self, wanted: Mapping[int, np.ndarray]) -> np.ndarray:
        flat = [wanted.get(row, state.x) for row, state in enumerate(self._rows)]
        return np.stack(flat).astype(np.float32).reshape(self._problem.shape)
