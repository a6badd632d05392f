"""A copy of a network with other pooling, padding or precision, and the same weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from nstcore.networks.network import Network
from nstcore.networks.padding import EdgePadding2D
from nstcore.networks.pooling import replaced
from nstcore.networks.weights.network import assign, read_arrays

_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)


def rebuilt(original: keras.Model, network: Network, pooling_factors: Mapping[str, float]) -> keras.Model:
    """Copy a network as it is to be used.

    With bfloat16 the layers before the second convolution stay in float32: bfloat16 would round pixels to one in 256,
    and they cost next to nothing.

    Args:
        original: as Keras builds it, or a part of that.
        pooling_factors: by layer, of "avg-rescaled".
    """
    convolutions = [place for place, layer in enumerate(original.layers) if isinstance(layer, keras.layers.Conv2D)]
    exact = {layer.name for layer in original.layers[: convolutions[1] if len(convolutions) > 1 else None]}
    paddings: dict[str, EdgePadding2D] = {}

    def rebuild(layer: keras.Layer) -> keras.Layer:
        settings = layer.get_config()
        # A sum written with "+" is no layer, and has no precision of its own.
        if network.precision == "bfloat16" and layer.name not in exact and isinstance(layer, keras.Layer):
            settings["dtype"] = "mixed_bfloat16"
        if network.padding != "zeros" and isinstance(layer, keras.layers.ZeroPadding2D):
            rows, columns = (tuple(side) for side in settings["padding"])
            return EdgePadding2D(network.padding, (rows, columns), name=layer.name, dtype=settings["dtype"])
        if network.padding != "zeros" and _has_zeros_around(layer):
            name = f"{layer.name}_padding"
            window = {"kernel": layer.kernel_size, "strides": layer.strides, "dilation": layer.dilation_rate}
            paddings[layer.name] = EdgePadding2D(network.padding, **window, name=name, dtype=settings["dtype"])
            settings["padding"] = "valid"
        if isinstance(layer, keras.layers.MaxPooling2D):
            return replaced(layer, settings, network.pooling, pooling_factors.get(layer.name, 1.0))
        return type(layer).from_config(settings)

    def call(layer: keras.Layer, *inputs: Any, **others: Any) -> Any:
        padding = paddings.get(layer.name)
        return layer(*(map(padding, inputs) if padding else inputs), **others)

    copy = keras.models.clone_model(original, clone_function=rebuild, call_function=call)
    assign(copy, read_arrays(original))
    return copy


def _has_zeros_around(layer: keras.Layer) -> bool:
    return isinstance(layer, _CONVOLUTIONS) and layer.padding == "same" and max(layer.kernel_size) > 1
