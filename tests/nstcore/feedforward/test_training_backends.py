"""Training on every backend: gradients and updates are right, states are gone on from, and backends agree."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from nstcore.keras_settings.start import BACKENDS

Ask = Callable[[str, str], dict[str, np.ndarray]]
EVERY_BACKEND = pytest.mark.parametrize("backend", BACKENDS)


@EVERY_BACKEND
def test_what_is_pulled_back_is_the_gradient_by_the_weights(ask: Ask, backend: str) -> None:
    found = ask("training", backend)
    places = [name for name in found if name.startswith("gradient/")]
    assert len(places) == 2
    for name in places:
        along, differences = found[name]
        assert along == pytest.approx(differences, rel=2e-2)
        assert abs(along) > 1.0


@EVERY_BACKEND
def test_updates_are_those_of_adam_in_keras(ask: Ask, backend: str) -> None:
    found = ask("training", backend)
    for place in range(2):
        np.testing.assert_allclose(found[f"adam/ours/{place}"], found[f"adam/theirs/{place}"], rtol=1e-5, atol=1e-6)


@EVERY_BACKEND
def test_a_training_that_was_interrupted_ends_as_one_that_was_not_to_the_bit(ask: Ask, backend: str) -> None:
    found = ask("training", backend)
    assert found["at"].tolist() == [3]
    np.testing.assert_array_equal(found["resumed"], found["straight"])
    assert found["same weights"]


@EVERY_BACKEND
def test_the_loss_falls(ask: Ask, backend: str) -> None:
    totals = ask("training", backend)["straight"][:, 1]
    assert totals[-1] < totals[0]


@pytest.mark.parametrize("backend", [backend for backend in BACKENDS if backend != "tensorflow"])
def test_backends_agree_in_the_curve(ask: Ask, backend: str) -> None:
    ours, theirs = (ask("training", one)["straight"] for one in ("tensorflow", backend))
    np.testing.assert_allclose(theirs, ours, rtol=1e-2)


@pytest.mark.parametrize("backend", [backend for backend in BACKENDS if backend != "tensorflow"])
def test_a_network_that_was_trained_on_one_runs_on_another(ask: Ask, backend: str) -> None:
    from nstcore.feedforward.network import build_network
    from nstcore.feedforward.settings import NetworkSettings

    found = ask("training", backend)
    network = build_network(NetworkSettings(width=4, blocks=1))
    network.set_weights([found[f"weights/{place}"] for place in range(len(network.weights))])
    made = np.asarray(network(found["picture"]))
    assert np.abs(made - found["made"]).max() <= 1e-3 * 255
