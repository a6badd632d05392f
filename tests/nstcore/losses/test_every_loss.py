"""What every registered loss of layers has to do: for pictures in a batch, on every backend, and in the engine."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from nstcore import BACKBONES
from nstcore.losses import LOSSES, loss_class, make_loss
from tests.modules import module_of

COMPARED = ("vgg16", "resnet50", "inceptionv3")  # those of the probe
OF_LAYERS = [name for name in LOSSES if loss_class(name).reads != "picture"]


@pytest.fixture(scope="module")
def probe() -> ModuleType:
    """`losses_probe.py`, as its own process imports it."""
    return module_of(Path(__file__).parents[1] / "losses_probe.py")


@pytest.mark.parametrize("name", OF_LAYERS)
def test_pictures_of_a_batch_do_not_see_each_other(name, probe):
    loss = make_loss(name, {"layers": probe.LAYERS})
    shapes = probe.SHAPES if loss.reads == "content" else probe.STYLE_SHAPES
    mine, target = probe.activations(0, probe.SHAPES), probe.compared(loss, probe.activations(1, shapes))
    values, gradients = probe.value_and_gradient(loss, mine, target)
    assert values.shape == (2,)
    for row in range(2):
        alone = {layer: one[row : row + 1] for layer, one in mine.items()}
        kept = {reading: {key: one[row : row + 1] for key, one in arrays.items()} for reading, arrays in target.items()}
        value, gradient = probe.value_and_gradient(loss, alone, kept)
        assert values[row] == pytest.approx(value[0], rel=1e-4)
        assert np.linalg.norm(gradients[row] - gradient[0]) < 1e-4 * np.linalg.norm(gradient)


@pytest.mark.parametrize("name", [name for name in OF_LAYERS if loss_class(name).reads == "style"])
def test_a_loss_that_keeps_positions_says_so(name, probe):
    loss = make_loss(name, {"layers": probe.LAYERS})
    if loss.matches_content and hasattr(loss, "fixed"):  # what it then keeps has the size of the content picture
        loss = dataclasses.replace(loss, fixed=False)
    kept = [probe.compared(loss, probe.activations(1, shapes)) for shapes in (probe.SHAPES, probe.STYLE_SHAPES)]
    shapes = [[array.shape for arrays in each.values() for array in arrays.values()] for each in kept]
    assert loss.keeps_positions == (shapes[0] != shapes[1])


@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.parametrize("name", OF_LAYERS)
def test_values_and_gradients_agree_with_tensorflow(ask, backend, name):
    reference, other = ask("losses", "tensorflow"), ask("losses", backend)
    assert (reference[f"{name}/values"] > 0).all()
    assert other[f"{name}/values"] == pytest.approx(reference[f"{name}/values"], rel=1e-3)
    expected, gradient = reference[f"{name}/gradient"], other[f"{name}/gradient"]
    assert np.isfinite(expected).all()
    assert np.linalg.norm(gradient - expected) < 1e-3 * np.linalg.norm(expected)


@pytest.mark.parametrize(
    ("backend", "backbone"),
    [("tensorflow", one) for one in BACKBONES] + [(other, one) for other in ("jax", "torch") for one in COMPARED],
)
def test_every_loss_of_the_style_is_one_at_the_content_picture(ask, backend, backbone):
    """Whatever it measures: the engine balances it."""
    start = ask("losses", backend)[f"{backbone}/start"]
    assert start == pytest.approx(np.ones(len(start)), rel=1e-3)


@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.parametrize("backbone", COMPARED)
def test_the_engine_agrees_with_tensorflow_on_all_of_them(ask, backend, backbone):
    reference, other = ask("losses", "tensorflow"), ask("losses", backend)
    assert other[f"{backbone}/terms"] == pytest.approx(reference[f"{backbone}/terms"], rel=1e-3)
    expected, gradient = reference[f"{backbone}/gradient"], other[f"{backbone}/gradient"]
    assert expected @ gradient / np.linalg.norm(expected) / np.linalg.norm(gradient) > 0.9999
