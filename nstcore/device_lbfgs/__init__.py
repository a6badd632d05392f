"""L-BFGS whose vectors (picture, gradient, curvature history) stay on the device; only scalars come to the host.

An adapter module per backend has a function `compiled`, which evaluates the pictures of a batch together, and a class
`Minimizer`, one run:

- torch: `torch.optim.LBFGS` with its strong Wolfe line search.
- JAX: `optax.lbfgs` for history and direction, and the line search of `nstcore.device_lbfgs.line_search`. optax's own
  zoom search is a `lax.while_loop`: in one, XLA took three to four times as long for VGG19's loss on a processor. It
  also compiles the network twice, and has no place for the terms of the loss.
- TensorFlow: the two-loop recursion written out, and the same line search. TensorFlow Probability's `lbfgs_minimize`
  would bring Keras 2 (tf-keras) beside Keras 3, calls nothing after a step, has no place for the terms either, which
  would cost evaluations of their own, and moves its whole history at every step.

Losses are minimised scaled by a power of two, so that the mean absolute gradient of the initial picture is about 1. No
digit changes, but dot products neither overflow nor meet the absolute tolerances of a library, however the loss is
weighted.
"""

from __future__ import annotations

import importlib
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from nstcore.errors import ConfigError
from nstcore.gradients import BoundLoss, ValueAndGradient
from nstcore.loss_graph import TERMS
from nstcore.numerics import own_numerics
from nstcore.objective import Objective
from nstcore.pixel_range import STIFFNESS, tensor_within_range

#: Pairs of steps and gradient differences that are remembered, as with SciPy.
HISTORY = 10
#: As in SciPy, per line search.
MOST_EVALUATIONS_PER_STEP = 20
#: Mean change of a value by the first trial along the negative gradient, grey levels.
FIRST_STEP = 1.0

Tensor = Any  # of the active backend


class Trial(NamedTuple):
    """Where a run wants its loss evaluated.

    Attributes:
        z: the vector, (1, H, W, 3) on the device.
        scale: factor of the loss, float32.
        stiffness: of the spring that keeps z in range, float32.
    """

    z: Tensor
    scale: np.float32
    stiffness: np.float32


#: What a trial gives, both on the device: what `reports` makes of it, and the gradient by z.
Evaluated = tuple[Tensor, Tensor]
#: The trials of all pictures of a batch and the arguments of its `BoundLoss` -> what each of them gives.
EvaluateTogether = Callable[[Sequence[Trial], Any], Sequence[Evaluated]]
#: The same with the arguments in it.
EvaluateBatch = Callable[[Sequence[Trial]], Sequence[Evaluated]]


@dataclass(frozen=True)
class RowOfBatch:
    """The loss of one picture of a batch; whoever evaluates it waits for the others of the batch."""

    evaluate: Callable[[Trial], Evaluated]

    def __call__(self, picture: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
        raise TypeError("the pictures of this batch stay on the device")


class DeviceLBFGS(ABC):
    """A run of L-BFGS on an objective; `start` it, or `load_state` of another run, then `step`.

    Attributes:
        terms: the total loss and its three terms at the current picture (within 0..255 if bounded).
    """

    def __init__(self, objective: Objective, bounded: bool) -> None:
        """Take an objective built from a compiled graph.

        Args:
            objective: it counts the evaluations and knows the loss that `refine` switches to.
            bounded: keep values within 0..255, as `nstcore.pixel_range.WithinRange` does.
        """
        self.terms: dict[str, float] = {}
        self._objective = objective
        self._bounded = bounded
        self._evaluate_trial: Callable[[Trial], Evaluated]
        self._value = math.nan  # scaled, with the penalty
        self._scale = np.float32(1.0)
        self._stiffness = np.float32(0.0)
        self._refined = False
        self._has_history = False

    @property
    def evaluations(self) -> int:
        """Evaluations of loss and gradient so far."""
        return self._objective.evaluations

    @own_numerics()
    def start(self) -> None:
        """Evaluate the initial picture.

        Raises:
            DivergenceError: if a term or the gradient is NaN or infinite.
        """
        self._place(self._objective.x0.astype(np.float32).reshape(1, *self._objective.shape))
        self._use(self._objective.value_and_gradient)
        slope = float(self._evaluated(self._evaluate())[-1])
        if slope > 0:
            self._scale = np.float32(2.0 ** -round(max(-100.0, min(100.0, math.log2(slope)))))
        self._stiffness = np.float32(STIFFNESS * slope * float(self._scale))
        self._value *= float(self._scale)
        self._rescale(float(self._scale))

    @own_numerics()
    def step(self) -> bool:
        """Go one step; tell whether there was one that lowers the loss. If not, the picture stays what it is.

        Where the history gives no such step, it is forgotten, and the negative gradient tried.

        Raises:
            DivergenceError: if a term or the gradient is NaN or infinite at a picture that was tried.
        """
        if self._step():
            return True
        if not self._has_history:
            return False
        self._begin_anew()
        return self._step()

    @own_numerics()
    def refine(self) -> bool:
        """Switch to the loss itself, if it is an approximation so far, keeping the history; tell whether it was.

        Raises:
            DivergenceError: if a term or the gradient is NaN or infinite now.
        """
        if not self._objective.refine():
            return False
        self._refined = True
        self._use(self._objective.value_and_gradient)
        self._evaluated(self._evaluate())
        return True

    @own_numerics()
    def picture(self) -> np.ndarray:
        """The current picture: a float32 (H, W, 3) array on the host, within 0..255 if bounded."""
        found = ops.convert_to_numpy(tensor_within_range(self._z()) if self._bounded else self._z())
        return np.array(found[0])

    @own_numerics()
    def state_dict(self) -> dict[str, np.ndarray]:
        """All that the run depends on but the objective, as arrays that `np.savez` takes: some 22 pictures."""
        return {
            "backend": np.array(keras.backend.backend()),
            "bounded": np.array(self._bounded),
            "shape": np.array(self._objective.shape),
            "evaluations": np.array(self._objective.evaluations),
            "refined": np.array(self._refined),
            "has_history": np.array(self._has_history),
            "value": np.array(self._value),
            "terms": np.array([self.terms[name] for name in TERMS]),
            "scale": np.array(self._scale),
            "stiffness": np.array(self._stiffness),
            **{f"device/{name}": array for name, array in self._arrays().items()},
        }

    @own_numerics()
    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Go on where another run was when its `state_dict` was made, to the bit on the same machine.

        Args:
            state: of a run on an equal objective; `self` was made with one that was not refined yet.

        Raises:
            ConfigError: if it is of another backend, size or pixel range.
        """
        here = (keras.backend.backend(), self._bounded, tuple(self._objective.shape))
        there = (str(state["backend"]), bool(state["bounded"]), tuple(state["shape"].tolist()))
        if here != there:
            raise ConfigError(
                f"the state of an optimiser must be of (backend, bounded, shape) {here}. Received: {there}"
            )
        self._objective.evaluations = int(state["evaluations"])
        self._refined = bool(state["refined"])
        if self._refined:
            self._objective.refine()
        self._use(self._objective.value_and_gradient)
        self._has_history = bool(state["has_history"])
        self._value = float(state["value"])
        self.terms = dict(zip(TERMS, state["terms"].tolist(), strict=True))
        self._scale = np.float32(state["scale"])
        self._stiffness = np.float32(state["stiffness"])
        self._set_arrays(
            {name.removeprefix("device/"): array for name, array in state.items() if name.startswith("device/")}
        )

    def _evaluated(self, report: np.ndarray) -> np.ndarray:
        """Count the evaluation that a report tells of, and make it the current one."""
        self._count(report)
        self._keep(report)
        return report

    def _keep(self, report: np.ndarray) -> None:
        self._value = float(report[0])
        self.terms = _terms_of(report)

    def _count(self, report: np.ndarray) -> None:
        self._objective.count_evaluation(_terms_of(report), math.isfinite(report[-1]))

    def _begin_anew(self) -> None:
        self._has_history = False
        self._forget()

    @abstractmethod
    def _place(self, picture: np.ndarray) -> None:
        """Put a (1, H, W, 3) picture on the device, with an empty history."""

    def _use(self, loss: ValueAndGradient) -> None:
        """From now on evaluate this loss.

        Raises:
            TypeError: if it is none that was compiled from a graph.
        """
        if isinstance(loss, RowOfBatch):
            self._evaluate_trial = loss.evaluate
        elif isinstance(loss, BoundLoss):
            together = batch_evaluation(loss, self._bounded)
            self._evaluate_trial = lambda trial: together((trial,))[0]
        else:
            raise TypeError(f"no loss on a device: {loss!r} is not a BoundLoss")

    def _at(self, z: Tensor) -> Evaluated:
        return self._evaluate_trial(Trial(z, self._scale, self._stiffness))

    @abstractmethod
    def _evaluate(self) -> np.ndarray:
        """Evaluate the current picture and give `report`; a history stays as if the loss had always been this one."""

    @abstractmethod
    def _rescale(self, factor: float) -> None:
        """Multiply the current gradient."""

    @abstractmethod
    def _step(self) -> bool:
        """Go a step that lowers `_value`, or stay; `_count` every evaluation, `_keep` the one of the step."""

    @abstractmethod
    def _forget(self) -> None:
        """Empty the history."""

    @abstractmethod
    def _z(self) -> Tensor:
        """The current (1, H, W, 3) vector."""

    @abstractmethod
    def _arrays(self) -> dict[str, np.ndarray]:
        """Copies of what is on the device."""

    @abstractmethod
    def _set_arrays(self, arrays: dict[str, np.ndarray]) -> None:
        """Put them on the device again."""


def minimizer(objective: Objective, bounded: bool) -> DeviceLBFGS:
    """Make a run of the active backend's L-BFGS.

    Raises:
        ConfigError: if the backend lacks its library.
    """
    made: DeviceLBFGS = _adapter().Minimizer(objective, bounded)
    return made


def batch_evaluation(loss: BoundLoss, bounded: bool) -> EvaluateBatch:
    """The evaluation of a batch, of one picture or more; compiled once for all of a structure, size and number.

    Raises:
        ConfigError: if the backend lacks its library.
    """
    together: EvaluateTogether = _adapter().compiled(loss.terms, bounded)
    return own_numerics()(lambda trials: together(trials, loss.arguments))


def _adapter() -> ModuleType:
    backend = keras.backend.backend()
    try:
        return importlib.import_module(f"nstcore.device_lbfgs.{backend}")
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"optimizer='lbfgs-device' needs {error.name} on {backend}; pip install {error.name}, or choose 'lbfgs'"
        ) from error


def values_and_terms(
    terms: Callable[[Tensor, Any], dict[str, Tensor]],
    z: Tensor,
    arguments: Any,
    scales: Tensor,
    stiffnesses: Tensor,
    bounded: bool,
) -> tuple[Tensor, Tensor]:
    """What is minimised, scale · f(x) + ½ stiffness Σ (z - x)², x the picture nearest to z, and the TERMS of f(x).

    Args:
        terms, arguments: of the `BoundLoss` of a batch of B pictures.
        z: (B, H, W, 3).
        scales, stiffnesses: (B,).
        bounded: whether x is kept within 0..255; otherwise it is z.

    Returns:
        (B,) and (B, TERMS).
    """
    x = tensor_within_range(z) if bounded else z
    found = terms(x, arguments)
    columns = [ops.reshape(found[name], (-1,)) for name in TERMS]  # the loss of a single picture is a scalar
    values = scales * columns[TERMS.index("total")]
    if bounded:
        values = values + 0.5 * stiffnesses * ops.sum(ops.square(z - x), axis=(1, 2, 3))
    return values, ops.stack(columns, axis=1)


def reports(values: Tensor, terms: Tensor, gradients: Tensor) -> Tensor:
    """What the host reads of an evaluation, a row per picture: value, TERMS, mean |gradient| (finite if it all is)."""
    slopes = ops.mean(ops.abs(gradients), axis=(1, 2, 3))
    return ops.concatenate([values[:, None], terms, slopes[:, None]], axis=1)


def _terms_of(report: np.ndarray) -> dict[str, float]:
    return dict(zip(TERMS, report[1 : 1 + len(TERMS)].tolist(), strict=True))
