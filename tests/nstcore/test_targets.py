"""Targets: those of the definition on every backend, and compiled once per size where they are compiled."""

from __future__ import annotations

import numpy as np
import pytest

from nstcore.networks.extractor import feature_network
from nstcore.networks.network import Network
from nstcore.targets import SPREAD

CONTENT_LAYER, STYLE_LAYERS = "block2_conv2", ("block2_conv1", "block1_conv1")


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_targets_are_those_of_the_definition(ask, backend):
    found = ask("targets", backend)
    # What is computed here, by this process' backend, has no feature matrix, no Gram matrix and no compilation.
    extractor = feature_network(Network("vgg16", "random"), (CONTENT_LAYER, *STYLE_LAYERS))
    for kind, picture in (("of_content", found["content"]), ("of_style", found["style"])):
        activations = {
            layer: np.asarray(activation)[0]
            for layer, activation in extractor(picture[np.newaxis].astype(np.float32)).items()
        }
        for layer in STYLE_LAYERS:
            height, width, _ = activations[layer].shape
            expected = np.einsum("hwi,hwj->ij", activations[layer], activations[layer]) / (height * width)
            gram = found[f"{kind}/gram/{layer}/gram"]
            np.testing.assert_allclose(gram, expected, rtol=1e-3, atol=1e-5 * expected.max())
            assert gram.dtype == np.float32
            assert found[f"{kind}/gram/{layer}/positions"] == height * width
        if kind == "of_content":
            features = activations[CONTENT_LAYER].reshape(-1, activations[CONTENT_LAYER].shape[-1])
            kept = {name: found[f"{kind}/content/{CONTENT_LAYER}/{name}"] for name in ("features", SPREAD)}
            np.testing.assert_allclose(kept["features"], features, rtol=1e-3, atol=1e-5 * features.max())
            spread = 0.5 * np.square(features - features.mean(axis=0)).sum()
            assert kept[SPREAD] == pytest.approx(spread, rel=1e-3)
    assert not [path for path in found if path.startswith("of_style/content")]
    # JAX traces for a size and never again, so that a second picture of a size asks for nothing.
    assert list(found["counts"]) == ([2, 0, 2] if backend == "jax" else [2, 2, 2])
