"""The engine with a meter at its compiled functions, and a run whose every iterate is judged as if it were written."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nstcore import Iterate, TransferConfig

if TYPE_CHECKING:
    from nstcore.device_lbfgs import Evaluated, Trial
    from nstcore.gradients import BoundLoss, ValueAndGradient
    from nstcore.objective import Objective


class Meter:
    """Counts what an objective's compiled functions take, and keeps the picture they saw last.

    Attributes:
        seconds: per precision, of each call.
        latest: the last picture, float32 (1, H, W, 3), or tensor of it.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {"float32": [], "bfloat16": []}
        self.latest: Any = np.empty(0, np.float32)

    def wrap(self, function: ValueAndGradient, precision: str) -> ValueAndGradient:
        """The same function, measured from now on."""

        def measured(picture: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
            start = time.perf_counter()
            answer = function(picture)
            self.seconds[precision].append(time.perf_counter() - start)
            self.latest = picture
            return answer

        return measured

    def wrap_on_device(self, loss: BoundLoss, bounded: bool, precision: str) -> ValueAndGradient:
        """The loss for an optimiser on the device, measured until the scalars of an evaluation are on the host."""
        from keras import ops

        from nstcore.device_lbfgs import RowOfBatch, batch_evaluation

        together = batch_evaluation(loss, bounded)

        def measured(trial: Trial) -> Evaluated:
            start = time.perf_counter()
            ((report, gradient),) = together((trial,))
            ops.convert_to_numpy(report)
            self.seconds[precision].append(time.perf_counter() - start)
            self.latest = trial.z
            return report, gradient

        return RowOfBatch(measured)


def metered_objective(content: np.ndarray, style: np.ndarray, config: TransferConfig) -> tuple[Objective, Meter]:
    """What `nstcore.transfer.build_objective` builds, compiled already and with a meter at its compiled functions."""
    from nstcore.device_lbfgs import minimizer
    from nstcore.images import initial_picture
    from nstcore.objective import Objective, compiled_loss
    from nstcore.targets import content_target, style_target, target_network
    from nstcore.weighting import graph_inputs

    config = config.resolved()
    height, width = content.shape[:2]
    extractor = target_network(config)
    targets = content_target(content, extractor, config), style_target(style, extractor, config)
    inputs = graph_inputs(config, *targets, height, width)
    initial = initial_picture(config.init, content, style, config.seed)
    meter = Meter()

    def compiled(precision: str) -> ValueAndGradient:
        function = compiled_loss(replace(config, precision=precision).structure(), height, width)(inputs)
        if config.optimizer != "lbfgs-device":
            function(initial[np.newaxis])
            return meter.wrap(function, precision)
        run = minimizer(Objective(function, initial), config.pixel_range == "bounded")
        run.start()
        run.step()
        return meter.wrap_on_device(function, config.pixel_range == "bounded", precision)

    exact = compiled("float32")
    if config.precision == "float32":
        return Objective(exact, initial), meter
    return Objective(compiled(config.precision), initial, exact), meter


def written(picture: np.ndarray) -> np.ndarray:
    """A float picture as a file of 8 bits gives it back, as a flat float64 vector."""
    vector: np.ndarray = np.rint(np.clip(picture, 0.0, 255.0)).astype(np.float64).ravel()
    return vector


#: (iteration, evaluations, seconds without judging, judged loss) -> whether to go on.
OnJudged = Callable[[int, int, float, float], bool]


def judged_run(content: np.ndarray, style: np.ndarray, config: TransferConfig, on_judged: OnJudged) -> None:
    """Run the engine; judge every iterate as if it were written, by the same loss in float32, until told to stop.

    Everything is compiled before the clock starts, and the judge's time is not counted.
    """
    from nstcore import build_objective
    from nstcore.transfer import optimize

    config = config.resolved()
    judge = build_objective(content, style, replace(config, precision="float32"))
    objective, meter = metered_objective(content, style, config)
    judging = 0.0

    def callback(iterate: Iterate) -> None:
        nonlocal judging
        seconds = iterate.seconds - judging
        start = time.perf_counter()
        loss = judge.components(written(np.asarray(meter.latest)))["total"]
        judging += time.perf_counter() - start
        if not on_judged(iterate.iteration, iterate.evaluations, seconds, loss):
            raise _EnoughError

    try:
        optimize(objective, config, callback)
    except _EnoughError:
        return


class _EnoughError(Exception):
    """The run has shown what it was to show."""
