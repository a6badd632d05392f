"""Gram matrices across layers, against blocks of repeated pixels."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from nstcore import ConfigError
from nstcore.losses import features_read, make_loss
from nstcore.losses.cross_gram import CrossGram

LOSS = CrossGram(layers=("first", "second"))


def resized(activation, height, width):
    """Every pixel repeated until both sizes divide, and the mean of blocks of those."""
    for axis, new in enumerate((height, width)):
        old = activation.shape[axis]
        many = np.repeat(activation, math.lcm(old, new) // old, axis=axis)
        blocks = (*many.shape[:axis], new, -1, *many.shape[axis + 1 :])
        activation = many.reshape(blocks).mean(axis=axis + 1)
    return activation


def cross_gram(first, second):
    first = resized(first, *second.shape[:2])
    return np.einsum("hwi,hwj->ij", first, second) / math.prod(second.shape[:2])


def activations(seed, first, second, batch=2):
    random = np.random.default_rng(seed)
    sizes = {"first": (batch, *first, 3), "second": (batch, *second, 5)}
    return {name: random.normal(size=size).astype(np.float32) for name, size in sizes.items()}


@pytest.mark.parametrize(
    ("first", "second"),
    [((6, 8), (3, 4)), ((7, 11), (3, 5)), ((9, 4), (7, 4)), ((5, 5), (5, 5)), ((3, 2), (6, 5)), ((12, 9), (4, 9))],
)
def test_values_are_the_formula_whatever_the_sizes(first, second, compared, to_numpy):
    mine, style = activations(0, first, second), activations(1, second, first)  # the style has another size
    seen, of_style = features_read(LOSS, mine)["first+second"], features_read(LOSS, style)["first+second"]
    found = to_numpy(LOSS.value(seen, compared(LOSS, of_style, like=seen)))
    grams = [[cross_gram(one["first"][row], one["second"][row]) for row in range(2)] for one in (mine, style)]
    expected = np.square(np.subtract(*grams)).sum(axis=(1, 2))
    assert found == pytest.approx(expected, rel=1e-4)


def test_the_gradients_by_both_layers_are_what_central_differences_of_the_formula_measure(
    compared, gradient_of, central_differences
):
    mine, style = activations(2, (4, 6), (3, 3), batch=1), activations(3, (5, 4), (2, 3), batch=1)
    seen = features_read(LOSS, mine)["first+second"]
    target = compared(LOSS, features_read(LOSS, style)["first+second"], like=seen)
    of_style = cross_gram(style["first"][0], style["second"][0])
    for name in mine:
        others = {other: mine[other][0].astype(float) for other in mine}

        def formula(x, name=name, others=others):
            return np.square(cross_gram(**{**others, name: x}) - of_style).sum()

        def value(x, target, guide, name=name):
            return LOSS.value(features_read(LOSS, {**mine, name: x})["first+second"], target, guide)

        found = gradient_of(SimpleNamespace(value=value), mine[name], target)[0]
        expected = central_differences(formula, others[name])
        assert np.linalg.norm(found - expected) < 1e-3 * np.linalg.norm(expected)


def test_a_guide_weighs_both_layers(to_numpy):
    seen = features_read(LOSS, activations(0, (4, 4), (4, 4)))["first+second"]
    guide = np.random.default_rng(0).uniform(0, 2, (2, 16)).astype(np.float32)
    expected = np.einsum("bmi,bmj,bm->bij", to_numpy(seen[0]), to_numpy(seen[1]), guide**2) / 16
    assert to_numpy(LOSS.target(seen, guide)["gram"]) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_two_neighbors_of_the_list_are_read_together():
    loss = make_loss("cross_gram", {"layers": ("a", "b", "c")})
    assert loss.readings == (("a", "b"), ("b", "c"))
    assert loss.layer_weights == (0.5, 0.5)


def test_one_layer_has_no_neighbor():
    with pytest.raises(ConfigError, match=r"CrossGram\.layers must be two or more layer names.*\('a',\)"):
        make_loss("cross_gram", {"layers": ("a",)})
