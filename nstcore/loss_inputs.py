"""The numbers that the loss graph is fed with: what the losses compare with, and how they are balanced."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import keras
import numpy as np

from nstcore.loss_graph import guide_name
from nstcore.losses import Layer, Loss, reading_name
from nstcore.networks.extractor import activation_shapes
from nstcore.recipe import Recipe
from nstcore.scene import Scene, Style
from nstcore.system.kept import droppable
from nstcore.targets import EMPTY, SPREAD, Kept, Region, SceneTargets, look, structures, values_at

# A reference below this share of what a loss is without any features means that the content picture already has what is
# wanted (it may be the style picture itself): dividing by it would turn rounding errors into a loss.
_LEAST_REFERENCE = 1e-6
# A content picture with less structure than this share of the style picture's is next to flat. Measured with VGG19, 64
# to 512 px: pictures of one color have 0, gray with noise of one level 0.001 of that of "The Starry Night"; the least
# of 15 photographs, a blurred one, has 0.03 of that, and 0.004 of that of harsh stripes.
_FLAT = 0.003
# A flat one is weighed as if it had this share. Its own features are those of the frame of padding, and what any style
# adds to them costs so much that the picture stays what it is: with VGG19, 64 px and the default weights the style lost
# nothing at 0.015, half or more at 0.05, and 0.8 and more at 0.2, about what photographs have.
_STRUCTURE_OF_FLAT = 0.2
# Pictures whose values deviate by more than this are far from flat, and need not be looked at for it, grey levels.
_LIVELY = 32.0
# And nothing is divided by 0: a black picture has no energy at all.
_TINY = float(np.finfo(np.float32).tiny)


def loss_inputs(scene: Scene, kept: SceneTargets, recipe: Recipe, guided: bool = False) -> dict[str, Any]:
    """Everything that `nstcore.loss_graph.build_loss_graph` takes besides the picture, for one scene; float32.

    Args:
        scene: with pictures of the size of the recipe.
        kept: what was kept of them with the same settings.
        recipe: the network and the losses.
        guided: whether the graph takes guides; a scene without regions has some that change nothing.
    """
    constants: dict[str, np.ndarray] = {}
    coefficients: dict[str, np.ndarray] = {}
    for name, loss in recipe.losses:
        references = {"content": (kept.content,), "style": kept.styles, "picture": ()}[loss.reads]
        shares = [pairing.share for pairing in scene.pairings] if loss.reads == "style" else [1.0]
        coefficients[name] = np.ones((len(shares), max(1, len(loss.readings))))
        layers = _layers(loss, scene, recipe)
        for place, targets in enumerate(references):
            last = {reading_name(reading): layers[reading[-1]] for reading in loss.readings}
            arrays = {reading: targets.kept[name, reading] for reading in last}
            if loss.matches_content:
                seen = _matched_for(name, loss, scene, kept, recipe)
                arrays = {one: loss.matched(array, seen[name, one]) for one, array in arrays.items()}
            compared = {reading: _compared(loss, arrays[reading], layer) for reading, layer in last.items()}
            given = {reading: loss.coefficient(layer) for reading, layer in last.items()}
            factors = {reading: factor for reading, factor in given.items() if factor is not None}
            if len(factors) < len(given):
                divisors = _references(name, loss, arrays, compared, kept, place, scene, recipe)
                factors = {reading: 1.0 / divisors[reading] for reading in last} | factors
            weighted = [weight * factors[reading] for reading, weight in zip(last, loss.layer_weights, strict=True)]
            coefficients[name][place] = shares[place] * np.array(weighted)
            for reading in last:
                constants |= {f"{name}/{place}/{reading}/{array}": value for array, value in compared[reading].items()}
    weights = (recipe.content_weight, recipe.style_weight, *(loss.weight for _, loss in recipe.losses))
    with np.errstate(over="ignore"):  # beyond float32 the loss becomes infinite, and the optimisers say so
        inputs: dict[str, Any] = keras.tree.map_structure(
            lambda array: np.asarray(array, np.float32),
            {
                "constants": constants,
                "coefficients": {name: factors.ravel() for name, factors in coefficients.items()},
                "weights": np.array(weights),
            },
        )
    return {**inputs, "guides": _guides(scene, recipe)} if guided else inputs


def _guides(scene: Scene, recipe: Recipe) -> dict[str, np.ndarray]:
    """The guides of the optimised picture, by pairing and layer: (M,)."""
    layers, size = recipe.guided_layers, scene.content.shape[:2]
    shapes = {layer.name: shape for layer, shape in activation_shapes(recipe.network, layers, *size)}
    guides = {}
    for place, pairing in enumerate(scene.pairings):
        region = Region.of(scene.regions, pairing.content_region)
        found = region.guides(recipe.network, layers, *size) if region else {}
        for layer in layers:
            ones = np.ones(math.prod(shapes[layer][1:3]), np.float32)
            guides[guide_name(place, layer)] = found[layer][0] if found else ones
    return guides


def _matched_for(name: str, loss: Loss, scene: Scene, kept: SceneTargets, recipe: Recipe) -> Kept:
    """What a loss is shown of the picture that it finds matches for: the content, as far as smaller runs have come."""
    if scene.before is None or loss.progress_matched == 0.0:
        return kept.content.kept
    return look(scene.progressed(loss.progress_matched), ((name, loss),), recipe)


def _compared(loss: Loss, arrays: Mapping[str, np.ndarray], layer: Layer) -> dict[str, np.ndarray]:
    """What a loss compares with at a reading; what is kept for balancing alone is not among it."""
    return {name: value for name, value in loss.constants(arrays, layer).items() if name not in (SPREAD, EMPTY)}


def _layers(loss: Loss, scene: Scene, recipe: Recipe) -> dict[str, Layer]:
    """What is known of each layer that a loss reads, for the picture that is optimised."""
    height, width = scene.content.shape[:2]
    network = recipe.network_of(loss)
    every_layer = activation_shapes(network, recipe.layers.get(network, ()), height, width)
    shapes = {layer.name: shape for layer, shape in every_layer}
    return {
        name: Layer(positions=shapes[name][1] * shapes[name][2], channels=shapes[name][3], pixels=height * width)
        for name in loss.layers
    }


def _references(
    name: str,
    loss: Loss,
    arrays: Mapping[str, Mapping[str, np.ndarray]],
    constants: Mapping[str, Mapping[str, np.ndarray]],
    scene_kept: SceneTargets,
    place: int,
    scene: Scene,
    recipe: Recipe,
) -> dict[str, float]:
    """What a balanced loss is divided by at each reading, > 0.

    A style loss by its value at the content picture, or by a share of what it is without any features, where that is
    more; a content loss by its value where every feature is at its mean (or, where it sees no difference there, where
    there are no features), or by what `_least_structure` gives.

    Args:
        arrays, constants: by reading, what is kept of the reference picture, and what `Loss.constants` made of it.
        scene_kept: what is kept of the pictures of the scene.
        place: of the pairing, for a loss of the style: its value is that in the region of the content.
    """
    if loss.reads == "content":
        least = _least_structure(loss, scene, recipe)
        return {reading: max(_of_content(kept), least.get(reading, 0.0), _TINY) for reading, kept in arrays.items()}
    if loss.compares_targets:
        content = scene_kept.regions[place] if scene_kept.regions else scene_kept.content
        seen = {reading: content.kept[name, reading] for reading in arrays}
        nothing = {
            reading: {array: np.zeros_like(value) for array, value in kept.items()} for reading, kept in seen.items()
        }
        pairs = {
            reading: (_between(loss, seen[reading], kept), _between(loss, nothing[reading], kept))
            for reading, kept in arrays.items()
        }
    else:
        region = Region.of(scene.regions, scene.pairings[place].content_region)
        pairs = values_at(scene.content, loss, constants, recipe, region)
    return {reading: max(value, _LEAST_REFERENCE * empty, _TINY) for reading, (value, empty) in pairs.items()}


def _of_content(arrays: Mapping[str, np.ndarray]) -> float:
    spread, empty = float(arrays[SPREAD]), float(arrays[EMPTY])
    return spread if spread > _LEAST_REFERENCE * empty else empty


def _least_structure(loss: Loss, scene: Scene, recipe: Recipe) -> dict[str, float]:
    """What a content picture that is next to flat is weighed as if it had, by reading; the more, the flatter it is."""
    if scene.content.std(axis=(0, 1)).max() > _LIVELY:
        return {}
    content = structures(scene.content, loss, recipe)
    styles = [_of_style(style, loss, recipe) for style in scene.styles]
    layers = _layers(loss, scene, recipe)
    least = {}
    for reading in loss.readings:
        name = reading_name(reading)
        of_styles = float(np.average([found[name] for found in styles], weights=scene.shares))
        flatness = max(0.0, 1.0 - content[name] / max(_FLAT * of_styles, _TINY))
        least[name] = flatness * _STRUCTURE_OF_FLAT * of_styles * layers[reading[-1]].positions
    return least


# Crops of a photograph that are next to flat come one after the other, with the same styles.
@droppable
@lru_cache(maxsize=8)
def _of_style(style: Style, loss: Loss, recipe: Recipe) -> dict[str, float]:
    return structures(style.picture, loss, recipe)


def _between(loss: Loss, seen: Mapping[str, np.ndarray], target: Mapping[str, np.ndarray]) -> float:
    value = loss.between(seen, target)
    assert value is not None, f"{type(loss).__name__} compares targets"
    return value
