"""Weights without training, the same on every machine and Keras backend; for tests and for comparison."""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Mapping

import numpy as np

from nstcore.networks.weights.arrays import Arrays
from nstcore.networks.weights.provenance import RANDOM_NOTE, Provenance

_SEED = 2016
#: Says how the values arise; their identity. Change it whenever `random_arrays` gives other values.
_RECIPE = f"He-normal kernels, zero biases, identity normalisations; MT19937 seeded by ({_SEED}, crc32 of the name)"
_CONSTANTS = {
    # The names without "moving" are those of the normalisation that some networks begin with.
    **dict.fromkeys(("bias", "beta", "moving_mean", "mean", "count"), 0.0),
    **dict.fromkeys(("gamma", "moving_variance", "variance"), 1.0),
}


def random_arrays(shapes: Mapping[str, tuple[int, ...]]) -> Arrays:
    """Draw kernels from N(0, 2 / fan_in) (He 2015, section 2.2); biases 0, normalisations the identity.

    Args:
        shapes: shape of every variable by name, "layer/variable".
    """
    arrays: Arrays = {}
    for name, shape in shapes.items():
        constant = _CONSTANTS.get(name.rpartition("/")[2])
        if constant is not None:
            arrays[name] = np.full(shape, constant, np.float32)
        else:
            # RandomState, unlike Generator, promises the same values in every version of NumPy.
            state = np.random.RandomState([_SEED, zlib.crc32(name.encode())])
            deviation = math.sqrt(2.0 / _fan_in(name, shape))
            arrays[name] = (deviation * state.standard_normal(shape)).astype(np.float32)
    return arrays


def _fan_in(name: str, shape: tuple[int, ...]) -> int:
    """How many values one output of a layer is the sum of.

    A depthwise kernel (height, width, channels, outputs per channel) sums over no channels. A layer of its own calls
    it "kernel" as any other, and is known by its one output per channel.
    """
    depthwise = name.endswith("/depthwise_kernel") or (len(shape) == 4 and shape[-1] == 1)
    return math.prod(shape[:-2] if depthwise else shape[:-1])


def random_provenance(backbone: str) -> Provenance:
    """Origin of the random weights of a backbone."""
    identity = hashlib.sha256(f"{_RECIPE}; {backbone}".encode()).hexdigest()
    return Provenance(backbone, "random", "", identity, note=RANDOM_NOTE)
