"""Targets: those of the definition on every backend, and compiled once per size where they are compiled."""

from __future__ import annotations

import numpy as np
import pytest

from nstcore import TransferConfig, targets

CONTENT_LAYER, STYLE_LAYERS = "block2_conv2", ("block2_conv1", "block1_conv1")


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_targets_are_those_of_the_definition(ask, backend):
    found = ask("targets", backend)
    assert list(found["layers"]) == list(STYLE_LAYERS)
    # What is computed here, by this process' backend, has no feature matrix, no Gram matrix and no compilation.
    config = TransferConfig(
        backbone="vgg16", weights="random", content_layers=(CONTENT_LAYER,), style_layers=STYLE_LAYERS
    ).resolved()
    extractor = targets.target_network(config)
    for kind, picture in (("of_content", found["content"]), ("of_style", found["style"])):
        activations = {
            layer: np.asarray(activation)[0]
            for layer, activation in extractor(picture[np.newaxis].astype(np.float32)).items()
        }
        for layer in STYLE_LAYERS:
            height, width, _ = activations[layer].shape
            expected = np.einsum("hwi,hwj->ij", activations[layer], activations[layer]) / (height * width)
            np.testing.assert_allclose(found[f"{kind}/{layer}"], expected, rtol=1e-3, atol=1e-5 * expected.max())
            assert found[f"{kind}/{layer}"].dtype == np.float32
            assert found[f"{kind}/positions/{layer}"] == height * width
        if kind == "of_content":
            channels = activations[CONTENT_LAYER].shape[-1]
            expected = activations[CONTENT_LAYER].reshape(-1, channels)
            np.testing.assert_allclose(
                found[f"content/{CONTENT_LAYER}"], expected, rtol=1e-3, atol=1e-5 * expected.max()
            )
    # Of a picture and of a flat one. JAX traces for a size and never again, so that another of a size asks for nothing.
    assert list(found["counts"]) == ([2, 0, 2] if backend == "jax" else [4, 4, 4])
