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
from nstcore.optimizers.replay import Log
from nstcore.system.processor import single_threaded_blas

#: x -> (loss, gradient), both float64.
FlatFunction = Callable[[np.ndarray], tuple[float, np.ndarray]]
#: Called after each step with x (a buffer that the next step overwrites) and the loss there.
OnStep = Callable[[np.ndarray, float], None]


# A thread that does not end is left behind: it waits, and does not keep the process.
_TRIES_TO_END, _SECONDS_OF_A_TRY = 20, 0.1

# Of all answers that a state holds, bytes: 85 evaluations of 512 x 512 pixels.
_LARGEST_LOG = 256 * 2**20


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
        log: what the method was answered, if states are expected and it did not grow too large.
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
    log: Log | None = None

    def begin_anew(self, value: float, terms: dict[str, float]) -> None:
        """Leave the method where it is, for one that begins at the current picture with a loss of this value."""
        if self.method is not None:
            self.method.give_up()
        self.method = self.pause = self.log = None
        self.value, self.terms, self.offset = value, terms, 0.0

    def go_on(self, answer: tuple[float, np.ndarray] | None = None) -> None:
        """Let the method go on until its next pause."""
        assert self.method is not None
        if self.log is not None and answer is not None:
            self.log.answered(*answer)
        elif self.log is not None:
            self.log.went_on += 1
        self.pause = self.method.resume(answer)


class FlatOptimizer(Optimizer):
    """A method of flat float64 vectors on the host: a subclass says how to call it.

    Every picture has a run of the method of its own; what they want evaluated is evaluated together.

    What a method remembers cannot be read. A state therefore holds what it was answered, and a run that goes on gives
    it the same answers again, which leads it to the same place to the bit. Where they were not collected
    (`expect_states`), or became too many, the method begins anew from the picture, and "replayable" says so.

    When the loss is refined the method must not see it jump, or no step would seem to lower it: from then on it is
    given the loss plus what the approximation was off by then. For a loss that is another it begins anew.
    """

    @abstractmethod
    def minimize(self, function: FlatFunction, x0: np.ndarray, on_step: OnStep) -> None:
        """Minimise until no step lowers the loss; `on_step` is called after each."""

    def __init__(self, settings: Any = None) -> None:
        super().__init__(settings)
        self._rows: list[_Row] = []
        self._threads = contextlib.ExitStack()
        self._logs = False

    def expect_states(self) -> None:
        self._logs = True

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

    def refine(self, problem: Minimizable, *, is_another: bool = False) -> list[Report]:
        self._problem = problem
        _, scalars = self._evaluate({})
        reports = []
        for row, state in enumerate(self._rows):
            report = self._count(row, scalars[row])
            if report.error:
                reports.append(report)
            state.gradient = None  # it is to be computed anew where a method begins
            state.seen.clear()
            if is_another:
                state.begin_anew(float(scalars[row, 0]), dict(report.terms))
            else:
                state.offset = state.value - float(scalars[row, 0])
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
            "replayable": np.array([state.log is not None or state.method is None for state in self._rows]),
            **{name: array for row, state in enumerate(self._rows) for name, array in self._memory(row, state)},
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
        for row, each in enumerate(self._rows):
            self._replay(row, each, state)

    def close(self) -> None:
        for state in self._rows:
            if state.method is not None:
                state.method.give_up()
        self._threads.close()

    def _set_out(self, state: _Row) -> None:
        """Let a picture's method go on, if it waits for nothing, until it wants an evaluation."""
        if state.method is None:
            state.log = Log(state.x.copy()) if self._logs else None
            state.method = self._method_from(state.x)
            state.pause = state.method.resume()
            # It begins by asking for what is known.
            if isinstance(state.pause, _Wanted) and state.gradient is not None and (state.pause.x == state.x).all():
                state.go_on((state.value, state.gradient))
        elif isinstance(state.pause, _Stepped):
            state.go_on()

    def _method_from(self, x: np.ndarray) -> _Method:
        self._threads.enter_context(single_threaded_blas())
        return _Method(lambda function, on_step: self.minimize(function, x.copy(), on_step))

    def _memory(self, row: int, state: _Row) -> list[tuple[str, np.ndarray]]:
        """What brings a picture's method to where it is."""
        if state.log is None:
            return []
        terms = [[seen.get(name, math.nan) for name in self._problem.terms] for seen in state.seen.values()]
        arrays = {
            **state.log.to_arrays(),
            "seen": np.array(list(state.seen), np.float64),
            "seen terms": np.array(terms, np.float64).reshape(len(terms), len(self._problem.terms)),
        }
        return [(f"method/{row}/{name}", array) for name, array in arrays.items()]

    def _replay(self, row: int, state: _Row, arrays: Mapping[str, np.ndarray]) -> None:
        """Bring a picture's method to where another run's was; without its answers it begins from the picture."""
        prefix = f"method/{row}/"
        memory = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        if not memory:
            return
        log = Log.from_arrays(memory)
        state.method = self._method_from(log.start)
        state.pause = log.replay(state.method.resume, lambda pause: isinstance(pause, _Wanted))
        state.log = log if self._logs else None
        for given, terms in zip(memory["seen"].tolist(), memory["seen terms"].tolist(), strict=True):
            state.seen[given] = dict(zip(self._problem.terms, terms, strict=True))

    def _answer(self, state: _Row, value: float, gradient: np.ndarray, terms: dict[str, float]) -> None:
        assert state.method is not None
        given = value + state.offset
        state.seen[given] = terms
        state.go_on((given, gradient))
        if state.log is not None and sum(each.log.nbytes for each in self._rows if each.log) > _LARGEST_LOG:
            self._logs = False
            for each in self._rows:
                each.log = None

    def _arrive(self, row: int) -> Report | None:
        """Report what a picture's method came to: a step, its end, or nothing yet."""
        state = self._rows[row]
        if isinstance(state.pause, _Wanted):
            return None
        if state.pause is None:
            state.method = state.log = None
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
