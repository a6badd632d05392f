"""What the losses keep of a picture, computed once: content features, Gram matrices, or what else they ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from nstcore.backend import compiled_forward
from nstcore.keras_settings.numerics import own_numerics
from nstcore.losses import Loss, Tensor, feature_matrix
from nstcore.networks.extractor import feature_network
from nstcore.recipe import Recipe
from nstcore.scene import Scene

#: What a picture is to a scene.
Role = Literal["content", "style"]
#: (loss, layer) -> named arrays of one picture.
Kept = dict[tuple[str, str], dict[str, np.ndarray]]

# Beside a content loss's own arrays: its value where every feature is at its mean, and where there are none.
SPREAD, EMPTY = "value at the mean", "value at nothing"


@dataclass(frozen=True, eq=False)
class Targets:
    """What is kept of one picture.

    Attributes:
        kept: for each loss and layer what `Loss.target` gave, without the axis of the batch. Of a content picture also
            what the losses of the style see in it, which they are balanced by.
    """

    kept: Kept

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Arrays by "loss/layer/name", as `numpy.savez` takes them."""
        return {
            f"{loss}/{layer}/{name}": array
            for (loss, layer), arrays in self.kept.items()
            for name, array in arrays.items()
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Targets:
        """Read what `to_arrays` gave."""
        kept: Kept = {}
        for path, array in arrays.items():
            loss, _, rest = path.partition("/")
            layer, _, name = rest.rpartition("/")
            kept.setdefault((loss, layer), {})[name] = array
        return cls(kept)


@dataclass(frozen=True, eq=False)
class SceneTargets:
    """What is kept of the pictures of a scene.

    Attributes:
        content: of the content picture.
        styles: of each style picture.
    """

    content: Targets
    styles: tuple[Targets, ...]


def scene_targets(scene: Scene, recipe: Recipe) -> SceneTargets:
    """Look at all pictures of a scene."""
    return SceneTargets(
        compute_targets(scene.content, "content", recipe),
        tuple(compute_targets(style.picture, "style", recipe) for style in scene.styles),
    )


@own_numerics()
def compute_targets(picture: np.ndarray, role: Role, recipe: Recipe) -> Targets:
    """Look at a picture in float32, whatever the precision of the optimisation.

    Args:
        picture: uint8 (H, W, 3), RGB.
        role: what it is.
        recipe: the network and the losses.

    Raises:
        ConfigError: for a layer that the backbone does not have.
        WeightsError: if the weights cannot be had.
    """
    losses = tuple((name, loss) for name, loss in recipe.losses if loss.is_kept(role))
    layers = tuple(dict.fromkeys(layer for _, loss in losses for layer in loss.layers))
    if not layers:
        return Targets({})
    extractor = feature_network(replace(recipe.network, precision="float32"), layers)
    look = _looking(
        extractor, tuple((name, loss.structure("graph", "target")) for name, loss in losses), *picture.shape[:2]
    )
    seen = look(picture[np.newaxis].astype(np.float32))
    return Targets(
        {
            (name, layer): {array: _numpy(value)[0] for array, value in seen[name][layer].items()}
            for name, loss in losses
            for layer in loss.layers
        }
    )


# By size too, of which nothing else here depends: the bound then holds for what a backend compiles for each.
@lru_cache(maxsize=8)
def _looking(
    extractor: keras.Model, losses: tuple[tuple[str, Loss], ...], height: int, width: int
) -> Callable[..., Any]:
    def outputs(activations: dict[str, Tensor]) -> dict[str, dict[str, dict[str, Tensor]]]:
        return {
            name: {layer: _seen(loss, feature_matrix(activations[layer])) for layer in loss.layers}
            for name, loss in losses
        }

    return compiled_forward(extractor, outputs)


def _seen(loss: Loss, features: Tensor) -> dict[str, Tensor]:
    target = loss.target(features)
    for name in target:
        if "/" in name or name in (SPREAD, EMPTY):
            raise ValueError(f"{type(loss).__name__}.target gives an array named {name!r}; choose another name")
    if loss.reads == "style":
        return target
    flat = ops.broadcast_to(ops.mean(features, axis=1, keepdims=True), features.shape)
    return {**target, SPREAD: loss.value(flat, target), EMPTY: loss.value(ops.zeros_like(features), target)}


@own_numerics()
def values_at(
    picture: np.ndarray, loss: Loss, constants: Mapping[str, Mapping[str, np.ndarray]], recipe: Recipe
) -> dict[str, tuple[float, float]]:
    """What a loss is at a picture, layer by layer, and what it is there without any features.

    Args:
        picture: uint8 (H, W, 3), RGB.
        loss: one that reads layers.
        constants: by layer, what `Loss.constants` gave for one reference picture.
        recipe: the network.
    """
    extractor = feature_network(replace(recipe.network, precision="float32"), loss.layers)
    batched = {layer: {name: array[np.newaxis] for name, array in constants[layer].items()} for layer in loss.layers}
    evaluate = _evaluating(extractor, loss.structure("graph"), *picture.shape[:2])
    values = evaluate(picture[np.newaxis].astype(np.float32), batched)
    return {layer: (float(_numpy(value)[0]), float(_numpy(empty)[0])) for layer, (value, empty) in values.items()}


@lru_cache(maxsize=8)
def _evaluating(extractor: keras.Model, loss: Loss, height: int, width: int) -> Callable[..., Any]:
    def outputs(activations: dict[str, Tensor], constants: dict[str, dict[str, Tensor]]) -> dict[str, Any]:
        features = {layer: feature_matrix(activations[layer]) for layer in loss.layers}
        return {
            layer: (
                loss.value(features[layer], constants[layer]),
                loss.value(ops.zeros_like(features[layer]), constants[layer]),
            )
            for layer in loss.layers
        }

    return compiled_forward(extractor, outputs)


@own_numerics()
def structures(picture: np.ndarray, loss: Loss, recipe: Recipe) -> dict[str, float]:
    """How far a picture is from a flat one of its mean color, as a content loss sees it: by layer, per position."""
    extractor = feature_network(replace(recipe.network, precision="float32"), loss.layers)
    flat = np.broadcast_to(picture.mean(axis=(0, 1)), picture.shape)
    seen, seen_flat = (
        extractor(ops.convert_to_tensor(one[np.newaxis].astype(np.float32)), training=False) for one in (picture, flat)
    )
    found = {}
    for layer in loss.layers:
        features = feature_matrix(seen[layer])
        value = loss.value(feature_matrix(seen_flat[layer]), loss.target(features))
        found[layer] = float(_numpy(value)[0]) / features.shape[1]
    return found


def _numpy(tensor: object) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(tensor), dtype=np.float32)
