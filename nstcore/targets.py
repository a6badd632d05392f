"""What the losses keep of a picture, computed once: content features, Gram matrices, or what else they ask for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import keras
import numpy as np
from keras import ops

from nstcore.backend import compiled_forward
from nstcore.keras_settings.numerics import own_numerics
from nstcore.losses import Loss, Tensor, View, features_read, view_name
from nstcore.memory import require_memory_to_look
from nstcore.networks.extractor import activation_shapes, feature_network
from nstcore.networks.network import Network
from nstcore.pictures.region_map import RegionMap
from nstcore.pictures.views import view
from nstcore.recipe import Recipe
from nstcore.scene import Scene
from nstcore.system.kept import droppable

#: What a picture is to a scene: its content, one of its styles, or a region of its content that takes a style.
Role = Literal["content", "style", "region"]
#: (loss, reading) -> named arrays of one picture.
Kept = dict[tuple[str, str], dict[str, np.ndarray]]

# Beside a content loss's own arrays: its value where every feature is at its mean, and where there are none.
SPREAD, EMPTY = "value at the mean", "value at nothing"


@dataclass(frozen=True, eq=False)
class Targets:
    """What is kept of one picture.

    Attributes:
        kept: for each loss and reading what `Loss.target` gave, without the axis of the batch. Of a content picture
            also what the losses of the style see in it, which they are balanced by; of a style picture also what is
            seen in turned or resized copies of it, see `Loss.views`.
    """

    kept: Kept

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Arrays by "loss/reading/name", as `numpy.savez` takes them."""
        return {
            f"{loss}/{reading}/{name}": array
            for (loss, reading), arrays in self.kept.items()
            for name, array in arrays.items()
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Targets:
        """Read what `to_arrays` gave."""
        kept: Kept = {}
        for path, array in arrays.items():
            loss, _, rest = path.partition("/")
            reading, _, name = rest.rpartition("/")
            kept.setdefault((loss, reading), {})[name] = array
        return cls(kept)


@dataclass(frozen=True, eq=False)
class SceneTargets:
    """What is kept of the pictures of a scene.

    Attributes:
        content: of the content picture.
        styles: of the style picture of each pairing, as far as its region goes.
        regions: what the losses of the style see in the region of the content of each pairing, which they are balanced
            by; () where there are no regions.
    """

    content: Targets
    styles: tuple[Targets, ...]
    regions: tuple[Targets, ...] = ()


def scene_targets(scene: Scene, recipe: Recipe, content: Targets | None = None) -> SceneTargets:
    """Look at all pictures of a scene.

    Args:
        content: what was kept of the content picture before; None looks at it now.
    """
    styles, regions = [], []
    for pairing in scene.pairings:
        style = scene.styles[pairing.style]
        styles.append(compute_targets(style.picture, "style", recipe, Region.of(style.regions, pairing.style_region)))
        if scene.has_regions:
            region = Region.of(scene.regions, pairing.content_region)
            regions.append(compute_targets(scene.content, "region", recipe, region))
    content = content or compute_targets(scene.content, "content", recipe)
    return SceneTargets(content, tuple(styles), tuple(regions))


class Region(NamedTuple):
    """A region of a picture."""

    map: RegionMap
    color: str

    @classmethod
    def of(cls, regions: RegionMap | None, color: str) -> Region | None:
        """The region of a color; None for "", the whole picture."""
        return cls(regions, color) if regions is not None and color else None

    def guides(self, network: Network, layers: Iterable[str], height: int, width: int) -> dict[str, np.ndarray]:
        """T at each layer, (1, M), for the whole picture at a height and width, pixels."""
        shapes = {layer.name: shape for layer, shape in activation_shapes(network, tuple(layers), height, width)}
        return {layer: self.map.guide(self.color, *shapes[layer][1:3])[np.newaxis] for layer in layers}


@own_numerics()
def compute_targets(picture: np.ndarray, role: Role, recipe: Recipe, region: Region | None = None) -> Targets:
    """Look at a picture in float32, whatever the precision of the optimisation.

    Args:
        picture: uint8 (H, W, 3), RGB; or float32, nominally 0 to 255.
        role: what it is.
        recipe: the network and the losses.
        region: the part of it that counts; None is all.

    Raises:
        ConfigError: for a layer that the backbone does not have, or one that is too small for the padding.
        WeightsError: if the weights cannot be had.
        MemoryShortageError: for a picture larger than those that are optimised, if there is not the memory for it.
    """
    losses = tuple((name, loss) for name, loss in recipe.losses if loss.is_kept(role))
    kept = look(picture, losses, recipe, region)
    if role == "style":
        for one, places in _copies(losses).items():
            seeing = tuple((name, loss) for name, loss in losses if name in places)
            for (name, reading), arrays in look(view(picture, *one), seeing, recipe, region).items():
                kept[name, reading] |= {view_name(array, places[name]): value for array, value in arrays.items()}
    return Targets(kept)


def _copies(losses: tuple[tuple[str, Loss], ...]) -> dict[View, dict[str, int]]:
    """The copies of a style picture that losses look at besides itself, and by loss which of its views each is."""
    copies: dict[View, dict[str, int]] = {}
    for name, loss in losses:
        for place, one in enumerate(loss.views[1:], start=1):
            copies.setdefault(one, {})[name] = place
    return copies


@own_numerics()
def look(
    picture: np.ndarray, losses: tuple[tuple[str, Loss], ...], recipe: Recipe, region: Region | None = None
) -> Kept:
    """What these losses of a recipe keep of a picture; `compute_targets` without the copies of a style picture."""
    if max(picture.shape) > recipe.size:
        require_memory_to_look(recipe, *picture.shape[:2])
    kept: Kept = {}
    # All layers that any loss reads, so that one extractor looks at every picture.
    for network, layers in recipe.layers.items():
        through = tuple((name, loss) for name, loss in losses if recipe.network_of(loss) == network)
        if not through:
            continue
        kept |= _looked_at(picture, replace(network, precision="float32"), layers, through, region)
    return kept


def _looked_at(
    picture: np.ndarray,
    network: Network,
    layers: tuple[str, ...],
    losses: tuple[tuple[str, Loss], ...],
    region: Region | None,
) -> Kept:
    if network.padding == "reflect":
        activation_shapes(network, layers, *picture.shape[:2])  # says where there is too little to be mirrored
    structures = tuple((name, loss.structure("graph", "target")) for name, loss in losses)
    guides = region.guides(network, layers, *picture.shape[:2]) if region else {}
    looking = _looking(feature_network(network, layers), structures, *picture.shape[:2])
    seen = looking(picture[np.newaxis].astype(np.float32), guides)
    return {
        (name, reading): {array: _numpy(value)[0] for array, value in arrays.items()}
        for name, readings in seen.items()
        for reading, arrays in readings.items()
    }


# By size too, of which nothing else here depends: the bound then holds for what a backend compiles for each.
@droppable
@lru_cache(maxsize=8)
def _looking(
    extractor: keras.Model, losses: tuple[tuple[str, Loss], ...], height: int, width: int
) -> Callable[..., Any]:
    def outputs(activations: dict[str, Tensor], guides: dict[str, Tensor]) -> dict[str, dict[str, dict[str, Tensor]]]:
        return {
            name: {
                reading: _seen(loss, features, guides.get(loss.last_layer(reading)))
                for reading, features in features_read(loss, activations).items()
            }
            for name, loss in losses
        }

    return compiled_forward(extractor, outputs)


def _seen(loss: Loss, features: Any, guide: Tensor | None) -> dict[str, Tensor]:
    target = loss.target(features, guide)
    for name in target:
        if {"/", "@"} & set(name) or name in (SPREAD, EMPTY):
            raise ValueError(f"{type(loss).__name__}.target gives an array named {name!r}; choose another name")
    if loss.reads == "style":
        return target
    flat = keras.tree.map_structure(_at_its_mean, features)
    return {**target, SPREAD: loss.value(flat, target), EMPTY: loss.value(_nothing(features), target)}


def _at_its_mean(features: Tensor) -> Tensor:
    """(B, …, N), the mean of each channel everywhere."""
    positions = tuple(range(1, len(features.shape) - 1))
    return ops.broadcast_to(ops.mean(features, axis=positions, keepdims=True), features.shape)


def _nothing(features: Any) -> Any:
    return keras.tree.map_structure(ops.zeros_like, features)


@own_numerics()
def values_at(
    picture: np.ndarray,
    loss: Loss,
    constants: Mapping[str, Mapping[str, np.ndarray]],
    recipe: Recipe,
    region: Region | None = None,
) -> dict[str, tuple[float, float]]:
    """What a loss is at a picture, reading by reading, and what it is there without any features.

    Args:
        picture: uint8 (H, W, 3), RGB.
        loss: one that reads layers.
        constants: by reading, what `Loss.constants` gave for one reference picture.
        recipe: the network.
        region: the part of the picture that counts; None is all.
    """
    network = replace(recipe.network_of(loss), precision="float32")
    extractor = feature_network(network, loss.layers)
    guides = region.guides(network, loss.layers, *picture.shape[:2]) if region else {}
    batched = {
        reading: {name: array[np.newaxis] for name, array in arrays.items()} for reading, arrays in constants.items()
    }
    evaluate = _evaluating(extractor, loss.structure("graph"), *picture.shape[:2])
    values = evaluate(picture[np.newaxis].astype(np.float32), batched, guides)
    return {reading: (float(_numpy(value)[0]), float(_numpy(empty)[0])) for reading, (value, empty) in values.items()}


@droppable
@lru_cache(maxsize=8)
def _evaluating(extractor: keras.Model, loss: Loss, height: int, width: int) -> Callable[..., Any]:
    def outputs(
        activations: dict[str, Tensor], constants: dict[str, dict[str, Tensor]], guides: dict[str, Tensor]
    ) -> dict[str, Any]:
        return {
            reading: tuple(
                loss.value(each, constants[reading], guides.get(loss.last_layer(reading)))
                for each in (features, _nothing(features))
            )
            for reading, features in features_read(loss, activations).items()
        }

    return compiled_forward(extractor, outputs)


@own_numerics()
def structures(picture: np.ndarray, loss: Loss, recipe: Recipe) -> dict[str, float]:
    """How far a picture is from a flat one of its mean color, as a content loss sees it: by reading, per position."""
    extractor = feature_network(replace(recipe.network_of(loss), precision="float32"), loss.layers)
    flat = np.broadcast_to(picture.mean(axis=(0, 1)), picture.shape)
    seen, seen_flat = (
        features_read(loss, extractor(ops.convert_to_tensor(one[np.newaxis].astype(np.float32)), training=False))
        for one in (picture, flat)
    )
    found = {}
    for reading, features in seen.items():
        value = loss.value(seen_flat[reading], loss.target(features))
        found[reading] = float(_numpy(value)[0]) / math.prod(keras.tree.flatten(features)[-1].shape[1:-1])
    return found


def _numpy(tensor: object) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(tensor), dtype=np.float32)
