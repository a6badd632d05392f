"""Asked by `test_padding_and_pooling.py` on every backend: what the layers give, and its gradient, on small numbers.

Also the terms and the gradient of a loss with all of these settings at once.
"""

from __future__ import annotations

import os
import tempfile
from unittest import mock

import keras
import numpy as np
from keras import ops

from nstcore import TransferConfig, backend
from nstcore.keras_settings.numerics import own_numerics
from nstcore.loading import load_scene
from nstcore.networks import dead_leaves, measuring_pictures
from nstcore.networks.padding import EdgePadding2D
from nstcore.networks.pooling import L2Pooling2D, RescaledAveragePooling2D
from nstcore.problem import build_problem
from nstcore.recipe import resolve

LAYERS = {
    "reflect": lambda: EdgePadding2D("reflect", ((3, 2), (0, 1))),
    "replicate": lambda: EdgePadding2D("replicate", ((3, 2), (0, 1))),
    "same": lambda: EdgePadding2D("reflect", kernel=(3, 5), strides=(2, 1), dilation=(1, 1)),
    "dilated": lambda: EdgePadding2D("replicate", kernel=(3, 3), strides=(1, 1), dilation=(2, 2)),
    "l2": lambda: L2Pooling2D(2),
    "avg-rescaled": lambda: RescaledAveragePooling2D(1.75, pool_size=2),
}


def answers() -> dict[str, object]:
    random = np.random.default_rng(4)
    picture = random.normal(size=(2, 6, 8, 3)).astype(np.float32)
    picture[:, 2:4, 2:4] = 0.0  # where a root alone has no derivative
    found: dict[str, object] = {"picture": picture}
    for name, make in LAYERS.items():
        layer = make()
        seen = keras.Input(batch_shape=picture.shape)
        graph = keras.Model(seen, layer(seen))
        weights = random.normal(size=graph.output.shape).astype(np.float32)

        def weighed(x, weights, layer=layer):
            given = layer(x)
            return ops.sum(given * weights, axis=(1, 2, 3)), given

        with own_numerics():
            _, given, gradient = backend.compiled(backend.differentiate(weighed))(
                *backend.on_device((picture, weights))
            )
            found |= {
                f"{name}/given": backend.to_host(given),
                f"{name}/weights": weights,
                f"{name}/gradient": backend.to_host(gradient),
            }
    return found | altogether()


def altogether() -> dict[str, object]:
    random = np.random.default_rng(5)
    content, style, picture = random.integers(0, 256, (3, 64, 72, 3), np.uint8)
    recipe = resolve(
        TransferConfig(
            "vgg16",
            weights="random",
            size=72,
            coarse_sizes=(),
            style_layers=("block1_conv1", "block2_conv2", "block3_pool"),
            style_normalization="gatys",
            content_backbone="mobilenet",
            filters="normalized",
            padding="reflect",
            pooling="avg-rescaled",
        )
    )
    with (
        tempfile.TemporaryDirectory() as cache,
        mock.patch.dict(os.environ, NSTCORE_CACHE=cache),
        mock.patch.object(measuring_pictures, "pictures", return_value=[dead_leaves.dead_leaves(1)[0][:64, :64]]),
    ):
        found = build_problem([load_scene(content, [style], recipe)], recipe).evaluate(
            picture[np.newaxis].astype(np.float32)
        )
    terms = {f"terms/{name}": backend.to_host(value) for name, value in found.terms.items()}
    return {**terms, "terms/gradient": backend.to_host(found.gradient)}
