"""Looking steps up once, and only within one look."""

from __future__ import annotations

import contextlib

from tasks.one_look import looked_up_once, one_look


class Step:
    def __init__(self):
        self.asked = 0

    @looked_up_once
    def complete(self):
        self.asked += 1
        return self.asked


def test_within_one_look_each_step_is_looked_up_once():
    one, other = Step(), Step()
    with one_look():
        assert [one.complete(), one.complete(), other.complete()] == [1, 1, 1]
        with one_look():
            assert one.complete() == 1
        assert one.complete() == 1


def test_outside_of_a_look_and_in_the_next_one_steps_are_looked_up_again():
    step = Step()
    with one_look():
        step.complete()
    assert [step.complete(), step.complete()] == [2, 3]
    with one_look():
        assert step.complete() == 4


def test_a_look_that_ends_in_an_error_is_over():
    step = Step()
    with contextlib.suppress(RuntimeError), one_look():
        step.complete()
        raise RuntimeError
    assert step.complete() == 2
