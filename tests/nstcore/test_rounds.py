"""The way runs wait for each other, on fakes."""

from __future__ import annotations

import random
import threading

import pytest

from nstcore import DivergenceError
from nstcore.rounds import BatchEvaluation, Run, run_together


class Recorder(BatchEvaluation):
    """Doubles numbers, and keeps which rows were asked for in each round."""

    def __init__(self, rows: int) -> None:
        super().__init__(self.double, rows)
        self.rounds: list[set[int]] = []
        self.threads: set[int] = set()
        self.lengths: set[int] = set()

    def double(self, numbers):
        self.threads.add(threading.get_ident())
        self.lengths.add(len(numbers))
        return [2 * number for number in numbers]

    def __call__(self, wanted):
        self.rounds.append(set(wanted))
        return super().__call__(wanted)


def asking(row, evaluations, *, end=None):
    """Work that asks for these evaluations one after the other, checks the answers, and then returns or raises."""

    def work(run):
        for step, evaluation in enumerate(evaluations):
            number = 100 * row + step
            assert run.evaluate(evaluation, row, number) == 2 * number
        if isinstance(end, BaseException):
            raise end
        return end if end is not None else row

    return Run(work)


@pytest.mark.parametrize("seed", range(20))
def test_any_mixture_of_lengths_functions_and_failures_comes_to_its_end(seed):
    """Every run gets its own answers in every round until it ends, whatever the others do."""
    dice = random.Random(seed)
    rows = dice.randint(1, 6)
    rough, exact = Recorder(rows), Recorder(rows)
    plans = [
        [rough] * dice.randint(0, 5) + [exact] * dice.randint(0, 3) + [rough] * dice.randint(0, 2) for _ in range(rows)
    ]
    ends = [DivergenceError(str(row)) if dice.random() < 0.3 else None for row in range(rows)]
    runs = [asking(row, plan, end=end) for row, (plan, end) in enumerate(zip(plans, ends, strict=True))]
    results = run_together(runs)
    assert results == [row if end is None else end for row, end in enumerate(ends)]
    for evaluation in (rough, exact):
        assert sum(map(len, evaluation.rounds)) == sum(plan.count(evaluation) for plan in plans)
        assert evaluation.lengths <= {rows}  # never another size, which would be compiled
        assert evaluation.threads <= {threading.get_ident()}
    assert len(rough.rounds) <= max(map(len, plans))


def test_runs_that_ask_for_the_same_are_evaluated_together():
    evaluation = Recorder(3)
    run_together([asking(0, [evaluation]), asking(1, [evaluation] * 3), asking(2, [evaluation] * 2)])
    assert evaluation.rounds == [{0, 1, 2}, {1, 2}, {1}]


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_an_unforeseen_error_of_a_run_gives_the_others_up(steps):
    before = threading.active_count()
    evaluation = Recorder(3)
    runs = [
        asking(0, [evaluation] * 5),
        asking(1, [evaluation] * steps, end=ZeroDivisionError()),
        asking(2, [evaluation] * 9),
    ]
    with pytest.raises(ZeroDivisionError):
        run_together(runs)
    assert threading.active_count() == before


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_an_error_of_the_evaluation_gives_them_all_up(error):
    before = threading.active_count()
    good, bad = Recorder(2), Recorder(2)

    def fail(pictures):
        raise error

    bad._function = fail
    with pytest.raises(error):
        run_together([asking(0, [good] * 4), asking(1, [good, bad])])
    assert threading.active_count() == before
