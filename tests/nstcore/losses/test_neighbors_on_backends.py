"""The searches and the losses that look for neighbors, the same on TensorFlow, JAX and torch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from nstcore.losses.resizing import triangles

EVERY_BACKEND = pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])


@pytest.fixture
def probe(ask):
    """backend -> what `neighbors_probe.py` found on it."""
    return lambda backend: ask("neighbors", backend)


def features() -> tuple[np.ndarray, np.ndarray]:
    """As in the probe."""
    random = np.random.default_rng(0)
    mine, style = (random.integers(-3, 4, (2, *sides, 3)) for sides in ((7, 9), (12, 8)))
    return mine, style


@EVERY_BACKEND
def test_the_nearest_is_the_first_largest(probe, backend):
    mine, style = (one.reshape(2, -1, 3) for one in features())
    assert probe(backend)["nearest"].tolist() == np.einsum("bnc,bmc->bnm", mine, style).argmax(axis=-1).tolist()


@EVERY_BACKEND
@pytest.mark.parametrize("stride", [1, 2])
def test_the_nearest_patches_are_as_near_as_any(probe, backend, stride):
    """By their cosines, because some are equal but for rounding."""
    found = probe(backend)[f"patches/{stride}"]
    for mine, style, places in zip(*features(), found, strict=True):
        corners = list(itertools.product(range(0, 10, stride), range(0, 6, stride)))
        keys = np.stack([style[y : y + 3, x : x + 3].ravel() for y, x in corners])
        own = itertools.product(range(0, 5, stride), range(0, 7, stride))
        queries = np.stack([mine[y : y + 3, x : x + 3].ravel() for y, x in own])
        alike = queries @ keys.T / np.linalg.norm(queries, axis=1)[:, None] / np.linalg.norm(keys, axis=1)
        chosen = [corners.index(divmod(place, 8)) for place in places.ravel()]
        assert alike[np.arange(len(alike)), chosen] == pytest.approx(alike.max(axis=1), abs=1e-6)


@EVERY_BACKEND
def test_activations_are_resized_alike(probe, backend):
    mine, _ = features()
    expected = np.einsum("yh,xw,bhwn->byxn", triangles(7, 3), triangles(9, 13), mine)
    assert probe(backend)["resized"] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_losses_and_gradient_agree_with_tensorflow(probe, backend):
    reference, other = probe("tensorflow"), probe(backend)
    assert (reference["terms"] > 1e-3).all()
    assert other["terms"] == pytest.approx(reference["terms"], rel=1e-3)
    expected, gradient = reference["gradient"], other["gradient"]
    assert np.linalg.norm(gradient - expected) < 1e-2 * np.linalg.norm(expected)
