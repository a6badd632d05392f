"""A line search that decides by scalars, and leaves to others how they come about."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

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


#: Yields step lengths, is sent their points, and returns the one that was chosen.
Search = Generator[float, Point, Point | None]


def strong_wolfe(start: Point, point: Point, most_evaluations: int) -> Search:
    """Find a point that satisfies the strong Wolfe conditions (Nocedal and Wright 2006, algorithms 3.5 and 3.6).

    A generator, so that the searches of several pictures go on together: it yields the step lengths that it wants
    evaluated.

    Args:
        start: the point at t = 0, with a slope < 0.
        point: the first one that was tried, at t > 0; counts as an evaluation.
        most_evaluations: after which the search ends.

    Returns:
        The point; or, once evaluations are used up, the lowest that decreases the value sufficiently; or None.
    """
    low, high = start, None
    for evaluations_left in reversed(range(most_evaluations)):
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
        point = yield t
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
