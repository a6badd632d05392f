"""Weights as plain data: float32 arrays keyed "layer/variable", and the identity of such a set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from nstcore.networks.weights.failures import SourceError

#: "block1_conv1/kernel" → float32 array in Keras' layout: kernels (height, width, input channels, output channels).
Arrays = dict[str, npt.NDArray[np.float32]]


def digest(arrays: Mapping[str, npt.NDArray[np.float32]]) -> str:
    """SHA-256 over every name, shape and little-endian float32 value, in the order of the names (hexadecimal)."""
    value = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name], dtype="<f4")
        value.update(f"{name} {'x'.join(map(str, arrays[name].shape))}\n".encode())
        value.update(array.reshape(-1).view(np.uint8).data)
    return value.hexdigest()


def select(arrays: Mapping[str, npt.NDArray[np.float32]], shapes: Mapping[str, tuple[int, ...]]) -> Arrays:
    """Pick the arrays a network needs and leave the rest (a classifier, other heads).

    Args:
        arrays: what a source holds.
        shapes: shape of every variable of the network, by name.

    Raises:
        SourceError: a variable gets no array, one of another shape, or one that is not finite.
    """
    missing = [name for name in shapes if name not in arrays]
    if missing:
        raise SourceError(f"no values for {len(missing)} of {len(shapes)} variables, among them {missing[0]}")
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise SourceError(f"{name} has shape {arrays[name].shape}, the network needs {shape}")
        if not np.isfinite(arrays[name]).all():
            raise SourceError(f"{name} holds values that are not finite")
    # Not ascontiguousarray, which turns a single number into a row of one.
    return {name: np.asarray(arrays[name], dtype=np.float32, order="C") for name in shapes}
