"""First-order methods: the optimisers of Keras, with pictures and their state on the device, the best picture kept."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from nstcore.backend import compiled, on_device, to_host
from nstcore.optimizers.evaluation import evaluation
from nstcore.optimizers.protocol import Minimizable, Optimizer, Report, Tensor, divergence, per_row
from nstcore.optimizers.settings import FirstOrderSettings

# Of a step that goes too far. After so many it changes no digit of a picture.
_MOST_HALVINGS = 60
# To one whose descent diverges.
_SLOWER = 'lower optimizer_settings.learning_rate, or set "halving" there'


class FirstOrder(Optimizer):
    """A step by the gradient, with a learning rate; every step is one evaluation.

    Without a line search the loss may rise: `picture` gives the best picture so far, while the reports tell of the
    current one. The pictures of a batch share one optimiser of Keras, whose rules act on each value by itself.

    With `halving` a step that leaves the loss above that of the start is taken back: the picture is the best one again,
    and the rate half as large. Below that the loss may rise as it does without.
    """

    # Picture, gradient, the best picture, two vectors of the method's own, and what an update passes through. The
    # gradient of the best picture is in the place of a vector that descents do not have.
    bytes_per_value = 9 * 4
    #: Where no learning rate is given, grey levels.
    default_rate: ClassVar[float] = 1.0
    #: Whether the method forgets the scale of the gradient. Then the gradient is divided by its mean at the start, so
    #: that `epsilon` means the same whatever the scale of the loss.
    scale_free: ClassVar[bool] = True

    def __init__(self, settings: FirstOrderSettings) -> None:
        super().__init__(settings)
        self._evaluations = np.zeros(0, int)
        self._best_values = np.zeros(0)
        self._gradient: Tensor = None
        self._best: Tensor = None
        self._at_best = np.zeros(0, bool)  # whether a picture is the best one
        self._ceilings = np.zeros(0)  # the losses that are not to be left upward; infinite where they may
        self._best_gradient: Tensor = None

    def make(self, learning_rate: Any) -> keras.optimizers.Optimizer:
        """The optimiser of Keras, for a schedule of the learning rate."""
        raise NotImplementedError

    def start(self, problem: Minimizable, x: np.ndarray) -> list[Report]:
        self._place(problem, x)
        scalars = self._evaluate()
        problem.calibrate(scalars[:, -1], self._gradient)
        if self.scale_free or self._settings.learning_rate is None:
            self._factors = np.array([_inverse(float(slope)) for slope in scalars[:, -1]], np.float32)
        self._best_values = scalars[:, 0].copy()
        self._bound(scalars)
        self._evaluations[:] = 1
        return [self._report(row, scalars[row]) for row in range(len(scalars))]

    def step(self, rows: Collection[int] | None = None) -> list[Report]:
        everyone = np.arange(len(self._evaluations))
        moving = np.isin(everyone, everyone if rows is None else sorted(rows))
        scalars = self._moved(moving)
        too_far = moving & np.isfinite(self._ceilings)
        for _ in range(_MOST_HALVINGS):
            too_far = too_far & ~(scalars[:, 0] <= self._ceilings)  # of NaN too
            if not too_far.any():
                break
            self._factors[too_far] *= 0.5
            self._to_the_best(too_far)
            self._optimizer.iterations.assign_sub(1)  # the step counts once
            scalars = self._moved(too_far)
        better = moving & (scalars[:, 0] < self._best_values)
        self._best = per_row(better, _copy(ops.convert_to_tensor(self._z)), self._best)
        if self._best_gradient is not None:
            self._best_gradient = per_row(better, self._gradient, self._best_gradient)
        self._best_values[better] = scalars[better, 0]
        self._at_best = better
        return [self._report(row, scalars[row]) for row in everyone[moving].tolist()]

    def _moved(self, moving: np.ndarray) -> np.ndarray:
        """Take a step with some of the pictures, (B,), and evaluate where all are; give the scalars."""
        # The methods of Keras move everything; what belongs to rows that rest is put back. Its count of steps goes on.
        kept = [] if moving.all() else [(one, _copy(ops.convert_to_tensor(one))) for one in self._of_the_pictures()]
        self._optimizer.apply([_scaled(self._gradient, self._factors)], [self._z])
        for variable, before in kept:
            variable.assign(per_row(moving, ops.convert_to_tensor(variable), before))
        self._evaluations[moving] += 1
        return self._evaluate()

    def _bound(self, scalars: np.ndarray) -> None:
        """Take the losses, where the best pictures are, for those that are not to be left upward, if any are."""
        if self.scale_free or not self._settings.halves:
            return
        values = scalars[:, 0].astype(float)
        self._ceilings = np.where(np.isfinite(values), values, np.inf)
        self._best_gradient = self._gradient

    def _to_the_best(self, rows: np.ndarray) -> None:
        """Go back to the best picture of some rows, (B,), with nothing remembered of the way."""
        for variable in self._of_the_pictures():
            value = ops.convert_to_tensor(variable)
            before = self._best if variable is self._z else ops.zeros_like(value)
            variable.assign(per_row(rows, before, value))
        self._gradient = per_row(rows, self._best_gradient, self._gradient)

    def refine(self, problem: Minimizable, *, is_another: bool = False) -> list[Report]:
        self._problem = problem
        if not self._at_best.all():  # values of two losses do not compare: the best picture has another one now
            current = _copy(ops.convert_to_tensor(self._z))
            self._z.assign(self._best)
            scalars = self._evaluate()
            self._best_values = scalars[:, 0].copy()
            self._bound(scalars)
            self._evaluations += 1
            self._z.assign(current)
        scalars = self._evaluate()
        self._evaluations += 1
        self._best_values = np.where(self._at_best, scalars[:, 0], self._best_values)
        if self._at_best.all():
            self._bound(scalars)
        reports = [self._report(row, scalars[row]) for row in range(len(scalars))]
        return [report for report in reports if report.error]

    def picture(self) -> np.ndarray:
        return to_host(self._problem.pictures(self._best))

    def state_dict(self) -> dict[str, np.ndarray]:
        variables = enumerate(self._optimizer.variables)
        return {
            **self.identity(self._problem),
            **self._problem.state_dict(),
            "z": to_host(self._z),
            "best": to_host(self._best),
            "best_values": self._best_values.copy(),
            "at_best": self._at_best.copy(),
            "ceilings": self._ceilings.copy(),
            **({} if self._best_gradient is None else {"best_gradient": to_host(self._best_gradient)}),
            "gradient": to_host(self._gradient),
            "factors": self._factors.copy(),
            "evaluations": self._evaluations.copy(),
            **{f"method/{place}": to_host(variable) for place, variable in variables},
        }

    def load_state(self, problem: Minimizable, state: Mapping[str, np.ndarray]) -> None:
        self.check_identity(problem, state)
        self._place(problem, state["z"])
        problem.load_state(state)
        self._best, self._best_values = on_device(state["best"]), np.array(state["best_values"])
        self._at_best = np.array(state["at_best"])
        self._ceilings = np.array(state["ceilings"])
        self._best_gradient = on_device(state["best_gradient"]) if "best_gradient" in state else None
        self._gradient, self._factors = on_device(state["gradient"]), np.array(state["factors"])
        self._evaluations = np.array(state["evaluations"])
        for place, variable in enumerate(self._optimizer.variables):
            variable.assign(state[f"method/{place}"])

    def _place(self, problem: Minimizable, x: np.ndarray) -> None:
        self._problem = problem
        settings = self._settings
        rate = settings.learning_rate if settings.learning_rate is not None else self.default_rate
        decay = settings.decay_steps, settings.decay_rate, settings.staircase
        self._optimizer = self.make(keras.optimizers.schedules.ExponentialDecay(rate, *decay))
        self._z = keras.Variable(np.asarray(x, np.float32), dtype="float32")
        self._best = _copy(ops.convert_to_tensor(self._z))
        self._at_best = np.ones(problem.shape[0], bool)
        self._optimizer.build([self._z])
        self._factors = np.ones(problem.shape[0], np.float32)
        self._evaluations = np.zeros(problem.shape[0], int)
        self._ceilings = np.full(problem.shape[0], np.inf)

    def _of_the_pictures(self) -> list[keras.Variable]:
        """The pictures, and what the method remembers of each of their values."""
        return [self._z, *(one for one in self._optimizer.variables if tuple(one.shape) == tuple(self._z.shape))]

    def _evaluate(self) -> np.ndarray:
        """Compute losses and gradients where the pictures are; give the scalars of `evaluation`."""
        function = evaluation(self._problem.function)
        self._gradient, scalars = function(ops.convert_to_tensor(self._z), self._problem.arguments)
        return to_host(scalars)

    def _report(self, row: int, scalars: np.ndarray) -> Report:
        count = int(self._evaluations[row])
        terms = dict(zip(self._problem.terms, scalars[1:-1].tolist(), strict=True))
        advice = {} if self.scale_free or count == 1 else {"advice": _SLOWER}
        return Report(row, count, terms, error=divergence(terms, math.isfinite(scalars[-1]), count, **advice))


class Adam(FirstOrder):
    """Kingma and Ba 2015."""

    # Measured: 60 steps at 128 px with VGG19, ResNet50 and InceptionV3 end at 1.04, 1.19 and 1.17 of the loss of
    # "lbfgs-device"; at 5 and at 20 two of the three end higher.
    default_rate = 10.0

    def make(self, learning_rate: Any) -> keras.optimizers.Optimizer:
        settings = self._settings
        return keras.optimizers.Adam(
            learning_rate, beta_1=settings.beta_1, beta_2=settings.beta_2, epsilon=settings.epsilon
        )


class RMSprop(FirstOrder):
    """Tieleman and Hinton 2012."""

    # Measured like Adam's: 1.35, 1.58 and 1.75 of the loss of "lbfgs-device"; at 1 and at 4 it is higher or as high.
    default_rate = 2.0

    def make(self, learning_rate: Any) -> keras.optimizers.Optimizer:
        settings = self._settings
        return keras.optimizers.RMSprop(
            learning_rate, rho=settings.rho, momentum=settings.momentum, epsilon=settings.epsilon
        )


class SGD(FirstOrder):
    """Steps along the negative gradient, with momentum if the settings have one."""

    scale_free = False

    def make(self, learning_rate: Any) -> keras.optimizers.Optimizer:
        return keras.optimizers.SGD(learning_rate, momentum=self._settings.momentum)


@compiled
def _copy(vector: Tensor) -> Tensor:
    return ops.copy(vector)


@compiled
def _scaled(vector: Tensor, factors: Tensor) -> Tensor:
    return ops.reshape(factors, (-1, 1, 1, 1)) * vector


def _inverse(slope: float) -> float:
    """1 / slope; 1 for one that is 0 or not finite."""
    return 1.0 / slope if 0 < slope < math.inf else 1.0
