"""The symbolic total loss of B pictures: pictures, targets, coefficients and weights in, the terms out.

All but the pictures are inputs of the graph too, not constants in it, so that one compiled function serves every pair
of pictures of a size, every style normalisation and every weighting.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import keras
from keras import ops

from nstcore import backend
from nstcore.keras_settings.numerics import own_numerics
from nstcore.losses import Loss, Tensor, features_read, guided_layers
from nstcore.networks.extractor import feature_network
from nstcore.networks.network import Network, layers_by_network
from nstcore.optimizers.protocol import LossFunction
from nstcore.system.kept import droppable

#: The terms that every problem has, in the order of the trace's columns; each further loss has one of its own name.
TERMS = ("total", "content", "style", "total_variation")
# These three are told by the columns above.
_FLAT_LOSSES = ("content", "gram", "total_variation")


@dataclass(frozen=True)
class Structure:
    """What shapes the graph: problems that agree in it share a compiled function.

    Attributes:
        network, content_network: what the losses look through, and those that read the content.
        losses: name -> loss, its settings that are inputs at their defaults.
        constants: shapes of the arrays that losses compare with, by "loss/style/reading/array".
        styles: how many there are; where regions take styles, how many such pairs there are.
        guided: whether the styles are taken by regions.
        silent: the losses that are not computed; their terms are 0.
    """

    network: Network
    content_network: Network
    losses: tuple[tuple[str, Loss], ...]
    constants: tuple[tuple[str, tuple[int, ...]], ...]
    styles: int
    height: int
    width: int
    batch: int
    guided: bool = False
    silent: tuple[str, ...] = ()

    @property
    def computed(self) -> tuple[tuple[str, Loss], ...]:
        """The losses that are not silent."""
        return tuple((name, loss) for name, loss in self.losses if name not in self.silent)

    def takes(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the inputs of all losses that the graph takes."""
        if not self.silent:
            return dict(inputs)
        layers = guided_layers(self.computed)
        wanted: dict[str, Callable[[str], bool]] = {
            "constants": lambda path: path.partition("/")[0] not in self.silent,
            "coefficients": lambda name: name not in self.silent,
            "guides": lambda guide: guide.partition("/")[2] in layers,
        }
        taken = {
            name: {key: value for key, value in of.items() if wanted[name](key)} if name in wanted else of
            for name, of in inputs.items()
        }
        return {name: of for name, of in taken.items() if name != "guides" or of}

    def network_of(self, loss: Loss) -> Network:
        """What a loss looks through."""
        return self.content_network if loss.reads == "content" else self.network

    @property
    def terms(self) -> tuple[str, ...]:
        return (*TERMS, *(name for name, _ in self.losses if name not in _FLAT_LOSSES))


class CompiledLoss(NamedTuple):
    function: LossFunction
    weights: Any


# The bound keeps a long grid of many sizes from collecting workspaces.
@droppable
@lru_cache(maxsize=8)
@own_numerics()
def compiled_loss(structure: Structure) -> CompiledLoss:
    graph, weights = backend.callable_graph(build_loss_graph(structure))

    def function(pictures: Tensor, arguments: Any) -> tuple[Tensor, Tensor]:
        inputs, weights = arguments
        terms = graph({"picture": pictures, **inputs}, weights)["terms"]
        return terms[:, 0], terms

    return CompiledLoss(function, weights)


def build_loss_graph(structure: Structure) -> keras.Model:
    """Build the graph of a structure.

    Its inputs are named
        picture: (B, height, width, 3), RGB, 0..255;
        constants: by "loss/style/reading/array", what the losses compare with;
        coefficients: by loss that is computed, (B, styles x readings), the factor of each of its values;
        weights: (B, 2 + losses), of the content's sum, the style's sum, and each loss within its sum;
        guides: only if the structure is guided, by `guide_name`, (B, M), the weight of each position of a layer in the
            region that takes a style.

    Its output `terms` is (B, T), the columns as in `Structure.terms`. Nothing connects the pictures: the gradient of
    the sum of their totals is, picture by picture, that of its own total.
    """
    batch = structure.batch
    picture = keras.Input(batch_shape=(batch, structure.height, structure.width, 3), name="picture")
    losses = structure.computed
    looks = layers_by_network([(structure.network_of(loss), loss.layers) for _, loss in losses])
    activations = {network: _own(feature_network(network, layers))(picture) for network, layers in looks.items()}
    inputs: dict[str, Any] = {
        "picture": picture,
        "constants": {
            path: keras.Input(batch_shape=(batch, *shape))
            for path, shape in structure.constants
            if path.partition("/")[0] not in structure.silent
        },
        "coefficients": {},
        "weights": keras.Input(batch_shape=(batch, 2 + len(structure.losses)), name="weights"),
    }
    if structure.guided and guided_layers(losses):
        seen = activations[structure.network]
        inputs["guides"] = {
            guide_name(style, layer): keras.Input(batch_shape=(batch, math.prod(seen[layer].shape[1:3])))
            for style in range(structure.styles)
            for layer in guided_layers(losses)
        }
    guides = inputs.get("guides", {})
    sums: dict[str, list[Tensor]] = {"content": [], "style": [], "picture": []}
    alone: dict[str, Tensor] = {}
    for place, (name, loss) in enumerate(structure.losses):
        if name in structure.silent:
            continue
        columns = structure.styles if loss.reads == "style" else 1
        coefficient = keras.Input(batch_shape=(batch, columns * max(1, len(loss.readings))))
        inputs["coefficients"][name] = coefficient
        values = [
            loss.value(
                features,
                _constants(inputs["constants"], name, style, reading),
                guides.get(guide_name(style, loss.last_layer(reading))) if loss.reads == "style" else None,
            )
            for style in range(columns)
            for reading, features in features_read(loss, activations.get(structure.network_of(loss), {})).items()
        ] or [loss.value(picture, {})]
        value = ops.sum(coefficient * ops.stack(values, axis=-1), axis=-1)
        sums[loss.reads].append(inputs["weights"][:, 2 + place] * value)
        alone[name] = value
    none = ops.zeros_like(inputs["weights"][:, 0])
    content, style = (_total(sums[name]) if sums[name] else none for name in ("content", "style"))
    total = _total([inputs["weights"][:, 0] * content, inputs["weights"][:, 1] * style, *sums["picture"]])
    variation = alone.get("total_variation", none)
    further = [alone.get(name, none) for name in structure.terms[len(TERMS) :]]
    terms = ops.stack([total, content, style, variation, *further], axis=-1)
    return keras.Model(inputs, {"terms": terms}, name=f"{structure.network.backbone}_loss")


def _own(extractor: keras.Model) -> keras.Model:
    """The same extractor as a model of the graph's own.

    What is called keeps all that is computed from what it gave, and the extractor outlives many graphs: it would keep
    every one of them.
    """
    return keras.Model(extractor.input, extractor.output)


def guide_name(style: int, layer: str) -> str:
    """What the guide of a style at a layer is kept under."""
    return f"{style}/{layer}"


def _constants(inputs: Mapping[str, Tensor], name: str, style: int, reading: str) -> dict[str, Tensor]:
    prefix = f"{name}/{style}/{reading}/"
    return {path.removeprefix(prefix): array for path, array in inputs.items() if path.startswith(prefix)}


def _total(values: list[Tensor]) -> Tensor:
    return ops.sum(ops.stack(values, axis=-1), axis=-1) if len(values) > 1 else values[0]
