"""The line search by itself."""

from __future__ import annotations

import math

import pytest

from nstcore.optimizers.line_search import Point, strong_wolfe

MOST = 20


class Line:
    """A function of t, its evaluations counted."""

    def __init__(self, value, slope):
        self.value, self.slope, self.calls = value, slope, 0

    def __call__(self, t):
        self.calls += 1
        return Point(t, self.value(t), self.slope(t))


def search(line, start, point):
    """Answer what the search asks for, to its end."""
    going = strong_wolfe(start, point, MOST)
    try:
        t = next(going)
        while True:
            t = going.send(line(t))
    except StopIteration as end:
        return end.value


@pytest.mark.parametrize("first", [1e-3, 0.3, 1.0, 20.0, 1e4])
@pytest.mark.parametrize(
    "line",
    [
        lambda: Line(lambda t: (t - 1) ** 2, lambda t: 2 * (t - 1)),
        lambda: Line(lambda t: -t / (t * t + 2), lambda t: (t * t - 2) / (t * t + 2) ** 2),  # flat far away
        lambda: Line(lambda t: math.cosh(min(t, 300) - 2), lambda t: math.sinh(min(t, 300) - 2)),  # steep far away
        lambda: Line(lambda t: (t - 3) ** 4 + abs(t), lambda t: 4 * (t - 3) ** 3 + 1),
    ],
)
def test_the_line_search_finds_what_it_promises(line, first):
    line = line()
    start = line(0.0)
    point = search(line, start, line(first))
    assert point.value <= start.value + 1e-4 * point.t * start.slope
    assert abs(point.slope) <= -0.9 * start.slope
    assert line.calls <= 1 + MOST


def test_a_line_without_a_lower_point_gives_none_within_the_budget():
    uphill = Line(lambda t: t, lambda t: -1.0)  # the slope is a lie
    assert search(uphill, Point(0.0, 0.0, -1.0), uphill(1.0)) is None
    assert uphill.calls <= MOST


def test_an_endless_descent_ends_at_its_lowest_point():
    endless = Line(lambda t: -t, lambda t: -1.0)
    point = search(endless, Point(0.0, 0.0, -1.0), endless(1.0))
    assert endless.calls == MOST
    assert point.t == 4.0 ** (MOST - 1)
