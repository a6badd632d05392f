"""L-BFGS on TensorFlow: the two-loop recursion (Nocedal and Wright 2006, algorithm 7.4) in a `tf.function`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf

from nstcore.device_lbfgs import HISTORY, report, value_and_terms
from nstcore.device_lbfgs.line_search import LineSearched
from nstcore.gradients import BoundLoss
from nstcore.objective import Objective


class Minimizer(LineSearched):
    def __init__(self, objective: Objective, bounded: bool) -> None:
        super().__init__(objective, bounded)
        self._picture: tf.Tensor = None
        self._gradient: tf.Tensor = None
        # Oldest first; pairs not there yet are zeros, which change no direction, so that one graph serves all lengths.
        # Vectors of their own instead of the rows of a matrix: a new pair then moves nothing.
        self._steps: deque[tf.Tensor] = deque(maxlen=HISTORY)
        self._differences: deque[tf.Tensor] = deque(maxlen=HISTORY)
        self._curvatures: deque[tf.Tensor] = deque(maxlen=HISTORY)  # (s·y, y·y)

    def _place(self, picture: np.ndarray) -> None:
        self._picture = tf.constant(picture)
        self._gradient = tf.zeros_like(self._picture)
        self._forget()

    def _use(self, loss: BoundLoss) -> None:
        self._at, self._along = _compiled(loss.terms, self._bounded)
        self._arguments = loss.arguments

    def _constants(self) -> tuple[Any, ...]:
        return tf.constant(self._scale), tf.constant(self._stiffness), self._arguments

    def _evaluate(self) -> np.ndarray:
        # A pair is made of two gradients of one loss, when a step ends: the history need not be told of another loss.
        vector, self._gradient = self._at(self._picture, *self._constants())
        return _read(vector)

    def _rescale(self, factor: float) -> None:
        self._gradient = self._gradient * factor

    def _forget(self) -> None:
        zeros = tf.zeros_like(self._picture)
        for _ in range(HISTORY):
            self._steps.append(zeros)
            self._differences.append(zeros)
            self._curvatures.append(tf.zeros(2))

    def _direction(self) -> tf.Tensor:
        return _two_loops(self._gradient, tuple(self._steps), tuple(self._differences), tuple(self._curvatures))

    def _trial(self, direction: tf.Tensor, t: float) -> tuple[np.ndarray, Any]:
        length = tf.constant(t, tf.float32)
        vector, *there = self._along(self._picture, direction, length, self._gradient, *self._constants())
        return _read(vector), there

    def _accept(self, direction: tf.Tensor, t: float, there: Any, curved: bool) -> None:
        picture, gradient = there
        if curved:
            step, difference, curvature = _pair(direction, tf.constant(t, tf.float32), gradient, self._gradient)
            self._steps.append(step)
            self._differences.append(difference)
            self._curvatures.append(curvature)
        self._picture, self._gradient = picture, gradient

    def _z(self) -> tf.Tensor:
        return self._picture

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
def _compiled(terms: Callable[..., Any], bounded: bool) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The functions that contain the network, compiled once for all pictures of a structure and size."""

    @tf.function(autograph=False)
    def at(z: tf.Tensor, scale: tf.Tensor, stiffness: tf.Tensor, arguments: Any) -> tuple[tf.Tensor, tf.Tensor]:
        value, found = value_and_terms(terms, z, arguments, scale, stiffness, bounded)
        gradient = tf.gradients(value, z)[0]
        return report(value, found, gradient), gradient

    @tf.function(autograph=False)
    def along(
        z: tf.Tensor, direction: tf.Tensor, t: tf.Tensor, gradient: tf.Tensor, *constants: Any
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        there = z + t * direction
        vector, found = at(there, *constants)
        slopes = tf.stack([_dot(gradient, direction), _dot(found, direction)])
        return tf.concat([slopes, vector], 0), there, found

    return at, along


@tf.function(autograph=False)
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


@tf.function(autograph=False)
def _pair(
    direction: tf.Tensor, t: tf.Tensor, gradient: tf.Tensor, before: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    step, difference = t * direction, gradient - before
    return step, difference, tf.stack([_dot(step, difference), _dot(difference, difference)])


def _dot(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(a * b)


def _read(vector: tf.Tensor) -> np.ndarray:
    found: np.ndarray = vector.numpy()
    return found
