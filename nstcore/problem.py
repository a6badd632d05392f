"""The assembly: scenes, losses and a network become one compiled problem over B pictures.

The total loss is a symbolic graph. Targets, coefficients and weights are inputs of it, not constants in it, so that one
compiled function serves every pair of pictures of a size, every style normalisation and every weighting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from nstcore import backend
from nstcore.config import TransferConfig
from nstcore.errors import ConfigError
from nstcore.losses import Layer, Loss, Tensor, feature_matrix
from nstcore.networks.extractor import feature_network
from nstcore.networks.network import Network
from nstcore.numerics import own_numerics
from nstcore.optimizers.evaluation import evaluation
from nstcore.optimizers.protocol import LossFunction
from nstcore.recipe import Recipe, resolve
from nstcore.scene import Scene
from nstcore.targets import SPREAD, Targets, compute_targets, structures, values_at

#: The terms that every problem has, in the order of the trace's columns; each further loss has one of its own name.
TERMS = ("total", "content", "style", "total_variation")
# These three are told by the columns above.
_FLAT_LOSSES = ("content", "gram", "total_variation")

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


class Evaluation(NamedTuple):
    """Of B pictures, tensors of the backend.

    Attributes:
        values: the total losses, (B,).
        terms: name -> values (B,), the terms before their weights, and the total.
        gradient: (B, H, W, 3), picture by picture that of its own total.
    """

    values: Tensor
    terms: dict[str, Tensor]
    gradient: Tensor


@dataclass(frozen=True, eq=False)
class SceneTargets:
    """What is kept of the pictures of a scene.

    Attributes:
        content: of the content picture.
        styles: of each style picture.
    """

    content: Targets
    styles: tuple[Targets, ...]


class Problem:
    """The total loss of B scenes of one size.

    Attributes:
        shape: (B, H, W, 3), of the pictures, RGB, nominally 0..255.
        terms: names of the terms, see `TERMS`.
        function: (pictures, `arguments`) -> (totals (B,), terms (B, T)), tensors; it can be traced and differentiated,
            and is one object for all problems of a structure.
        arguments: targets, coefficients and weights, on the device.
        variable: "pixels": the pictures themselves are what is optimised.
    """

    variable = "pixels"

    def __init__(self, structure: Structure, inputs: dict[str, Any]) -> None:
        """Compile a structure, or take what was compiled before, and put its inputs on the device."""
        self._structure = structure
        self._inputs = inputs
        graph = _compiled_graph(structure)
        self.shape = (structure.batch, structure.height, structure.width, 3)
        self.terms = structure.terms
        self.function = graph.function
        self._weights = graph.weights

    @property
    def arguments(self) -> Any:
        return self._inputs, self._weights

    @own_numerics()
    def evaluate(self, x: np.ndarray | Tensor) -> Evaluation:
        """Compute losses and gradients at pictures (B, H, W, 3)."""
        gradient, scalars = evaluation(self.function)(backend.on_device(x), self.arguments)
        terms = {name: scalars[:, 1 + place] for place, name in enumerate(self.terms)}
        return Evaluation(terms["total"], terms, gradient)

    def refined(self) -> Problem | None:
        """The loss itself, if this is an approximation of it in bfloat16; None if it is not."""
        if self._structure.network.precision == "float32":
            return None
        return Problem(
            replace(self._structure, network=replace(self._structure.network, precision="float32")), self._inputs
        )

    def pictures(self, z: Tensor) -> Tensor:
        return z

    def calibrate(self, slopes: np.ndarray) -> None:
        pass

    def state_dict(self) -> dict[str, np.ndarray]:
        return {}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        pass


@own_numerics()
def build_problem(
    scenes: Sequence[Scene], config: TransferConfig | Recipe, targets: Sequence[SceneTargets] = ()
) -> Problem:
    """Assemble the problem of scenes whose content pictures have one size.

    Args:
        scenes: with pictures of the size that is wanted, and one number of styles.
        config: the settings of all.
        targets: what was kept of their pictures before; () looks at them now.

    Raises:
        ConfigError: for content pictures of different sizes, different numbers of styles, or an unknown layer.
        WeightsError: if the backbone's weights cannot be had.
    """
    recipe = resolve(config)
    sizes = {scene.content.shape[:2] for scene in scenes}
    if len(sizes) != 1:
        raise ConfigError(f"content pictures must have one size. Received: (height, width) of {sorted(sizes)}")
    if len({len(scene.styles) for scene in scenes}) != 1:
        raise ConfigError(
            "scenes must have one number of styles. "
            f"Received: {', '.join(str(len(scene.styles)) for scene in scenes)} styles"
        )
    targets = targets or [scene_targets(scene, recipe) for scene in scenes]
    ((height, width),) = sizes
    inputs = [_inputs(scene, kept, recipe) for scene, kept in zip(scenes, targets, strict=True)]
    stacked = keras.tree.map_structure(lambda *leaves: np.stack(leaves), *inputs)
    structure = Structure(
        network=recipe.network,
        losses=tuple((name, loss.structure("graph")) for name, loss in recipe.losses),
        constants=_shapes(inputs[0]["constants"]),
        styles=len(scenes[0].styles),
        height=height,
        width=width,
        batch=len(scenes),
    )
    return Problem(structure, backend.on_device(stacked))


def scene_targets(scene: Scene, recipe: Recipe) -> SceneTargets:
    """Look at all pictures of a scene."""
    return SceneTargets(
        compute_targets(scene.content, "content", recipe),
        tuple(compute_targets(style.picture, "style", recipe) for style in scene.styles),
    )


@dataclass(frozen=True)
class Structure:
    """What shapes the graph: problems that agree in it share a compiled function.

    Attributes:
        losses: name -> loss, its settings that are inputs at their defaults.
        constants: shapes of the arrays of each loss, see `_shapes`.
        styles: how many there are.
    """

    network: Network
    losses: tuple[tuple[str, Loss], ...]
    constants: tuple[tuple[str, tuple[int, ...]], ...]
    styles: int
    height: int
    width: int
    batch: int

    @property
    def terms(self) -> tuple[str, ...]:
        return (*TERMS, *(name for name, _ in self.losses if name not in _FLAT_LOSSES))


def _inputs(scene: Scene, kept: SceneTargets, recipe: Recipe) -> dict[str, Any]:
    """Everything that the graph takes besides the picture, for one scene; float32."""
    layers = _layers(scene, recipe)
    shares = np.array(scene.weights) / sum(scene.weights)
    constants: dict[str, np.ndarray] = {}
    coefficients: dict[str, np.ndarray] = {}
    for name, loss in recipe.losses:
        coefficients[name] = np.ones((len(scene.styles) if loss.reads == "style" else 1, max(1, len(loss.layers))))
        if loss.reads == "picture":
            continue
        for style, targets in enumerate(kept.styles if loss.reads == "style" else (kept.content,)):
            arrays = {layer: targets.kept[name, layer] for layer in loss.layers}
            compared = {
                layer: {
                    array: value
                    for array, value in loss.constants(arrays[layer], layers[layer]).items()
                    if array != SPREAD
                }
                for layer in loss.layers
            }
            factors = [loss.coefficient(layers[layer]) for layer in loss.layers]
            if None in factors:
                references = _references(name, loss, arrays, compared, kept.content, scene, recipe)
                factors = [
                    1.0 / references[layer] if factor is None else factor
                    for layer, factor in zip(loss.layers, factors, strict=True)
                ]
            share = shares[style] if loss.reads == "style" else 1.0
            coefficients[name][style] = share * np.array(loss.layer_weights) * np.array(factors)
            constants |= {
                f"{name}/{style}/{layer}/{array}": value
                for layer in loss.layers
                for array, value in compared[layer].items()
            }
    weights = (recipe.content_weight, recipe.style_weight, *(loss.weight for _, loss in recipe.losses))
    with np.errstate(over="ignore"):  # beyond float32 the loss becomes infinite, and the optimisers say so
        inputs: dict[str, Any] = keras.tree.map_structure(
            lambda array: np.asarray(array, np.float32),
            {"constants": constants, "coefficients": coefficients, "weights": np.array(weights)},
        )
    return inputs


def _layers(scene: Scene, recipe: Recipe) -> dict[str, Layer]:
    """What is known of each layer that a loss reads, for the picture that is optimised."""
    height, width = scene.content.shape[:2]
    shapes = _activation_shapes(recipe.network, recipe.layers, height, width)
    return {
        name: Layer(positions=shape[1] * shape[2], channels=shape[3], pixels=height * width)
        for name, shape in shapes.items()
    }


@lru_cache(maxsize=32)
def _activation_shapes(
    network: Network, layers: tuple[str, ...], height: int, width: int
) -> dict[str, tuple[int, int, int, int]]:
    if not layers:
        return {}
    picture = keras.KerasTensor((1, height, width, 3))
    activations = feature_network(network, layers)(picture)
    return {name: activations[name].shape for name in layers}


def _references(
    name: str,
    loss: Loss,
    arrays: Mapping[str, Mapping[str, np.ndarray]],
    constants: Mapping[str, Mapping[str, np.ndarray]],
    content: Targets,
    scene: Scene,
    recipe: Recipe,
) -> dict[str, float]:
    """What a balanced loss is divided by at each layer, > 0.

    A style loss by its value at the content picture, or by a share of what it is without any features, where that is
    more; a content loss by its value where every feature is at its mean, or by what `_least_structure` gives.

    Args:
        arrays, constants: by layer, what is kept of the reference picture, and what `Loss.constants` made of it.
        content: what is kept of the content picture.
    """
    if loss.reads == "content":
        least = _least_structure(loss, scene, recipe)
        return {layer: max(float(arrays[layer][SPREAD]), least.get(layer, 0.0), _TINY) for layer in loss.layers}
    if loss.compares_targets:
        seen = {layer: content.kept[name, layer] for layer in loss.layers}
        nothing = {layer: {array: np.zeros_like(value) for array, value in seen[layer].items()} for layer in seen}
        pairs = {
            layer: (_between(loss, seen[layer], arrays[layer]), _between(loss, nothing[layer], arrays[layer]))
            for layer in loss.layers
        }
    else:
        pairs = values_at(scene.content, loss, constants, recipe)
    return {layer: max(value, _LEAST_REFERENCE * empty, _TINY) for layer, (value, empty) in pairs.items()}


def _least_structure(loss: Loss, scene: Scene, recipe: Recipe) -> dict[str, float]:
    """What a content picture that is next to flat is weighed as if it had, by layer; the more, the flatter it is."""
    if scene.content.std(axis=(0, 1)).max() > _LIVELY:
        return {}
    content = structures(scene.content, loss, recipe)
    styles = [structures(style.picture, loss, recipe) for style in scene.styles]
    layers = _layers(scene, recipe)
    least = {}
    for layer in loss.layers:
        of_styles = float(np.average([found[layer] for found in styles], weights=scene.weights))
        flatness = max(0.0, 1.0 - content[layer] / max(_FLAT * of_styles, _TINY))
        least[layer] = flatness * _STRUCTURE_OF_FLAT * of_styles * layers[layer].positions
    return least


def _between(loss: Loss, seen: Mapping[str, np.ndarray], target: Mapping[str, np.ndarray]) -> float:
    value = loss.between(seen, target)
    assert value is not None, f"{type(loss).__name__} compares targets"
    return value


def _shapes(constants: Mapping[str, np.ndarray]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return tuple((path, array.shape) for path, array in constants.items())


class _Graph(NamedTuple):
    function: LossFunction
    weights: Any


# The bound keeps a long grid of many sizes from collecting workspaces.
@lru_cache(maxsize=8)
def _compiled_graph(structure: Structure) -> _Graph:
    graph, weights = backend.callable_graph(build_loss_graph(structure))

    def function(pictures: Tensor, arguments: Any) -> tuple[Tensor, Tensor]:
        inputs, weights = arguments
        terms = graph({"picture": pictures, **inputs}, weights)["terms"]
        return terms[:, 0], terms

    return _Graph(function, weights)


def build_loss_graph(structure: Structure) -> keras.Model:
    """Build the graph of a structure.

    Its inputs are named
        picture: (B, height, width, 3), RGB, 0..255;
        constants: by "loss/style/layer/array", what the losses compare with;
        coefficients: by loss, (B, styles, layers), the factor of each of its values;
        weights: (B, 2 + losses), of the content's sum, the style's sum, and each loss within its sum.

    Its output `terms` is (B, T), the columns as in `Structure.terms`. Nothing connects the pictures: the gradient of
    the sum of their totals is, picture by picture, that of its own total.
    """
    batch = structure.batch
    picture = keras.Input(batch_shape=(batch, structure.height, structure.width, 3), name="picture")
    layers = tuple(dict.fromkeys(layer for _, loss in structure.losses for layer in loss.layers))
    activations = feature_network(structure.network, layers)(picture) if layers else {}
    features = {layer: feature_matrix(activations[layer]) for layer in layers}
    inputs: dict[str, Any] = {
        "picture": picture,
        "constants": {path: keras.Input(batch_shape=(batch, *shape)) for path, shape in structure.constants},
        "coefficients": {},
        "weights": keras.Input(batch_shape=(batch, 2 + len(structure.losses)), name="weights"),
    }
    sums: dict[str, list[Tensor]] = {"content": [], "style": [], "picture": []}
    alone: dict[str, Tensor] = {}
    for place, (name, loss) in enumerate(structure.losses):
        columns = structure.styles if loss.reads == "style" else 1
        coefficient = keras.Input(batch_shape=(batch, columns, max(1, len(loss.layers))))
        inputs["coefficients"][name] = coefficient
        values = [
            loss.value(features[layer], _constants(inputs["constants"], name, style, layer))
            for style in range(columns)
            for layer in loss.layers
        ] or [loss.value(picture, {})]
        value = ops.sum(ops.reshape(coefficient, (batch, -1)) * ops.stack(values, axis=-1), axis=-1)
        sums[loss.reads].append(inputs["weights"][:, 2 + place] * value)
        alone[name] = value
    none = ops.zeros_like(inputs["weights"][:, 0])
    content, style = (_total(sums[name]) if sums[name] else none for name in ("content", "style"))
    total = _total([inputs["weights"][:, 0] * content, inputs["weights"][:, 1] * style, *sums["picture"]])
    variation = alone.get("total_variation", none)
    further = [alone[name] for name in structure.terms[len(TERMS) :]]
    terms = ops.stack([total, content, style, variation, *further], axis=-1)
    return keras.Model(inputs, {"terms": terms}, name=f"{structure.network.backbone}_loss")


def _constants(inputs: Mapping[str, Tensor], name: str, style: int, layer: str) -> dict[str, Tensor]:
    prefix = f"{name}/{style}/{layer}/"
    return {path.removeprefix(prefix): array for path, array in inputs.items() if path.startswith(prefix)}


def _total(values: list[Tensor]) -> Tensor:
    return ops.sum(ops.stack(values, axis=-1), axis=-1) if len(values) > 1 else values[0]
