"""The losses that sort, against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from nstcore import ConfigError
from nstcore.losses import make_loss
from nstcore.losses.histogram import Histogram
from nstcore.losses.quantiles import interpolated
from nstcore.losses.sliced_wasserstein import SlicedWasserstein


def features(seed, positions, channels=4, batch=2):
    return np.random.default_rng(seed).normal(size=(batch, positions, channels)).astype(np.float32) ** 3


def sliced(mine, style, directions):
    """Position by position: the k-th least of the picture's projections against the style's quantile at its rank."""
    total = 0.0
    for direction in directions:
        own, other = sorted(row @ direction for row in mine), [row @ direction for row in style]
        for rank, number in enumerate(own):
            total += (number - np.quantile(other, rank / (len(own) - 1))) ** 2
    return total / len(directions) / len(mine)


def remapped(mine, style):
    """Each number of a channel as the style's of the same rank."""
    result = np.empty_like(mine)
    for channel in range(mine.shape[1]):
        for place, number in enumerate(mine[:, channel]):
            rank = np.sum(mine[:, channel] < number) / (len(mine) - 1)
            result[place, channel] = np.quantile(style[:, channel], rank)
    return result


@pytest.mark.parametrize("count", [0, 7])
@pytest.mark.parametrize("style_positions", [23, 40, 9])
def test_sliced_wasserstein_is_brute_force(
    count, style_positions, compared, gradient_of, central_differences, to_numpy
):
    loss = SlicedWasserstein(directions=count, seed=3)
    mine, style = features(0, 23), features(1, style_positions)
    target = compared(loss, style, like=mine)
    directions = target["directions"].astype(float)
    assert directions.shape == (2, count or 4, 4)
    assert np.linalg.norm(directions, axis=-1) == pytest.approx(np.ones((2, count or 4)), rel=1e-6)
    rows = list(zip(mine.astype(float), style.astype(float), directions, strict=True))
    assert to_numpy(loss.value(mine, target)) == pytest.approx([sliced(*row) for row in rows], rel=1e-4)
    gradient = gradient_of(loss, mine, target)
    for row, (own, other, drawn) in enumerate(rows):
        expected = central_differences(lambda x, other=other, drawn=drawn: sliced(x, other, drawn), own, 1e-5)
        assert np.linalg.norm(gradient[row] - expected) < 1e-3 * np.linalg.norm(expected)


@pytest.mark.parametrize("style_positions", [23, 40, 9])
def test_histogram_is_the_distance_from_the_remapped_features(style_positions, compared, gradient_of, to_numpy):
    loss = Histogram()
    mine, style = features(2, 23), features(3, style_positions)
    target = compared(loss, style, like=mine)
    difference = np.stack([own - remapped(own, other) for own, other in zip(mine, style, strict=True)]).astype(float)
    assert to_numpy(loss.value(mine, target)) == pytest.approx(np.square(difference).sum(axis=(1, 2)), rel=1e-4)
    # R(F) is constant in the gradient, which is 2 (F - R(F)) then.
    assert gradient_of(loss, mine, target) == pytest.approx(2 * difference, rel=1e-4, abs=1e-5)


def test_directions_are_drawn_once_for_a_seed(to_numpy):
    def drawn(channels=4, **settings):
        return to_numpy(SlicedWasserstein(**settings).target(features(0, 9, channels))["directions"])

    assert (drawn() == drawn()).all()
    assert (drawn(seed=1) != drawn()).all()
    assert drawn(directions=3, channels=6).shape == (2, 3, 6)


@pytest.mark.parametrize("name", ["sliced_wasserstein", "histogram"])
def test_no_more_quantiles_are_kept_than_asked_for(name, compared, to_numpy):
    """What is lost by that is little, and the arrays have one size whatever the style's."""
    mine, style = np.cbrt(features(4, 600)), np.cbrt(features(5, 500)) + 1.0
    whole, few = make_loss(name, {}), make_loss(name, {"quantiles": 100})
    exact, rough = (to_numpy(loss.value(mine, compared(loss, style, like=mine))) for loss in (whole, few))
    assert rough == pytest.approx(exact, rel=0.05)
    assert (rough != exact).any()
    for loss, kept in ((whole, 600), (few, 100)):
        shapes = {compared(loss, features(6, size), like=mine)["quantiles"].shape for size in (40, 500, 700)}
        assert shapes == {(2, 4, kept)}
    assert to_numpy(few.target(style)["quantiles"]).shape == (2, 4, 100)


@pytest.mark.parametrize("count", [1, 2, 5, 12, 100])
@pytest.mark.parametrize("length", [1, 2, 12])
def test_interpolated_quantiles_are_numpys(count, length, to_numpy):
    numbers = np.sort(np.random.default_rng(0).normal(size=(2, 3, length)), axis=-1).astype(np.float32)
    expected = np.moveaxis(np.quantile(numbers.astype(float), np.linspace(0, 1, count), axis=-1), 0, -1)
    assert to_numpy(interpolated(numbers, count)) == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert interpolated(numbers, count, np.take) == pytest.approx(expected, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("name", ["sliced_wasserstein", "histogram"])
def test_a_region_is_refused(name):
    loss = make_loss(name, {})
    assert not loss.regions
    guide = np.ones((2, 9), np.float32)
    with pytest.raises(ConfigError, match="ranks all positions of a layer and cannot be used with regions"):
        loss.target(features(0, 9), guide)
    with pytest.raises(ConfigError, match="cannot be used with regions"):
        loss.value(features(0, 9), loss.target(features(0, 9)), guide)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("sliced_wasserstein", {"directions": -1}, r"directions must be a whole number >= 0.*-1"),
        ("sliced_wasserstein", {"seed": 1.5}, r"seed must be a whole number >= 0.*1\.5"),
        ("histogram", {"quantiles": 1}, r"Histogram\.quantiles must be a whole number >= 2.*1"),
    ],
)
def test_settings_out_of_range_are_refused(name, settings, message):
    with pytest.raises(ConfigError, match=message):
        make_loss(name, settings)
