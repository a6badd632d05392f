"""What the optimised picture is compared with, computed once per picture: content features and Gram matrices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import keras
import numpy as np

from nstcore.config import TransferConfig
from nstcore.features import feature_network
from nstcore.gradients import compile_forward
from nstcore.losses import Tensor, content_loss, feature_matrix, gram_matrix
from nstcore.numerics import own_numerics


@dataclass(frozen=True)
class StyleTarget:
    """The style of a picture.

    Attributes:
        grams: per style layer the Gram matrix divided by its number of positions, G / M, float32 (N, N).
        positions: per style layer M.
        structures: per content layer ½ Σ (P - P₀)² / M, where P₀ are the features of a flat picture, of the mean color
            of this one: how much structure there is. The frame that padding leaves in features is in both.
    """

    grams: dict[str, np.ndarray]
    positions: dict[str, int]
    structures: dict[str, float]


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
    return _style_of(picture, _look(picture, extractor, config), extractor, config)


def content_target(picture: np.ndarray, extractor: keras.Model, config: TransferConfig) -> ContentTarget:
    """Compute the content target of a uint8 (H, W, 3) picture."""
    seen = _look(picture, extractor, config)
    features = {layer: _numpy(seen["features"][layer]) for layer in config.content_layers}
    return ContentTarget(features, _style_of(picture, seen, extractor, config))


def _look(picture: np.ndarray, extractor: keras.Model, config: TransferConfig) -> dict[str, Any]:
    """Features, Gram matrices and positions, each a dict by layer, on the device still."""
    look = _compiled(extractor, config.content_layers, config.style_layers, *picture.shape[:2])
    seen: dict[str, Any] = look(picture[np.newaxis].astype(np.float32))
    return seen


# By size too, of which nothing else here depends: the bound then holds for what a backend compiles for each.
@lru_cache(maxsize=8)
def _compiled(
    extractor: keras.Model,
    content_layers: tuple[str, ...],
    style_layers: tuple[str, ...],
    height: int,
    width: int,
) -> Callable[[np.ndarray], dict[str, Any]]:
    def outputs(activations: dict[str, Tensor]) -> dict[str, Any]:
        style = {layer: feature_matrix(activations[layer]) for layer in style_layers}
        return {
            "features": {layer: feature_matrix(activations[layer]) for layer in content_layers},
            "grams": {layer: gram_matrix(features) for layer, features in style.items()},
            "positions": {layer: features.shape[0] for layer, features in style.items()},
        }

    return compile_forward(extractor, outputs)


def _style_of(picture: np.ndarray, seen: dict[str, Any], extractor: keras.Model, config: TransferConfig) -> StyleTarget:
    # A compiled function gives numbers back as tensors, and sorts the names of a dict.
    positions = {layer: int(seen["positions"][layer]) for layer in config.style_layers}
    grams = {layer: _numpy(seen["grams"][layer]) / positions[layer] for layer in config.style_layers}
    flat = _look(np.broadcast_to(picture.mean(axis=(0, 1)), picture.shape), extractor, config)
    structures = {
        layer: _structure(seen["features"][layer], flat["features"][layer]) for layer in config.content_layers
    }
    return StyleTarget(grams, positions, structures)


@own_numerics()
def _structure(features: Tensor, flat: Tensor) -> float:
    return float(_numpy(content_loss(features, flat)) / features.shape[0])


def _numpy(tensor: object) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor), dtype=np.float32)
