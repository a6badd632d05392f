"""Distances of distributions against oracles: SciPy's Wasserstein distance, and coverage counted one by one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from pipeline.measures import distributions
from pipeline.measures.distributions import coverage, sliced_distance, slices


@pytest.fixture
def random():
    return np.random.default_rng(5)


def features(random, positions=400, channels=3, mean=0.0):
    return (random.normal(size=(positions, channels)) + mean).astype(np.float32)


def test_slices_are_the_quantiles_along_unit_vectors(random):
    seen = features(random)
    along = distributions._directions(3)
    np.testing.assert_allclose(np.linalg.norm(along, axis=1), 1, rtol=1e-6)
    table = slices(seen)
    assert table.shape == (3, distributions.QUANTILES)
    for row, direction in zip(table, along, strict=True):
        projected = np.sort(seen @ direction)
        assert row[[0, -1]] == pytest.approx(projected[[0, -1]])
        assert np.median(row) == pytest.approx(np.median(projected), abs=0.02)


def test_a_shift_costs_its_square_and_sets_of_other_sizes_compare(random):
    seen = features(random, 500)
    moved = seen + np.array([0.5, 0.0, -1.0], np.float32)
    expected = np.mean((distributions._directions(3) @ np.array([0.5, 0.0, -1.0])) ** 2)
    assert sliced_distance(slices(seen), slices(moved)) == pytest.approx(expected, rel=1e-4)
    repeated = np.repeat(seen, 3, axis=0)
    assert sliced_distance(slices(seen), slices(repeated)) < 1e-3 * expected


def test_it_is_no_less_than_the_square_of_scipys_distance_of_the_first_order(random):
    """W1 <= W2 along every direction (Jensen); and it is near it for a mere shift."""
    one, other = features(random, 300), features(random, 300, mean=2.0)
    first = [wasserstein_distance(one @ v, other @ v) ** 2 for v in distributions._directions(3)]
    assert sliced_distance(slices(one), slices(other)) == pytest.approx(np.mean(first), rel=0.05)


def test_the_same_gram_matrix_with_another_distribution_is_told_apart():
    """What Gram matrices cannot see: two values of one size, or one value that is often 0 and rarely large."""
    even = np.tile([[1.0], [-1.0]], (200, 1)).astype(np.float32)
    rare = np.zeros((400, 1), np.float32)
    rare[::4] = 2.0
    assert even.T @ even == pytest.approx(rare.T @ rare)
    assert sliced_distance(slices(even), slices(rare)) > 0.5


def counted(made, style, neighbors):
    """Coverage as its definition says, patch by patch."""
    covered = 0
    for number, patch in enumerate(style):
        others = np.delete(style, number, axis=0)
        radius = np.sort(np.linalg.norm(others - patch, axis=1))[neighbors - 1]
        covered += bool((np.linalg.norm(made - patch, axis=1) <= radius).any())
    return covered / len(style)


def test_coverage_counts_the_patches_that_have_one_like_them(random):
    style, made = features(random, 60, 4), features(random, 40, 4, mean=0.8)
    received = coverage(made, style)
    assert received == pytest.approx(counted(made.astype(float), style.astype(float), distributions.NEIGHBORS))
    assert 0 < received < 1


def test_a_picture_covers_itself_and_nothing_that_is_far_from_it(random, monkeypatch):
    style = features(random, 50)
    assert coverage(style, style) == 1
    assert coverage(style + 100, style) == 0
    assert coverage(style[:1], np.repeat(style[:1], 8, axis=0)) == 1  # patches that are all the same
    assert np.isnan(coverage(style, style[:1]))
    monkeypatch.setattr(distributions, "MOST_PATCHES", 20)
    assert coverage(style, style) == 1
