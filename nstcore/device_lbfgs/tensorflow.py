"""L-BFGS on TensorFlow: the two-loop recursion (Nocedal and Wright 2006, algorithm 7.4) in a `tf.function`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf

from nstcore.device_lbfgs import HISTORY, Evaluated, EvaluateTogether, Trial, reports, values_and_terms
from nstcore.device_lbfgs.line_search import LineSearched
from nstcore.objective import Objective


class Minimizer(LineSearched):
    def __init__(self, objective: Objective, bounded: bool) -> None:
        super().__init__(objective, bounded)
        # Oldest first; pairs not there yet are zeros, which change no direction, so that one graph serves all lengths.
        # Vectors of their own instead of the rows of a matrix: a new pair then moves nothing.
        self._steps: deque[tf.Tensor] = deque(maxlen=HISTORY)
        self._differences: deque[tf.Tensor] = deque(maxlen=HISTORY)
        self._curvatures: deque[tf.Tensor] = deque(maxlen=HISTORY)  # (s·y, y·y)

    def _place(self, picture: np.ndarray) -> None:
        self._picture = tf.constant(picture)
        self._gradient = tf.zeros_like(self._picture)
        self._forget()

    def _evaluate(self) -> np.ndarray:
        # A pair is made of two gradients of one loss, when a step ends: the history need not be told of another loss.
        found, self._gradient = self._at(self._picture)
        report: np.ndarray = found.numpy()
        return report

    def _forget(self) -> None:
        zeros = tf.zeros_like(self._picture)
        for _ in range(HISTORY):
            self._steps.append(zeros)
            self._differences.append(zeros)
            self._curvatures.append(tf.zeros(2))

    def _direction(self) -> tf.Tensor:
        return _two_loops(self._gradient, tuple(self._steps), tuple(self._differences), tuple(self._curvatures))

    def _moved(self, direction: tf.Tensor, t: float) -> tf.Tensor:
        return _moved(self._picture, direction, tf.constant(t, tf.float32))

    def _with_slopes(self, report: tf.Tensor, gradient: tf.Tensor, direction: tf.Tensor) -> tf.Tensor:
        return _with_slopes(report, self._gradient, gradient, direction)

    def _accept(self, direction: tf.Tensor, t: float, there: tuple[tf.Tensor, tf.Tensor], curved: bool) -> None:
        picture, gradient = there
        if curved:
            step, difference, curvature = _pair(direction, tf.constant(t, tf.float32), gradient, self._gradient)
            self._steps.append(step)
            self._differences.append(difference)
            self._curvatures.append(curvature)
        self._picture, self._gradient = picture, gradient

    def _arrays(self) -> dict[str, np.ndarray]:
        return {
            "picture": np.array(self._picture),
            "gradient": np.array(self._gradient),
            "steps": np.stack(self._steps),
            "differences": np.stack(self._differences),
            "curvatures": np.stack(self._curvatures),
        }

    def _set_arrays(self, arrays: dict[str, np.ndarray]) -> None:
        self._picture, self._gradient = tf.constant(arrays["picture"]), tf.constant(arrays["gradient"])
        self._steps.extend(map(tf.constant, arrays["steps"]))
        self._differences.extend(map(tf.constant, arrays["differences"]))
        self._curvatures.extend(map(tf.constant, arrays["curvatures"]))


@lru_cache(maxsize=8)
def compiled(terms: Callable[..., Any], bounded: bool) -> EvaluateTogether:
    @tf.function(autograph=False)
    def evaluate(
        zs: list[tf.Tensor], scales: tf.Tensor, stiffnesses: tf.Tensor, arguments: Any
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        z = tf.concat(zs, 0)
        values, found = values_and_terms(terms, z, arguments, scales, stiffnesses, bounded)
        gradients = tf.gradients(values, z)[0]
        return tf.unstack(reports(values, found, gradients)), tf.split(gradients, len(zs))

    def together(trials: Sequence[Trial], arguments: Any) -> Sequence[Evaluated]:
        zs, scales, stiffnesses = zip(*trials, strict=True)
        return list(zip(*evaluate(list(zs), tf.constant(scales), tf.constant(stiffnesses), arguments), strict=True))

    return together


# Of any picture, so that those of another size are not traced anew.
_VECTOR = tf.TensorSpec((1, None, None, 3), tf.float32)
_SCALAR = tf.TensorSpec((), tf.float32)
_NUMBERS = tf.TensorSpec((None,), tf.float32)


def _traced_once(*signature: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    decorate: Callable[..., Any] = tf.function(autograph=False, input_signature=signature)
    return decorate


@_traced_once(_VECTOR, (_VECTOR,) * HISTORY, (_VECTOR,) * HISTORY, (_NUMBERS,) * HISTORY)
def _two_loops(
    gradient: tf.Tensor,
    steps: tuple[tf.Tensor, ...],
    differences: tuple[tf.Tensor, ...],
    curvatures: tuple[tf.Tensor, ...],
) -> tf.Tensor:
    vector = -gradient
    alphas = []
    pairs = list(zip(steps, differences, curvatures, strict=True))
    for step, difference, curvature in reversed(pairs):
        alpha = tf.math.divide_no_nan(_dot(step, vector), curvature[0])
        vector -= alpha * difference
        alphas.append(alpha)
    newest = curvatures[-1]
    norm = tf.sqrt(_dot(gradient, gradient))
    vector *= tf.where(newest[1] > 0, tf.math.divide_no_nan(newest[0], newest[1]), tf.math.divide_no_nan(1.0, norm))
    for (step, difference, curvature), alpha in zip(pairs, reversed(alphas), strict=True):
        beta = tf.math.divide_no_nan(_dot(difference, vector), curvature[0])
        vector += (alpha - beta) * step
    return vector


@_traced_once(_VECTOR, _VECTOR, _SCALAR)
def _moved(z: tf.Tensor, direction: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
    return z + t * direction


@_traced_once(_NUMBERS, _VECTOR, _VECTOR, _VECTOR)
def _with_slopes(report: tf.Tensor, before: tf.Tensor, gradient: tf.Tensor, direction: tf.Tensor) -> tf.Tensor:
    return tf.concat([tf.stack([_dot(before, direction), _dot(gradient, direction)]), report], 0)


@_traced_once(_VECTOR, _SCALAR, _VECTOR, _VECTOR)
def _pair(
    direction: tf.Tensor, t: tf.Tensor, gradient: tf.Tensor, before: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    step, difference = t * direction, gradient - before
    return step, difference, tf.stack([_dot(step, difference), _dot(difference, difference)])


def _dot(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(a * b)
