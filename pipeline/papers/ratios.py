"""Quotients of numbers that may be 0."""

from __future__ import annotations

import math

from pipeline.papers.finding import Missing


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
