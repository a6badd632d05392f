"""Several runs at once: pictures of one size, with the same settings, evaluated as one batch.

A GPU computes a few small pictures in hardly more time than one. Every run is the ordinary `transfer.optimize` with an
optimiser of its own; only its evaluations are put together with those of the others: at each it waits until all the
others want one too, or have ended.

The runs are coroutines in effect, on threads because SciPy calls the function and cannot be suspended otherwise. At any
time exactly one of them goes on, or the evaluation does. More would gain nothing, since SciPy's L-BFGS-B holds the
interpreter's lock; and so nothing depends on timing, callbacks never overlap, and the backend is called by the caller's
thread alone.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from nstcore.coarse_to_fine import coarse_levels
from nstcore.config import TransferConfig
from nstcore.errors import ConfigError, StyleTransferError
from nstcore.features import pretrained_network
from nstcore.gradients import BatchValueAndGradient
from nstcore.images import initial_picture, load_picture
from nstcore.memory import require_memory
from nstcore.objective import Objective, compiled_loss
from nstcore.result import TransferResult
from nstcore.targets import ContentTarget, StyleTarget, content_target, style_target, target_network
from nstcore.transfer import Callback, assemble_objective, optimize
from nstcore.weighting import graph_inputs, stack_inputs

logger = logging.getLogger("nstcore")

#: What `gradients.ValueAndGradient` returns for one picture.
_Answer = tuple[dict[str, float], np.ndarray]


@dataclass(frozen=True, eq=False)
class Pair:
    """What `transfer.assemble_objective` takes: both pictures as `load_picture` gives them, and their targets."""

    content_picture: np.ndarray
    style_picture: np.ndarray
    content: ContentTarget
    style: StyleTarget


#: How a run ended: in a result, or in an error of its own.
Outcome = TransferResult | StyleTransferError


def transfer_batch(
    pairs: Sequence[Pair], config: TransferConfig, callbacks: Sequence[Callback | None] = ()
) -> list[Outcome]:
    """Do several transfers with the same settings: the coarse runs that they ask for, then those at full size.

    Takes, returns and raises what `optimize_batch` does.
    """
    config = config.resolved()
    callbacks = callbacks or [None] * len(pairs)
    height, width = pairs[0].content_picture.shape[:2]
    try:
        logger.info(require_memory(config, height, width, len(pairs)))
    except StyleTransferError as error:  # the coarse runs would fit, and be in vain
        return [error] * len(pairs)
    coarse: list[Outcome | None] = [None] * len(pairs)
    levels = [coarse_levels(pair.content_picture, pair.style_picture, config) for pair in pairs]
    for level in max(levels, key=len):  # narrow styles do without the smallest sizes, and others have them all
        rows = [row for row in range(len(pairs)) if level in levels[row]]
        smaller = {row: _at(level, pairs[row]) for row in rows}
        _advance(smaller, level, callbacks, coarse)
    results = coarse.copy()
    _advance(dict(enumerate(pairs)), config, callbacks, results)
    return [result for result in results if result is not None]


def _advance(
    pairs: Mapping[int, Pair], config: TransferConfig, callbacks: Sequence[Callback | None], ends: list[Outcome | None]
) -> None:
    """Do one more run of each of these pairs, starting from the one before, unless that ended in an error."""
    rows = [row for row in pairs if not isinstance(ends[row], StyleTransferError)]
    if rows:
        starts = [end if isinstance(end := ends[row], TransferResult) else None for row in rows]
        found = optimize_batch([pairs[row] for row in rows], config, [callbacks[row] for row in rows], starts)
        for row, end in zip(rows, found, strict=True):
            ends[row] = end


def _at(level: TransferConfig, pair: Pair) -> Pair:
    """A pair at a coarse size, with its targets there."""
    content, style = load_picture(pair.content_picture, level), load_picture(pair.style_picture, level)
    extractor = target_network(level)
    return Pair(content, style, content_target(content, extractor, level), style_target(style, extractor, level))


def optimize_batch(
    pairs: Sequence[Pair],
    config: TransferConfig,
    callbacks: Sequence[Callback | None] = (),
    coarse: Sequence[TransferResult | None] = (),
) -> list[Outcome]:
    """Do several runs with the same settings, each as `transfer.optimize` does it alone.

    Args:
        pairs: one or more, whose content pictures have one size. A single one is optimised as if there were no batches.
        config: the settings of all.
        callbacks: for each pair one that is called with its iterates, or None; empty for none at all. They are called
            one at a time, each on the thread of its run.
        coarse: for each pair the coarse run that it starts from, or None; empty for none at all.

    Returns:
        For each pair its result, or the error that ended its run: a run that diverges does not stop the others.
        `seconds` of a result are wall time, in which the others ran too.

    Raises:
        ValueError: for content pictures of different sizes.
        BaseException: whatever else a run, a callback or the backend raises; the other runs are given up then.
    """
    config = config.resolved()
    sizes = {pair.content_picture.shape[:2] for pair in pairs}
    if len(sizes) != 1:
        raise ValueError(f"content pictures must have one size. Received: (height, width) of {sorted(sizes)}")
    callbacks = callbacks or [None] * len(pairs)
    coarse = coarse or [None] * len(pairs)
    try:
        if len(pairs) == 1:
            (pair,), (callback,), (start,) = pairs, callbacks, coarse
            objective = assemble_objective(pair.content_picture, pair.style_picture, pair.content, pair.style, config)
            return [optimize(objective, config, callback, start)]
        if config.optimizer == "lbfgs-device":
            raise ConfigError(
                "optimizer='lbfgs-device' evaluates within its steps, one picture at a time; choose optimizer='lbfgs' "
                f"for batches, or batches of 1. Received: {len(pairs)} pictures"
            )
        evaluations = _evaluations(pairs, config)
        pretrained_network(config.backbone, config.weights)  # every run asks for it at its end: load it once, here
    except StyleTransferError as error:
        return [error] * len(pairs)
    runs = [
        Run(partial(_optimize_row, row, pair, config, evaluations, callback, start))
        for row, (pair, callback, start) in enumerate(zip(pairs, callbacks, coarse, strict=True))
    ]
    return run_together(runs)


class BatchEvaluation:
    """Loss and gradient of any of the pictures of a batch, at the cost of all of them.

    The batch never changes its size: a row that nobody asks for keeps its last picture and is computed in vain. A graph
    of another size would have to be compiled, for the few evaluations that runs of equal length differ by.
    """

    def __init__(self, function: BatchValueAndGradient, pictures: np.ndarray) -> None:
        """Take the bound graph of a batch, and float32 (B, H, W, 3) to fill the rows with until they are asked for."""
        self._function = function
        self._pictures = pictures.copy()

    def __call__(self, pictures: Mapping[int, np.ndarray]) -> dict[int, _Answer]:
        """Evaluate (1, H, W, 3) pictures by row, and give terms and gradient (1, H, W, 3) of each."""
        for row, picture in pictures.items():
            self._pictures[row] = picture[0]
        terms, gradients = self._function(self._pictures)
        return {row: ({name: terms[name][row] for name in terms}, gradients[row : row + 1]) for row in pictures}


@dataclass(frozen=True, eq=False)
class Request:
    """What a run waits for."""

    evaluation: BatchEvaluation
    row: int
    picture: np.ndarray


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
        self._answers: queue.SimpleQueue[_Answer | None] = queue.SimpleQueue()
        self._pauses: queue.SimpleQueue[None] = queue.SimpleQueue()
        # A daemon, so that a second interrupt, which ends the wait of `give_up`, ends the process too.
        self._thread = threading.Thread(target=self._run, name="transfer", daemon=True)

    def evaluate(self, evaluation: BatchEvaluation, row: int, picture: np.ndarray) -> _Answer:
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

    def resume(self, answer: _Answer) -> None:
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


def _evaluations(pairs: Sequence[Pair], config: TransferConfig) -> dict[str, BatchEvaluation]:
    """The evaluation of a batch by precision: that of the settings, and float32."""
    height, width = pairs[0].content_picture.shape[:2]
    inputs = stack_inputs([graph_inputs(config, pair.content, pair.style, height, width) for pair in pairs])
    pictures = np.stack([_initial(pair, config) for pair in pairs])
    return {
        variant.precision: BatchEvaluation(
            compiled_loss(variant.structure(), height, width, len(pairs))(inputs), pictures
        )
        for variant in (config, replace(config, precision="float32"))
    }


def _optimize_row(
    row: int,
    pair: Pair,
    config: TransferConfig,
    evaluations: Mapping[str, BatchEvaluation],
    callback: Callback | None,
    start: TransferResult | None,
    run: Run,
) -> TransferResult:
    exact, configured = (
        partial(run.evaluate, evaluations[precision], row) for precision in ("float32", config.precision)
    )
    initial = _initial(pair, config)
    objective = Objective(configured, initial, None if config.precision == "float32" else exact)
    return optimize(objective, config, callback, start)


def _initial(pair: Pair, config: TransferConfig) -> np.ndarray:
    return initial_picture(config.init, pair.content_picture, pair.style_picture, config.seed)
