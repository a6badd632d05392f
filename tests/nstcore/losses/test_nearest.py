"""The search for the nearest vector against all pairs, and what it does at its edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nstcore.losses import nearest as rooms
from nstcore.losses.nearest import chosen, nearest, unit


@settings(max_examples=30)
@given(
    st.integers(1, 3), st.integers(1, 40), st.integers(1, 200), st.sampled_from([64, 300, 2**22]), st.integers(0, 99)
)
def test_it_is_the_first_largest_of_all_inner_products(batch, count, keys, at_once, seed):
    """Small whole numbers, of which many products are equal and none is rounded; negative ones too."""
    random = np.random.default_rng(seed)
    queries, others = (random.integers(-2, 3, (batch, n, 3)).astype(np.float32) for n in (count, keys))
    before, rooms.AT_ONCE = rooms.AT_ONCE, at_once
    try:
        found = np.asarray(nearest(queries, others))
    finally:
        rooms.AT_ONCE = before
    assert found.tolist() == np.argmax(np.einsum("bnc,bmc->bnm", queries, others), axis=-1).tolist()


def test_every_picture_chooses_among_its_own(to_numpy):
    vectors = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    found = to_numpy(chosen(vectors, np.array([[[0, 2]], [[1, 1]]], np.int32)))
    assert found.tolist() == [[[[0, 1], [4, 5]]], [[[8, 9], [8, 9]]]]


def test_unit_vectors_of_any_scale(to_numpy):
    vectors = np.random.default_rng(0).normal(size=(2, 5, 3))
    expected = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    for scale in (1e-9, 1.0, 1e6):
        assert to_numpy(unit((scale * vectors).astype(np.float32))) == pytest.approx(expected, rel=1e-5)


def test_nothing_has_no_direction(to_numpy):
    assert not to_numpy(unit(np.zeros((1, 2, 3), np.float32))).any()
    one = np.array([[[3.0, 4.0], [0.0, 0.0]]], np.float32)
    assert to_numpy(unit(one)).tolist() == [[[pytest.approx(0.6), pytest.approx(0.8)], [0.0, 0.0]]]
