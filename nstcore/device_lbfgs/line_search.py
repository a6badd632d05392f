"""A line search that decides on the host, by scalars, and leaves all vectors where they are."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from nstcore.device_lbfgs import FIRST_STEP, MOST_EVALUATIONS_PER_STEP, DeviceLBFGS, Tensor
from nstcore.objective import Objective

# The usual constants for quasi-Newton directions (Nocedal and Wright 2006, section 3.1).
_SUFFICIENT_DECREASE = 1e-4
_CURVATURE = 0.9
# SciPy's longest extrapolation.
_LONGEST_GROWTH = 4.0


@dataclass(frozen=True)
class Point:
    """A point of the line.

    Attributes:
        t: its step length.
        value, slope: of the function along the line.
        kept: whatever belongs to it and is wanted if it is chosen.
    """

    t: float
    value: float
    slope: float
    kept: Any = None


def strong_wolfe(evaluate: Callable[[float], Point], start: Point, point: Point) -> Point | None:
    """Find a point that satisfies the strong Wolfe conditions (Nocedal and Wright 2006, algorithms 3.5 and 3.6).

    Args:
        evaluate: step length -> point.
        start: the point at t = 0, with a slope < 0.
        point: the first one that was tried, at t > 0; counts as an evaluation.

    Returns:
        The point; or, once evaluations are used up, the lowest that decreases the value sufficiently; or None.
    """
    low, high = start, None
    for evaluations_left in reversed(range(MOST_EVALUATIONS_PER_STEP)):
        if point.value > start.value + _SUFFICIENT_DECREASE * point.t * start.slope or point.value >= low.value:
            high = point
        elif abs(point.slope) <= -_CURVATURE * start.slope:
            return point
        else:
            # A minimum lies where it goes downhill from here: on to where high is, or back to where low was.
            if point.slope * (1.0 if high is None else high.t - low.t) >= 0:
                high = low
            low = point
        t = _LONGEST_GROWTH * low.t if high is None else _between(low, high)
        if not evaluations_left or t == low.t or (high is not None and t == high.t):
            break
        point = evaluate(t)
    return low if low.t > 0 else None


def _between(low: Point, high: Point) -> float:
    """The minimum of the cubic through both points and their slopes, kept from either end by a tenth of the way."""
    width = high.t - low.t
    a = low.slope + high.slope - 3.0 * (high.value - low.value) / width
    square = a * a - low.slope * high.slope
    share = 0.5
    if square >= 0:
        root = math.copysign(math.sqrt(square), width)
        divisor = high.slope - low.slope + 2.0 * root
        share = 1.0 - (high.slope + root - a) / divisor if divisor else 0.5
    return low.t + width * min(max(share, 0.1), 0.9)


class LineSearched(DeviceLBFGS):
    """L-BFGS that is made of a direction and this line search; one read of scalars per evaluation."""

    def __init__(self, objective: Objective, bounded: bool) -> None:
        super().__init__(objective, bounded)
        self._picture: Tensor = None
        self._gradient: Tensor = None

    def _z(self) -> Tensor:
        return self._picture

    def _rescale(self, factor: float) -> None:
        self._gradient = self._gradient * factor

    def _step(self) -> bool:
        direction = self._direction()

        def evaluate(t: float) -> Point:
            vector, there = self._trial(direction, t)
            self._count(vector[2:])
            return Point(t, float(vector[2]), float(vector[1]), (vector, there))

        tried = evaluate(1.0 if self._has_history else FIRST_STEP * math.sqrt(math.prod(self._objective.shape)))
        # It comes with the first trial, so that the host does not wait for the direction alone.
        start = Point(0.0, self._value, float(tried.kept[0][0]))
        chosen = strong_wolfe(evaluate, start, tried) if start.slope < 0 else None
        if chosen is None:
            return False
        vector, there = chosen.kept
        self._keep(vector[2:])
        curved = chosen.slope > start.slope
        self._has_history = self._has_history or curved
        self._accept(direction, chosen.t, there, curved)
        return True

    def _trial(self, direction: Tensor, t: float) -> tuple[np.ndarray, tuple[Tensor, Tensor]]:
        """(slope at the start, slope at t, *report), and the picture and gradient there."""
        there = self._moved(direction, t)
        found, gradient = self._at(there)
        return ops.convert_to_numpy(self._with_slopes(found, gradient, direction)), (there, gradient)

    @abstractmethod
    def _direction(self) -> Tensor:
        """-H g for the current gradient g; -g / |g| while the history is empty."""

    @abstractmethod
    def _moved(self, direction: Tensor, t: float) -> Tensor:
        """The current vector + t · direction."""

    @abstractmethod
    def _with_slopes(self, report: Tensor, gradient: Tensor, direction: Tensor) -> Tensor:
        """(current gradient · direction, gradient · direction, *report)."""

    @abstractmethod
    def _accept(self, direction: Tensor, t: float, there: tuple[Tensor, Tensor], curved: bool) -> None:
        """Go to a picture that was tried, with its gradient; only a curved step may enter the history, so that H stays
        positive."""
