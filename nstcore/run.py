"""A run: an optimiser goes on with a problem until every picture of it has come to its end."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping

import numpy as np

from nstcore.errors import DivergenceError, StyleTransferError
from nstcore.keras_settings.numerics import own_numerics
from nstcore.optimizers.parametrization import parametrized
from nstcore.optimizers.protocol import Optimizer, Report
from nstcore.optimizers.settings import Parametrization
from nstcore.problem import Problem
from nstcore.stopping import Stopping

#: Called with the row, the count of evaluations and the terms of every iterate.
Record = Callable[[int, int, Mapping[str, float]], None]
#: Why a picture's run ended, in words, or in an error of its own.
End = str | StyleTransferError


class Run:
    """One optimisation of a problem.

    A problem that approximates its loss (bfloat16) is refined for the last fifth of the iterations, within the same run
    of the optimiser, so that the curvature history is kept; or as soon as rounding leaves the optimiser no step. A loss
    of several stages becomes the next one in the same way. The pictures of a batch wait for each other there.

    Attributes:
        ends: of the pictures that have come to their end, by row.
    """

    def __init__(
        self,
        problem: Problem,
        optimizer: Optimizer,
        stopping: Stopping,
        record: Record,
        parametrization: Parametrization,
        *,
        states: bool = False,
    ) -> None:
        """Take what goes together.

        Args:
            problem: of B pictures.
            optimizer: not started yet.
            stopping: when a picture has come to its end.
            record: told every iterate; the initial picture is the first.
            parametrization: what is optimised in place of the pictures. Terms of every iterate are those of the picture
                that it stands for.
            states: whether `state_dict` will be asked for. Some optimisers go on to the bit only if they know it
                beforehand.
        """
        if states:
            optimizer.expect_states()
        self.ends: dict[int, End] = {}
        self._optimizer = optimizer
        self._stopping = stopping
        self._record = record
        self._problem = parametrized(problem, parametrization)
        self._refined = problem.refined()
        self._refined_from = int(stopping.iterations * problem.refined_from)
        self._switched = 0
        self._steps = [0] * problem.shape[0]
        self._waiting: set[int] = set()
        self._totals: list[deque[float]] = [deque(maxlen=stopping.over + 1) for _ in self._steps]
        self._began = time.perf_counter()

    @own_numerics()
    def start(self, x: np.ndarray) -> None:
        """Evaluate the initial pictures, float32 (B, H, W, 3)."""
        for report in self._optimizer.start(self._problem, self._problem.at(x)):
            self._take(report)

    @own_numerics()
    def finish(self, between: Callable[[], None] | None = None) -> np.ndarray:
        """Go on until all pictures have come to their end; give them, float32 (B, H, W, 3).

        Args:
            between: called after every round of evaluations, when `state_dict` tells of all that was recorded.

        Raises:
            BaseException: whatever the backend or `record` raises; what ends a single picture is among the `ends`.
        """
        with self._optimizer:
            while live := self._live():
                going = live - self._waiting
                for report in self._optimizer.step(going) if going else self._refine():
                    self._steps[report.row] += not (report.error or report.stuck)
                    self._take(report)
                if between is not None:
                    between()
            return self._optimizer.picture()

    @property
    def has_ended(self) -> bool:
        """Whether all pictures have come to their end."""
        return not self._live()

    @own_numerics()
    def pictures(self) -> np.ndarray:
        """The pictures so far, float32 (B, H, W, 3)."""
        return self._optimizer.picture()

    @own_numerics()
    def state_dict(self) -> dict[str, np.ndarray]:
        """All that the run depends on but the problem and what was recorded, as arrays that `np.savez` takes."""
        return {
            **{f"optimizer/{name}": array for name, array in self._optimizer.state_dict().items()},
            "steps": np.array(self._steps),
            "ended": np.array([str(self.ends.get(row, "")) for row in range(len(self._steps))]),
            "budget": np.array(self._stopping.budget),
            "failed": np.array([isinstance(self.ends.get(row), StyleTransferError) for row in range(len(self._steps))]),
            "refined": np.array(self._switched),
            "waiting": np.array(sorted(self._waiting), int),
            **{f"totals/{row}": np.array(totals) for row, totals in enumerate(self._totals)},
        }

    @own_numerics()
    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on where another run was, instead of starting; pictures that had come to their end stay there.

        Those that had used up their iterations go on if there are more now.

        Raises:
            ConfigError: if its optimiser, backend, size or pixel range was another.
        """
        for _ in range(int(state["refined"])):
            self._switch()
        prefix = "optimizer/"
        kept = {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}
        self._optimizer.load_state(self._problem, kept)
        self._steps = [int(steps) for steps in state["steps"]]
        self._waiting = {int(row) for row in state["waiting"]}
        for row, totals in enumerate(self._totals):
            totals.extend(state[f"totals/{row}"].tolist())
        for row, (end, failed, steps) in enumerate(zip(state["ended"], state["failed"], self._steps, strict=True)):
            if end and end != state["budget"]:
                self.ends[row] = DivergenceError(str(end)) if failed else str(end)
            elif steps >= self._stopping.iterations:
                self.ends[row] = self._stopping.budget

    def _live(self) -> set[int]:
        return set(range(len(self._steps))) - self.ends.keys()

    def _take(self, report: Report) -> None:
        if report.row in self.ends:
            return
        if report.error is not None:
            self.ends[report.row] = report.error
            return
        steps = self._steps[report.row]
        if not report.stuck:
            self._record(report.row, report.evaluations, report.terms)
            self._totals[report.row].append(report.terms["total"])
        settled = "no step lowers the loss" if report.stuck else self._stopping.settled(self._totals[report.row])
        if steps >= self._stopping.iterations:
            self.ends[report.row] = self._stopping.budget
        elif late := self._stopping.late(time.perf_counter() - self._began):
            self.ends[report.row] = late
        elif self._refined is not None and (settled or steps >= self._refined_from):
            self._waiting.add(report.row)
        elif settled:
            self.ends[report.row] = settled

    def _refine(self) -> list[Report]:
        """Go on with the loss itself, or that of the next stage, now that all pictures wait for it."""
        is_another = self._switch()
        self._waiting.clear()
        return self._optimizer.refine(self._problem, is_another=is_another)

    def _switch(self) -> bool:
        """Take the next problem; say whether its loss is another."""
        refined = self._refined
        assert refined is not None
        self._problem = self._problem.of(refined)
        for totals in self._totals:
            totals.clear()  # values of two losses do not compare
        self._refined = refined.refined()
        self._refined_from = int(self._stopping.iterations * refined.refined_from)
        self._switched += 1
        return refined.is_another
