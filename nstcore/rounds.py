"""Runs that evaluate together: each waits until all the others want an evaluation too, or have ended.

The runs are coroutines in effect, on threads because optimisers of SciPy and torch call the function and cannot be
suspended otherwise. At any time exactly one of them goes on, or the evaluation does. More would gain nothing, since
SciPy's L-BFGS-B holds the interpreter's lock; and so nothing depends on timing, callbacks never overlap, and the
backend is never called by two threads at once.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nstcore.errors import StyleTransferError
from nstcore.result import TransferResult

#: How a run ended: in a result, or in an error of its own.
Outcome = TransferResult | StyleTransferError


class BatchEvaluation:
    """Loss and gradient of any of the pictures of a batch, at the cost of all of them.

    The batch never changes its size: a row that nobody asks for keeps what it was asked for last, and is computed in
    vain. A graph of another size would have to be compiled, for the few evaluations that runs of equal length differ
    by.
    """

    def __init__(self, function: Callable[[list[Any]], Sequence[Any]], rows: int) -> None:
        """Take what evaluates as many pictures as the batch has rows."""
        self._function = function
        self._rows = rows
        self._latest: dict[int, Any] = {}

    def __call__(self, wanted: Mapping[int, Any]) -> dict[int, Any]:
        """Evaluate pictures by row, and give the answer for each."""
        self._latest |= wanted
        filling = next(iter(wanted.values()))  # for rows that were never asked for
        answers = self._function([self._latest.get(row, filling) for row in range(self._rows)])
        return {row: answers[row] for row in wanted}


@dataclass(frozen=True, eq=False)
class Request:
    """What a run waits for."""

    evaluation: BatchEvaluation
    row: int
    picture: Any


class Run:
    """Work on a thread of its own, that goes on only when told to, until it wants an evaluation or ends.

    Attributes:
        request: the evaluation that it waits for; None before the start and after the end.
        result: what the work returned, or the `StyleTransferError` that it raised; None before.
    """

    def __init__(self, work: Callable[[Run], TransferResult]) -> None:
        self.request: Request | None = None
        self.result: Outcome | None = None
        self._work = work
        self._error: BaseException | None = None
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._pauses: queue.SimpleQueue[None] = queue.SimpleQueue()
        # A daemon, so that a second interrupt, which ends the wait of `give_up`, ends the process too.
        self._thread = threading.Thread(target=self._run, name="transfer", daemon=True)

    def evaluate(self, evaluation: BatchEvaluation, row: int, picture: Any) -> Any:
        """Pause until there is an answer. For the work alone."""
        self.request = Request(evaluation, row, picture)
        self._pauses.put(None)
        answer = self._answers.get()
        if answer is None:
            raise _GivenUp
        return answer

    def start(self) -> None:
        """Go on until the first pause or the end.

        Raises:
            BaseException: what the work raised, if it is no `StyleTransferError`.
        """
        self._thread.start()
        self._wait()

    def resume(self, answer: Any) -> None:
        """Answer the request, and go on until the next pause or the end. Raises what `start` does."""
        self._answers.put(answer)
        self._wait()

    def give_up(self) -> None:
        """End the work at its next pause, or at this one, and wait for that. Nothing happens if it has ended."""
        self._answers.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def _wait(self) -> None:
        self._pauses.get()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self.result = self._work(self)
        except StyleTransferError as error:
            self.result = error
        except BaseException as error:
            self._error = error
        finally:
            self.request = None
            self._pauses.put(None)


class _GivenUp(BaseException):
    """Unwinds a run that is not to go on; no `Exception`, so that no optimiser takes it for a failed evaluation."""


def run_together(runs: Sequence[Run]) -> list[Outcome]:
    """Do all the runs to their ends, with their evaluations in batches, and give what each ended in.

    Runs may differ in the function that they want evaluated: a round evaluates each function that is asked for once.

    Raises:
        BaseException: what an evaluation raises, or a run if it is no `StyleTransferError`.
    """
    try:
        for run in runs:
            run.start()
        while wanted := [(run, run.request) for run in runs if run.request is not None]:
            for evaluation in dict.fromkeys(request.evaluation for _, request in wanted):
                asking = [(run, request) for run, request in wanted if request.evaluation is evaluation]
                answers = evaluation({request.row: request.picture for _, request in asking})
                for run, request in asking:
                    run.resume(answers[request.row])
    finally:
        for run in runs:
            run.give_up()
    return [run.result for run in runs if run.result is not None]
