"""Quotients: of numbers that may be 0, and of the times of two cells."""

from __future__ import annotations

import math
from collections.abc import Callable

from pipeline.papers.evidence import View
from pipeline.papers.finding import Key, Missing


def ratio(over: float, under: float) -> float:
    """A quotient; infinite where there is nothing below."""
    return over / under if under > 0 else float("inf")


def decades(over: float, under: float) -> float:
    """Powers of ten between two positive numbers.

    Raises:
        Missing: if one of them is none.
    """
    if not (over > 0 and under > 0):
        raise Missing("a loss is not positive")
    return math.log10(over / under)


def pace_ratio(one: Key, other: Key) -> Callable[[View], float]:
    """How to tell the time of one cell's evaluation over that of another's."""
    return lambda view: view[one].seconds_an_evaluation / view[other].seconds_an_evaluation
