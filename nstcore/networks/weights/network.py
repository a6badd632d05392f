"""The Keras network as named variables: read them, and set them from arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from nstcore.networks.layer_names import fresh_names
from nstcore.networks.weights.arrays import Arrays, select

if TYPE_CHECKING:
    import keras


def named_variables(network: keras.Model) -> Iterator[tuple[str, Any]]:
    """Yield ("layer/variable", variable) over the layers of a network in their order; the names are the same always.

    Variables that a layer leaves unnamed are numbered by Keras through the whole process, and here through the layer. A
    layer that is a network itself may have several of one name.
    """
    for layer in network.layers:
        fresh = fresh_names([variable.name for variable in layer.weights], {"variable"})
        seen: Counter[str] = Counter()
        for variable in layer.weights:
            name = fresh[variable.name]
            yield f"{layer.name}/{name}_{seen[name]}" if seen[name] else f"{layer.name}/{name}", variable
            seen[name] += 1


def shapes_of(network: keras.Model) -> dict[str, tuple[int, ...]]:
    """Shape of every variable, by name."""
    return {name: tuple(variable.shape) for name, variable in named_variables(network)}


def read_arrays(network: keras.Model) -> Arrays:
    """Copy every variable out of a network, on whichever Keras backend it lives."""
    # asarray first: NumPy 2 warns when it is asked to copy one of TensorFlow's variables.
    return {name: np.array(np.asarray(variable), dtype=np.float32) for name, variable in named_variables(network)}


def assign(network: keras.Model, arrays: Mapping[str, npt.NDArray[np.float32]]) -> None:
    """Set every variable of a network and freeze it.

    Raises:
        SourceError: a variable gets no array, or one of another shape.
    """
    fitting = select(arrays, shapes_of(network))
    for name, variable in named_variables(network):
        variable.assign(fitting[name])
    for layer in network.layers:
        # Normalization keeps constants that it computes from its variables.
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()
    network.trainable = False
