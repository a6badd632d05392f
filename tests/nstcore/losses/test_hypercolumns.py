"""Layers joined at one size, against interpolation written out, and the positions that are drawn of them."""

from __future__ import annotations

import numpy as np
import pytest

from nstcore import ConfigError
from nstcore.losses import make_loss
from nstcore.losses.earth_movers import EarthMovers
from nstcore.losses.hypercolumns import hypercolumns
from nstcore.losses.resizing import resized, triangles


def test_twice_the_positions_are_interpolated_linearly():
    assert triangles(2, 4).tolist() == [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]]


def test_half_the_positions_are_smoothed_with_a_triangle():
    middle = triangles(8, 4)[1]
    assert middle.tolist() == [0, 0.125, 0.375, 0.375, 0.125, 0, 0, 0]


@pytest.mark.parametrize(("before", "after"), [(7, 3), (3, 7), (127, 62), (62, 127), (5, 5), (1, 4), (4, 1)])
def test_resizing_keeps_what_is_even_and_what_is_symmetric(before, after):
    weights = triangles(before, after)
    assert weights.shape == (after, before)
    assert weights.sum(axis=1) == pytest.approx(np.ones(after), rel=1e-6)
    assert weights[::-1, ::-1] == pytest.approx(weights, abs=1e-6)
    if before > 2 * after:  # every position counts about as much, or its gradient would be none
        assert weights.sum(axis=0).min() > 0
    if after == before:
        assert (weights == np.eye(after)).all()


@pytest.mark.parametrize("sides", [(3, 5), (4, 9), (4, 5), (8, 12)])
def test_both_sides_are_resized(sides, to_numpy):
    height, width = sides
    activation = np.random.default_rng(0).normal(size=(2, 4, 9, 3)).astype(np.float32)
    expected = np.einsum("yh,xw,bhwn->byxn", triangles(4, height), triangles(9, width), activation)
    assert to_numpy(resized(activation, height, width, triangles)) == pytest.approx(expected, abs=1e-5)


def test_the_common_size_is_that_of_the_layer_in_the_middle(to_numpy):
    """Of the ten layers of NNST, in any order, a quarter of the picture's sides; of two the larger."""
    sides = [2, 4, 4, 8, 2, 16, 16, 8, 4, 2]
    activations = [np.full((1, side, side + 1, 2), place, np.float32) for place, side in enumerate(sides)]
    columns = to_numpy(hypercolumns(activations))
    assert columns.shape == (1, 4, 5, 20)
    assert columns == pytest.approx(np.broadcast_to(np.repeat(np.arange(10), 2), columns.shape))
    assert hypercolumns(activations[:2]).shape == (1, 4, 5, 4)


def test_all_positions_are_taken_where_there_are_no_more(to_numpy):
    activation = np.arange(24, dtype=np.float32).reshape(1, 4, 3, 2)
    features = to_numpy(EarthMovers(samples=12).features(activation))
    assert features.tolist() == activation.reshape(1, 12, 2).tolist()


def test_positions_are_drawn_once_each_and_the_same_by_seed(to_numpy):
    activation = np.arange(60, dtype=np.float32).reshape(2, 6, 5, 1)
    drawn = to_numpy(EarthMovers(samples=7).features(activation))
    assert drawn.shape == (2, 7, 1)
    assert len(np.unique(drawn)) == 14
    assert (drawn[1] - drawn[0] == 30).all()
    assert (to_numpy(EarthMovers(samples=7).features(activation)) == drawn).all()
    assert (to_numpy(EarthMovers(samples=7, seed=1).features(activation)) != drawn).any()


@pytest.mark.parametrize("name", ["earth_movers", "self_similarity"])
@pytest.mark.parametrize("settings", [{"samples": 1}, {"samples": 10.0}, {"seed": -1}])
def test_a_draw_that_cannot_be_is_refused(name, settings):
    with pytest.raises(ConfigError, match=next(iter(settings))):
        make_loss(name, settings)


def test_layers_that_are_joined_have_one_weight():
    loss = make_loss("nearest_neighbors", {"layers": ("a", "b")})
    assert loss.readings == (("a", "b"),)
    assert loss.layer_weights == (1.0,)
    with pytest.raises(ConfigError, match=r"one weight for each of a\+b"):
        make_loss("nearest_neighbors", {"layers": ("a", "b"), "layer_weights": (1, 2)})
