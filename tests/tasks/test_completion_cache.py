"""Looking steps up once, and only within one look."""

from __future__ import annotations

import contextlib

from tasks.completion_cache import completions_remembered, remembered


class Step:
    def __init__(self):
        self.asked = 0

    @remembered
    def complete(self):
        self.asked += 1
        return self.asked


def test_within_one_look_each_step_is_looked_up_once():
    one, other = Step(), Step()
    with completions_remembered():
        assert [one.complete(), one.complete(), other.complete()] == [1, 1, 1]
        with completions_remembered():
            assert one.complete() == 1
        assert one.complete() == 1


def test_outside_of_a_look_and_in_the_next_one_steps_are_looked_up_again():
    step = Step()
    with completions_remembered():
        step.complete()
    assert [step.complete(), step.complete()] == [2, 3]
    with completions_remembered():
        assert step.complete() == 4


def test_a_look_that_ends_in_an_error_is_over():
    step = Step()
    with contextlib.suppress(RuntimeError), completions_remembered():
        step.complete()
        raise RuntimeError
    assert step.complete() == 2
