"""Several runs at once: pictures of one size, with the same settings, evaluated as one batch.

A GPU computes a few small pictures in hardly more time than one. Every run is the ordinary `transfer.optimize` with an
optimiser of its own; only its evaluations are put together with those of the others (`nstcore.rounds`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from nstcore.coarse_to_fine import coarse_levels
from nstcore.config import TransferConfig
from nstcore.device_lbfgs import RowOfBatch, batch_evaluation
from nstcore.errors import StyleTransferError
from nstcore.features import pretrained_network
from nstcore.gradients import BoundLoss, ValueAndGradient
from nstcore.images import initial_picture, load_picture
from nstcore.memory import require_memory
from nstcore.objective import Objective, compiled_loss
from nstcore.result import TransferResult
from nstcore.rounds import BatchEvaluation, Outcome, Run, run_together
from nstcore.targets import ContentTarget, StyleTarget, content_target, style_target, target_network
from nstcore.transfer import Callback, assemble_objective, optimize
from nstcore.weighting import graph_inputs, stack_inputs

logger = logging.getLogger("nstcore")


@dataclass(frozen=True, eq=False)
class Pair:
    """What `transfer.assemble_objective` takes: both pictures as `load_picture` gives them, and their targets."""

    content_picture: np.ndarray
    style_picture: np.ndarray
    content: ContentTarget
    style: StyleTarget


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
        evaluations = _evaluations(pairs, config)
        pretrained_network(config.backbone, config.weights)  # every run asks for it at its end: load it once, here
    except StyleTransferError as error:
        return [error] * len(pairs)
    runs = [
        Run(partial(_optimize_row, row, pair, config, evaluations, callback, start))
        for row, (pair, callback, start) in enumerate(zip(pairs, callbacks, coarse, strict=True))
    ]
    return run_together(runs)


def _evaluations(pairs: Sequence[Pair], config: TransferConfig) -> dict[str, BatchEvaluation]:
    """The evaluation of a batch by precision: that of the settings, and float32."""
    height, width = pairs[0].content_picture.shape[:2]
    inputs = stack_inputs([graph_inputs(config, pair.content, pair.style, height, width) for pair in pairs])
    on_device = partial(batch_evaluation, bounded=config.pixel_range == "bounded")
    face = on_device if config.optimizer == "lbfgs-device" else _on_host
    return {
        variant.precision: BatchEvaluation(
            face(compiled_loss(variant.structure(), height, width, len(pairs))(inputs)), len(pairs)
        )
        for variant in (config, replace(config, precision="float32"))
    }


def _on_host(loss: BoundLoss) -> Callable[[list[np.ndarray]], list[tuple[dict[str, float], np.ndarray]]]:
    """What `gradients.ValueAndGradient` gives for one picture, for each of a list of (1, H, W, 3)."""

    def evaluate(pictures: list[np.ndarray]) -> list[tuple[dict[str, float], np.ndarray]]:
        terms, gradients = loss(np.concatenate(pictures))
        return [
            ({name: values[row] for name, values in terms.items()}, gradients[row : row + 1])
            for row in range(len(pictures))
        ]

    return evaluate


def _optimize_row(
    row: int,
    pair: Pair,
    config: TransferConfig,
    evaluations: Mapping[str, BatchEvaluation],
    callback: Callback | None,
    start: TransferResult | None,
    run: Run,
) -> TransferResult:
    def loss(precision: str) -> ValueAndGradient:
        evaluate = partial(run.evaluate, evaluations[precision], row)
        return RowOfBatch(evaluate) if config.optimizer == "lbfgs-device" else evaluate

    exact = None if config.precision == "float32" else loss("float32")
    return optimize(Objective(loss(config.precision), _initial(pair, config), exact), config, callback, start)


def _initial(pair: Pair, config: TransferConfig) -> np.ndarray:
    return initial_picture(config.init, pair.content_picture, pair.style_picture, config.seed)
