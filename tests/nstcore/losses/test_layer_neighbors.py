"""Nearest neighbours of each layer against the formula over all pairs."""

from __future__ import annotations

import numpy as np
import pytest

from nstcore import ConfigError
from nstcore.losses import make_loss
from nstcore.losses.layer_neighbors import thinned


def formula(x: np.ndarray, s: np.ndarray) -> float:
    x, s = x - x.mean(axis=0), s - s.mean(axis=0)
    cosines = (x / np.linalg.norm(x, axis=1, keepdims=True)) @ (s / np.linalg.norm(s, axis=1, keepdims=True)).T
    return float((1 - cosines.max(axis=1)).mean())


def activation(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("style_sides", [(5, 4), (3, 9)])
def test_the_loss_is_the_formula_and_the_gradient_its_slope(style_sides, gradient_of, central_differences, to_numpy):
    mine, style = activation(0, 2, 5, 4, 6), activation(1, 2, *style_sides, 6)
    loss = make_loss("layer_neighbors", {})
    values, gradient = to_numpy(loss.value(mine, {"features": style})), gradient_of(loss, mine, {"features": style})
    for row in range(2):
        s = style[row].reshape(-1, 6).astype(np.float64)

        def of(x: np.ndarray, s: np.ndarray = s) -> float:
            return formula(x.reshape(-1, 6), s)

        at = mine[row].astype(np.float64)
        assert values[row] == pytest.approx(of(at), rel=1e-5)
        expected = central_differences(of, at)
        assert np.linalg.norm(gradient[row] - expected) < 1e-3 * np.linalg.norm(expected)


def test_copies_of_the_style_are_looked_in_too(to_numpy):
    mine, style, turned = activation(0, 1, 4, 4, 5), activation(1, 1, 4, 4, 5), activation(2, 1, 3, 6, 5)
    loss = make_loss("layer_neighbors", {"rotations": (90.0,)})
    value = to_numpy(loss.value(mine, {"features": style, "features@1": turned}))[0]
    together = np.concatenate([style.reshape(-1, 5), turned.reshape(-1, 5)]).astype(np.float64)
    assert value == pytest.approx(formula(mine.reshape(-1, 5).astype(np.float64), together), rel=1e-5)


def test_large_layers_are_thinned_out_the_style_by_the_same_step(to_numpy):
    mine, style = activation(0, 1, 12, 9, 5), activation(1, 1, 8, 16, 5)
    loss = make_loss("layer_neighbors", {"most": 4})
    assert loss.step(12, 9) == 3
    value = to_numpy(loss.value(mine, {"features": style}))[0]
    own, others = (one[0, 1::3, 1::3].reshape(-1, 5).astype(np.float64) for one in (mine, style))
    assert len(own) == 4 * 3
    assert value == pytest.approx(formula(own, others), rel=1e-5)
    assert [make_loss("layer_neighbors", {"most": most}).step(512, 384) for most in (64, 0, 1000)] == [8, 1, 1]
    assert [make_loss("layer_neighbors", {}).step(side, 3) for side in (63, 64, 65, 127, 128, 129)] == [
        1,
        1,
        2,
        2,
        2,
        3,
    ]
    # A style of one row is not thinned out to nothing.
    assert thinned(style[:, :1], 5).shape[1] == 3


def test_how_many_positions_must_be_a_whole_number():
    with pytest.raises(ConfigError, match=r"LayerNeighbors\.most must be a whole number >= 0"):
        make_loss("layer_neighbors", {"most": 1.5})
