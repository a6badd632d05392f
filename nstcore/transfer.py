"""The recipe: pictures -> features -> targets -> loss graph -> value and gradient -> optimiser -> result."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from nstcore.coarse_to_fine import coarse_levels
from nstcore.config import TransferConfig
from nstcore.device_lbfgs import minimizer
from nstcore.features import pretrained_network
from nstcore.images import PictureSource, initial_picture, load_picture
from nstcore.memory import require_memory
from nstcore.objective import Objective, compiled_loss
from nstcore.optimizers import OPTIMIZERS
from nstcore.pixel_range import WithinRange
from nstcore.processor import single_threaded_blas
from nstcore.result import CoarseRun, Iterate, Trace, TransferResult
from nstcore.targets import ContentTarget, StyleTarget, content_target, style_target, target_network
from nstcore.weighting import graph_inputs

logger = logging.getLogger("nstcore")

# Of the iterations; measured to end within 1 % of a float32 run for every backbone (benchmarks/precision.py).
_REFINED_SHARE = 0.2

#: Called with every iterate.
Callback = Callable[[Iterate], None]


def style_transfer(
    content: PictureSource, style: PictureSource, config: TransferConfig | None = None, callback: Callback | None = None
) -> TransferResult:
    """Render the content picture in the style of the style picture (Gatys 2016).

    Args:
        content, style: a path, or a uint8 (H, W, 3) RGB array; both are resized to `config.size`.
        config: the settings; None takes the defaults.
        callback: called after the start and after every step, of coarse runs too: each begins with iteration 0.

    Raises:
        PictureError: for a picture that cannot be read or is too small for the backbone.
        ConfigError: for a layer that the backbone does not have.
        WeightsError: if the backbone's weights cannot be had.
        MemoryShortageError: if the memory that is free is not enough.
        DivergenceError: if a loss becomes NaN or infinite.
    """
    config = (config or TransferConfig()).resolved()
    content_picture, style_picture = load_picture(content, config), load_picture(style, config)
    logger.info(require_memory(config, *content_picture.shape[:2]))  # before the coarse runs, which need less
    coarse = run_coarse(content_picture, style_picture, config, callback)
    return optimize(build_objective(content_picture, style_picture, config), config, callback, coarse)


def run_coarse(
    content: np.ndarray, style: np.ndarray, config: TransferConfig, callback: Callback | None = None
) -> TransferResult | None:
    """Do the smaller runs that the settings ask for, each starting from the one before.

    Args:
        content, style: uint8 (H, W, 3), at full size.
        config: resolved settings.
        callback: called with every iterate.

    Returns:
        The last of them, or None if there are none.
    """
    result = None
    for level in coarse_levels(content, style, config):
        result = optimize(build_objective(content, style, level), level, callback, result)
    return result


def build_objective(content: PictureSource, style: PictureSource, config: TransferConfig | None = None) -> Objective:
    """Build the loss of a pair of pictures, for any optimiser that takes a function of a flat vector.

    Takes and raises what `style_transfer` does.
    """
    config = (config or TransferConfig()).resolved()
    content_picture, style_picture = load_picture(content, config), load_picture(style, config)
    extractor = target_network(config)
    return assemble_objective(
        content_picture,
        style_picture,
        content_target(content_picture, extractor, config),
        style_target(style_picture, extractor, config),
        config,
    )


def assemble_objective(
    content_picture: np.ndarray,
    style_picture: np.ndarray,
    content: ContentTarget,
    style: StyleTarget,
    config: TransferConfig,
) -> Objective:
    """Build the loss from pictures (as `load_picture` gives them) and targets at hand, for resolved settings."""
    height, width = content_picture.shape[:2]
    require_memory(config, height, width)
    inputs = graph_inputs(config, content, style, height, width)
    initial = initial_picture(config.init, content_picture, style_picture, config.seed)
    exact = compiled_loss(replace(config, precision="float32").structure(), height, width)(inputs)
    if config.precision == "float32":
        return Objective(exact, initial)
    return Objective(compiled_loss(config.structure(), height, width)(inputs), initial, exact)


def optimize(
    objective: Objective,
    config: TransferConfig,
    callback: Callback | None = None,
    coarse: TransferResult | None = None,
) -> TransferResult:
    """Minimise an objective with the configured optimiser, recording every iterate.

    It starts from the objective's initial picture, or from the result of a coarse run, enlarged.

    Values of the picture are kept within 0..255 if the settings say so (`nstcore.pixel_range`); total and terms of
    every iterate are those of the picture within the range. An objective that approximates its loss (bfloat16) is
    refined for the last fifth of the iterations, within the same run of the optimiser, so that the curvature history is
    kept; or as soon as rounding leaves the optimiser no step.
    """
    iterates: list[Iterate] = []
    refined_from = int(config.iterations * (1 - _REFINED_SHARE))
    start = time.perf_counter() - (coarse.seconds if coarse else 0.0)
    if coarse is not None:
        objective.start_from(coarse.image)

    def record(terms: dict[str, float]) -> bool:
        """Record the next iterate; tell whether it is time to refine."""
        iterate = Iterate(len(iterates), objective.evaluations, time.perf_counter() - start, **terms)
        iterates.append(iterate)
        if callback is not None:
            callback(iterate)
        return iterate.iteration >= refined_from

    minimize = _on_device if config.optimizer == "lbfgs-device" else _on_host
    x, message = minimize(objective, config, record)
    _, weights = pretrained_network(config.backbone, config.weights)
    return TransferResult(
        image=objective.to_image(x),
        trace=Trace(tuple(iterates)),
        config=config,
        weights=weights,
        message=message,
        seconds=time.perf_counter() - start,
        coarse=() if coarse is None else (*coarse.coarse, CoarseRun(coarse.config.size, coarse.trace)),
    )


#: Takes the terms of an iterate, tells whether to refine.
_Record = Callable[[dict[str, float]], bool]


def _on_host(objective: Objective, config: TransferConfig, record: _Record) -> tuple[np.ndarray, str]:
    """Minimise with an optimiser of flat NumPy vectors; x and why it stopped.

    An approximation of a loss is off by some per cent. When it is refined the optimiser must not see the loss jump, or
    no step would seem to lower it: from then on it is given the loss plus what the approximation was off by then.
    """
    function = WithinRange(objective) if config.pixel_range == "bounded" else objective
    recorded, offset = 0, 0.0
    given, value_given = np.nan, np.nan  # what the optimiser was given last, with the offset and without

    def with_offset(x: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal given, value_given
        value_given, gradient = function(x)
        given = value_given + offset
        if not recorded:
            on_step(x, given)
        return given, gradient

    def on_step(x: np.ndarray, seen: float) -> None:
        nonlocal recorded, offset
        recorded += 1
        value = value_given if seen == given else seen - offset
        if record(function.components_of_value(x, value)) and objective.refine():
            offset = seen - function(x)[0]

    minimize = OPTIMIZERS[config.optimizer]
    with single_threaded_blas():
        x, message = minimize(with_offset, objective.x0, config.iterations, on_step)
        if objective.refine():
            x, message = minimize(with_offset, x, config.iterations + 1 - recorded, on_step)
    return x, message


def _on_device(objective: Objective, config: TransferConfig, record: _Record) -> tuple[np.ndarray, str]:
    """Minimise with an optimiser that keeps its vectors where the network is; x and why it stopped."""
    run = minimizer(objective, bounded=config.pixel_range == "bounded")
    run.start()
    message = f"{config.iterations} iterations"
    refine = record(run.terms)
    for _ in range(config.iterations):
        if refine:
            run.refine()
        if not run.step() and not (run.refine() and run.step()):
            message = "no step lowers the loss"
            break
        refine = record(run.terms)
    return run.picture(), message
