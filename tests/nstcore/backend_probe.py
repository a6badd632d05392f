"""Asked by `test_backends.py` on every backend: losses and gradients, and the losses of a short run.

For each backbone the point, the terms of the loss and the gradient there. For each way of preprocessing the content
picture as the network would see it.
"""

from __future__ import annotations

from typing import get_args

import keras
import numpy as np

from nstcore import TransferConfig, build_objective, style_transfer
from nstcore.backend import multiplies_bfloat16
from nstcore.loss_graph import TERMS
from nstcore.networks.backbones import BACKBONES, Preprocessing
from nstcore.networks.extractor import preprocess


def pictures() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Content, style and noise, above the smallest side of InceptionV3; odd sides, of which poolings lose a row."""
    random = np.random.default_rng(0)
    coarse = random.uniform(0, 255, (2, 8, 8, 3)).astype(np.uint8)
    content, style = np.repeat(np.repeat(coarse, 12, axis=1), 12, axis=2)
    content = content[:83]
    return content, style, random.normal(scale=20, size=content.shape)


def answers() -> dict[str, object]:
    content, style, noise = pictures()
    found: dict[str, object] = {"multiplies_bfloat16": str(multiplies_bfloat16())}
    for mode in get_args(Preprocessing):
        keras.config.set_image_data_format("channels_first")  # as a user may have it for other work
        picture = keras.Input(batch_shape=(None, None, None, 3))
        seen = keras.Model(picture, preprocess(picture, mode))
        keras.config.set_image_data_format("channels_last")
        found[f"preprocessed/{mode}"] = keras.ops.convert_to_numpy(seen(content[np.newaxis].astype(np.float32)))[0]
    for backbone in BACKBONES:
        # One backbone with a style of another size, "gatys" and average pooling, for which the network is rebuilt. JAX
        # compiles the network for each size it meets, so the others see a style of the content's size.
        varied = backbone == "vgg16"
        variant = {"pooling": "avg", "style_normalization": "gatys"} if varied else {}
        config = TransferConfig(
            backbone=backbone, weights="random", size=max(content.shape), total_variation_weight=1e-6, **variant
        )
        objective = build_objective(content, style if varied else style[: len(content)], config)
        x = objective.x0 + noise.ravel()
        loss, gradient = objective(x)
        terms = objective.components(x)
        found[f"{backbone}/x"] = x
        found[f"{backbone}/terms"] = [loss, *(terms[name] for name in TERMS)]
        found[f"{backbone}/gradient"] = gradient
    config = TransferConfig(backbone="vgg16", pooling="avg", weights="random", size=max(content.shape), iterations=3)
    found["run"] = [iterate.total for iterate in style_transfer(content, style, config).trace]
    return found
