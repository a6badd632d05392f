"""The symbolic total loss: (picture, targets, coefficients) -> {total, content, style, total_variation}.

Targets, coefficients and weights are inputs of the graph, not constants in it: one compiled function serves every pair
of pictures of a size, every style normalisation and every weighting.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from nstcore.config import TransferConfig
from nstcore.features import feature_network
from nstcore.losses import Tensor, content_loss, feature_matrix, gram_distance, gram_matrix, total_variation_loss

#: The outputs of the graph, in the order of the trace's columns.
TERMS = ("total", "content", "style", "total_variation")


def build_loss_graph(config: TransferConfig, height: int, width: int, batch: int = 1) -> keras.Model:
    """Build the graph for a resolved configuration, one picture size and a number of pictures.

    Its inputs are named
        picture: (batch, height, width, 3), RGB, 0..255;
        content_targets: per content layer (M, N), the feature matrix of the content picture;
        style_targets: per style layer (N, N), the style's Gram matrix divided as `losses.style_target_divisor` says;
        content_coefficients: (content layers,), the factor of each layer's ½ Σ (F - P)²;
        style_coefficients: (style layers,), the factor of each layer's Σ (G/M - T)²;
        weights: (3,), of content, style and total variation.

    With a batch of more than one, every input but the picture has a leading axis of that length
    (`weighting.stack_inputs`), and every output is a vector with one value per picture instead of a scalar. Nothing
    connects the pictures: the gradient of the sum of their totals is, picture by picture, that of its own total.
    """
    extractor = feature_network(config)
    picture = keras.Input(batch_shape=(batch, height, width, 3), name="picture")
    activations = extractor(picture)
    content_features = [feature_matrix(activations[layer]) for layer in config.content_layers]
    style_features = [feature_matrix(activations[layer]) for layer in config.style_layers]
    style_grams = [gram_matrix(features) / float(features.shape[-2]) for features in style_features]

    per_picture = () if batch == 1 else (batch,)
    inputs: dict[str, Any] = {
        "picture": picture,
        "content_targets": [keras.Input(batch_shape=features.shape) for features in content_features],
        "style_targets": [keras.Input(batch_shape=gram.shape) for gram in style_grams],
        "content_coefficients": keras.Input(
            batch_shape=(*per_picture, len(content_features)), name="content_coefficients"
        ),
        "style_coefficients": keras.Input(batch_shape=(*per_picture, len(style_grams)), name="style_coefficients"),
        "weights": keras.Input(batch_shape=(*per_picture, 3), name="weights"),
    }
    content_terms = [
        content_loss(features, target)
        for features, target in zip(content_features, inputs["content_targets"], strict=True)
    ]
    style_terms = [
        gram_distance(gram, target) for gram, target in zip(style_grams, inputs["style_targets"], strict=True)
    ]
    content = _weighted_sum(inputs["content_coefficients"], content_terms)
    style = _weighted_sum(inputs["style_coefficients"], style_terms)
    total_variation = total_variation_loss(picture, config.total_variation)
    total = _weighted_sum(inputs["weights"], [content, style, total_variation])
    return keras.Model(
        inputs,
        {"total": total, "content": content, "style": style, "total_variation": total_variation},
        name=f"{config.backbone}_loss",
    )


def _weighted_sum(weights: Tensor, terms: list[Tensor]) -> Tensor:
    return ops.sum(weights * ops.stack(terms, axis=-1), axis=-1)
