"""A step: what its crops count for, and Muon's updates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from keras import ops

from nstcore import backend
from nstcore.feedforward import adam, muon
from nstcore.feedforward.network import build_network
from nstcore.feedforward.settings import NetworkSettings
from nstcore.feedforward.step import Trainer, from_arrays, to_arrays
from nstcore.feedforward.training_settings import TrainingSettings

RATE = 1e-3


def bowl(pictures: object, arguments: object) -> tuple[object, object]:
    """Σ (x − target)² of each picture."""
    totals = ops.sum(ops.square(pictures - arguments), axis=(1, 2, 3))
    return totals, ops.stack([totals, totals], axis=1)


@pytest.fixture(scope="module")
def network() -> object:
    return build_network(NetworkSettings(width=4, blocks=0, strides=()), 1)


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Two pictures, and what they are to become: the first is far from it."""
    random = np.random.default_rng(0)
    given, target = random.uniform(0, 255, (2, 2, 12, 12, 3)).astype(np.float32)
    target[0] += 2000.0
    return given, target


def gradients_of_each(network: object, given: np.ndarray, target: np.ndarray) -> tuple[list[np.ndarray], list[list]]:
    """The loss of each picture, and its gradient by the weights."""
    pulling = backend.pulling(network)

    def pulled(inputs: object, weights: object, toward: object) -> object:
        outputs, pull = pulling(inputs, weights)
        return ops.sum(ops.square(outputs - toward)), pull(2.0 * (outputs - toward))

    compiled, weights = backend.compiled(pulled), backend.model_weights(network)
    found = [
        compiled(backend.on_device(g[None]), weights, backend.on_device(t[None]))
        for g, t in zip(given, target, strict=True)
    ]
    return [float(total) for total, _ in found], [[backend.to_host(one) for one in each] for _, each in found]


@pytest.mark.parametrize("weighting", ["relative", "total"])
def test_crops_count_by_their_own_losses_or_alike(weighting: str, network: object, pictures: tuple) -> None:
    given, target = pictures
    totals, each = gradients_of_each(network, given, target)
    shares = [1.0 / total if weighting == "relative" else 1.0 for total in totals]
    expected = [
        0.5 * sum(share * gradient for share, gradient in zip(shares, gradients, strict=True))
        for gradients in zip(*each, strict=True)
    ]
    trainer = Trainer(network, bowl, TrainingSettings(optimizer="adam", weighting=weighting))
    before = trainer.start()
    after, terms = trainer.step(before, given, backend.on_device(target), RATE)
    assert terms[0] == pytest.approx(np.mean(totals), rel=1e-4)
    for moment, gradient in zip(after.moments.first, expected, strict=True):
        # Adam's first mean is a tenth of the first gradient.
        np.testing.assert_allclose(
            backend.to_host(moment), 0.1 * gradient, rtol=2e-3, atol=2e-3 * np.abs(gradient).max()
        )


def test_what_is_trained_comes_back_from_arrays(network: object, pictures: tuple) -> None:
    given, target = pictures
    trainer = Trainer(network, bowl, TrainingSettings())
    trained, _ = trainer.step(trainer.start(), given, backend.on_device(target), RATE)
    arrays = to_arrays(trained)
    again = to_arrays(from_arrays(arrays))
    assert again.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(again[name], array)


# --- Muon ------------------------------------------------------------------------------------------------------------

Make = Callable[[tuple[int, ...]], np.ndarray]


@pytest.fixture
def normal() -> Make:
    random = np.random.default_rng(5)
    return lambda shape: random.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("shape", [(40, 12), (12, 40), (16, 16)])
def test_singular_vectors_stay_and_values_become_alike(shape: tuple[int, int], normal: Make) -> None:
    matrix = normal(shape)
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    assert values[0] / values[-1] > 2.0
    made = np.asarray(muon.orthogonalized(ops.convert_to_tensor(matrix)))
    between = left.T @ made @ right.T
    of_pairs = np.diag(between)
    assert of_pairs.min() > 0.6
    assert of_pairs.max() < 1.3
    np.testing.assert_allclose(between - np.diag(of_pairs), 0.0, atol=1e-3)


def test_nothing_stays_nothing() -> None:
    assert not np.asarray(muon.orthogonalized(ops.zeros((6, 4)))).any()


def test_hidden_kernels_go_by_muon_and_the_rest_by_adam(normal: Make) -> None:
    shapes = [(9, 9, 3, 8), (3, 3, 8, 16), (16,), (9, 9, 8, 3)]
    weights, gradients = ([ops.convert_to_tensor(normal(shape)) for shape in shapes] for _ in range(2))
    start = backend.on_device(adam.start([np.asarray(one) for one in weights]))
    rate = ops.convert_to_tensor(np.float32(RATE))
    by_adam, _ = adam.update(weights, gradients, start, rate)
    by_muon, after = muon.update(weights, gradients, start, rate)
    for place in (0, 2, 3):
        np.testing.assert_array_equal(by_muon[place], by_adam[place])
    moved = np.asarray(by_muon[1]) - np.asarray(weights[1])
    # The step's mean square is about that of Adam's usual ones: 0.2 of the rate.
    assert np.sqrt(np.mean(np.square(moved))) == pytest.approx(0.2 * RATE, rel=0.2)
    # Nesterov: the gradient and 0.95 of the momentum, which is the gradient at first.
    matrix = 1.95 * np.asarray(gradients[1]).reshape(72, 16)
    expected = -RATE * 0.2 * np.sqrt(72.0) * np.asarray(muon.orthogonalized(ops.convert_to_tensor(matrix)))
    np.testing.assert_allclose(moved.reshape(72, 16), expected, rtol=1e-3, atol=1e-7)
    np.testing.assert_array_equal(after.first[1], gradients[1])
    _, later = muon.update(by_muon, gradients, after, rate)
    np.testing.assert_allclose(later.first[1], 1.95 * np.asarray(gradients[1]), rtol=1e-6)
