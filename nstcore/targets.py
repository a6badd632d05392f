"""What the optimised picture is compared with, computed once per picture: content features and Gram matrices."""

from __future__ import annotations

from dataclasses import dataclass, replace

import keras
import numpy as np

from nstcore.config import TransferConfig
from nstcore.features import feature_network
from nstcore.losses import feature_matrix, gram_matrix


@dataclass(frozen=True)
class StyleTarget:
    """The style of a picture.

    Attributes:
        grams: per style layer the Gram matrix divided by its number of positions, G / M, float32 (N, N).
        positions: per style layer M.
    """

    grams: dict[str, np.ndarray]
    positions: dict[str, int]


@dataclass(frozen=True)
class ContentTarget:
    """The content of a picture, and its own style, which the "balanced" references are measured from.

    Attributes:
        features: per content layer the feature matrix, float32 (M, N).
        style: the picture seen as a style.
    """

    features: dict[str, np.ndarray]
    style: StyleTarget


def target_network(config: TransferConfig) -> keras.Model:
    """The extractor that targets are computed with: in float32, whatever the precision of the optimisation."""
    return feature_network(replace(config, precision="float32"))


def style_target(picture: np.ndarray, extractor: keras.Model, config: TransferConfig) -> StyleTarget:
    """Compute the style target of a uint8 (H, W, 3) picture."""
    return _style_of(_activations(picture, extractor), config)


def content_target(picture: np.ndarray, extractor: keras.Model, config: TransferConfig) -> ContentTarget:
    """Compute the content target of a uint8 (H, W, 3) picture."""
    activations = _activations(picture, extractor)
    features = {layer: _numpy(feature_matrix(activations[layer])) for layer in config.content_layers}
    return ContentTarget(features, _style_of(activations, config))


def _activations(picture: np.ndarray, extractor: keras.Model) -> dict[str, object]:
    batch = keras.ops.convert_to_tensor(picture[np.newaxis].astype(np.float32))
    activations: dict[str, object] = extractor(batch, training=False)
    return activations


def _style_of(activations: dict[str, object], config: TransferConfig) -> StyleTarget:
    grams, positions = {}, {}
    for layer in config.style_layers:
        features = feature_matrix(activations[layer])
        positions[layer] = int(features.shape[0])
        grams[layer] = _numpy(gram_matrix(features)) / positions[layer]
    return StyleTarget(grams, positions)


def _numpy(tensor: object) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor), dtype=np.float32)
