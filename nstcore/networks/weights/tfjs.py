"""The weight format of TensorFlow.js: a manifest of names and shapes over one row of bytes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from nstcore.networks.weights.arrays import Arrays


def decode(weights: Iterable[Mapping[str, Any]], data: bytes) -> Arrays:
    """Cut the concatenated shards of a group into arrays.

    Args:
        weights: entries `{name, shape, dtype}`, in the order of their bytes; with `quantization` `{min, scale}` the
            bytes are uint8 and the value is byte · scale + min.
        data: little-endian bytes, nothing between two entries.

    Raises:
        ValueError: another dtype, or the entries and the bytes do not end together.
    """
    arrays: Arrays = {}
    position = 0
    for entry in weights:
        # A minified manifest writes 1000 as 1e3, which JSON reads as a float.
        shape = tuple(int(size) for size in entry["shape"])
        quantization = entry.get("quantization")
        stored = quantization["dtype"] if quantization else entry["dtype"]
        if entry["dtype"] != "float32" or stored not in ("uint8", "float32"):
            raise ValueError(f"{entry['name']} is stored as {stored}, expected float32 or uint8 for float32")
        dtype = np.dtype("u1" if stored == "uint8" else "<f4")
        end = position + math.prod(shape) * dtype.itemsize
        if end > len(data):
            raise ValueError(f"the shards end before {entry['name']} does")
        values = np.frombuffer(data[position:end], dtype).reshape(shape)
        if quantization:
            values = values.astype(np.float64) * quantization["scale"] + quantization["min"]
        arrays[entry["name"]] = values.astype(np.float32)
        position = end
    if position != len(data):
        raise ValueError(f"{len(data) - position} bytes of the shards belong to no entry")
    return arrays
