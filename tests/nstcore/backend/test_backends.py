"""The same loss and gradient on TensorFlow, JAX and torch, each in a process of its own."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from nstcore.networks.backbones import BACKBONES, Preprocessing

OTHERS = ("jax", "torch")

EVERY_BACKEND = pytest.mark.parametrize("backend", ["tensorflow", *OTHERS])
EVERY_BACKBONE = pytest.mark.parametrize("backbone", BACKBONES)


@pytest.fixture
def probe(ask):
    """backend -> what `backend_probe.py` found on it."""
    return lambda backend: ask("backend", backend)


@EVERY_BACKEND
def test_the_backend_that_was_asked_for_computes(probe, backend):
    assert str(probe(backend)["backend"]) == backend


@EVERY_BACKEND
def test_no_accelerator_is_told_of_where_a_processor_computes(probe, backend):
    assert str(probe(backend)["multiplies_bfloat16"]) == "None"


@pytest.mark.parametrize("backend", OTHERS)
@EVERY_BACKBONE
def test_loss_and_gradient_agree_with_tensorflow(probe, backend, backbone):
    reference, other = probe("tensorflow"), probe(backend)
    assert (other[f"{backbone}/x"] == reference[f"{backbone}/x"]).all()
    terms = reference[f"{backbone}/terms"]
    assert (terms > 0).all()
    assert other[f"{backbone}/terms"] == pytest.approx(terms, rel=1e-3)
    expected, gradient = reference[f"{backbone}/gradient"], other[f"{backbone}/gradient"]
    norm = np.linalg.norm(expected)
    assert norm > 0
    assert expected @ gradient / norm / np.linalg.norm(gradient) > 0.9999
    assert np.linalg.norm(gradient) == pytest.approx(norm, rel=1e-3)


# Means and deviations of ImageNet: of Caffe's VGG (Simonyan & Zisserman 2014), blue first, and of torchvision.
PREPROCESSED = {
    "caffe": lambda rgb: rgb[..., ::-1] - [103.939, 116.779, 123.68],
    "tf": lambda rgb: rgb / 127.5 - 1,
    "torch": lambda rgb: (rgb / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225],
    "none": lambda rgb: rgb,
}


@pytest.mark.parametrize("mode", get_args(Preprocessing))
@EVERY_BACKEND
def test_every_way_of_preprocessing_is_its_formula(probe, backend, mode):
    rgb = probe(backend)["preprocessed/none"].astype(np.float64)
    np.testing.assert_allclose(probe(backend)[f"preprocessed/{mode}"], PREPROCESSED[mode](rgb), rtol=1e-5, atol=1e-5)
    assert rgb.max() > 200


@EVERY_BACKEND
def test_a_short_run_lowers_the_loss_at_every_step(probe, backend):
    losses = probe(backend)["run"]
    assert len(losses) == 4
    assert (np.diff(losses) < 0).all()
