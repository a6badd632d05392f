"""Statistics of pairs against oracles: enumeration, SciPy, and tables whose answer is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import spearmanr

from pipeline.papers import statistics
from pipeline.papers.statistics import holm, median_interval, rank_biserial, rank_correlation, signed_rank


def table(function, contents=6, styles=5):
    return {(f"c{row}", f"s{column}"): function(row, column) for row in range(contents) for column in range(styles)}


def test_holm_by_hand():
    """Of 0.01, 0.04, 0.03 and 0.005: sorted times 4, 3, 2, 1, and never falling."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.01, None, 0.9]) == [pytest.approx(0.02), None, pytest.approx(0.9)]
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([None]) == [None]


def signs_enumerated(values):
    """The exact two-sided p of the signed rank sum: over all signs of the ranks."""
    ranks = np.argsort(np.argsort(np.abs(values))) + 1
    observed = abs((ranks * np.sign(values)).sum())
    sums = [abs(np.dot(ranks, signs)) for signs in itertools.product((-1, 1), repeat=len(values))]
    return np.mean([one >= observed for one in sums])


@pytest.mark.parametrize("seed", range(3))
def test_the_signed_rank_test_is_that_of_all_signs(seed):
    values = np.random.default_rng(seed).normal(0.5, 1, 9)
    assert signed_rank(values) == pytest.approx(signs_enumerated(values))
    assert signed_rank(values + 2, null=2.0) == pytest.approx(signed_rank(values))
    assert signed_rank([1.0, 1.0], null=1.0) == 1.0


def test_the_rank_biserial_correlation_by_hand():
    """Ranks 1, 2, 3 with signs -, +, +: (5 - 1) / 6."""
    assert rank_biserial([-1, 2, 3]) == pytest.approx(4 / 6)
    assert rank_biserial([1.5, 2.5], null=1.0) == 1
    assert rank_biserial([0, 0]) == 0


def test_rank_correlation_is_spearmans():
    random = np.random.default_rng(2)
    ones, others = random.normal(size=8), random.integers(0, 4, 8)
    assert rank_correlation(ones, others) == pytest.approx(spearmanr(ones, others).statistic)
    assert rank_correlation([1, 2, 3], [5, 5, 5]) == 0


def test_the_interval_of_a_constant_is_it_and_of_one_pair_there_is_none():
    assert median_interval(table(lambda row, column: 0.25)) == (0.25, 0.25)
    assert all(np.isnan(median_interval({("c", "s"): 1.0})))


def test_pairs_that_share_a_content_are_no_independent_numbers(monkeypatch):
    """All spread lies between six contents: the interval is as wide as that of six numbers, not of thirty."""
    own = np.random.default_rng(4).normal(size=6)
    low, high = median_interval(table(lambda row, column: own[row]))
    random = np.random.default_rng(9)
    of_six = np.quantile([np.median(random.choice(own, 6)) for _ in range(2000)], (0.025, 0.975))
    of_thirty = np.quantile([np.median(random.choice(np.repeat(own, 5), 30)) for _ in range(2000)], (0.025, 0.975))
    assert high - low >= 0.9 * (of_six[1] - of_six[0])
    assert high - low > 1.2 * (of_thirty[1] - of_thirty[0])


def test_the_interval_covers_the_median_that_numbers_are_drawn_around():
    covered = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        rows, columns = random.normal(0, 0.5, 6), random.normal(0, 0.5, 5)
        drawn = random.normal(1.0, 0.3, (6, 5)) + rows[:, None] + columns
        low, high = median_interval(table(lambda row, column, drawn=drawn: drawn[row, column]))
        covered += low <= 1.0 <= high
    assert covered >= 30


def test_a_pair_without_a_number_is_left_out():
    values = table(lambda row, column: 1.0)
    del values["c0", "s0"]
    assert median_interval(values) == (1.0, 1.0)
    assert np.isnan(statistics.as_table({("a", "x"): 1.0, ("b", "y"): 2.0})).sum() == 2
