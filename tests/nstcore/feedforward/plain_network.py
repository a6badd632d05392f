"""The network written out with NumPy, from the papers' formulas: one picture, one loop a row, nothing of Keras."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from nstcore.feedforward.settings import NetworkSettings

Array = NDArray[np.float64]


def forward(settings: NetworkSettings, weights: Mapping[str, Array], picture: Array) -> Array:
    """RGB (H, W, 3), 0 to 255, through a network of these weights, by "layer/variable"."""

    def normalized(x: Array, name: str) -> Array:
        mean, variance = x.mean(axis=(0, 1)), x.var(axis=(0, 1))
        scale, shift = weights[f"{name}_norm/gamma"], weights[f"{name}_norm/beta"]
        return (x - mean) / np.sqrt(variance + 1e-5) * scale + shift

    def convolved(x: Array, name: str, stride: int = 1) -> Array:
        kernel = weights[f"{name}/kernel"]
        return strided(mirrored(x, kernel.shape[0] // 2, kernel.shape[0] // 2), kernel, stride)

    def up(x: Array, name: str, stride: int) -> Array:
        if settings.upsampling == "nearest":
            return convolved(x.repeat(stride, axis=0).repeat(stride, axis=1), name)
        kernel = weights[f"{name}/kernel"]  # (height, width, out, in)
        side, reach = kernel.shape[0], stride - 1
        x = mirrored(x, 0, 1)
        whole = np.zeros(((len(x) - 1) * stride + side, (x.shape[1] - 1) * stride + side, kernel.shape[2]))
        for row, column in np.ndindex(*x.shape[:2]):  # every position adds a kernel of its own
            rows, columns = (slice(place * stride, place * stride + side) for place in (row, column))
            whole[rows, columns] += kernel @ x[row, column]
        return whole[reach:-stride, reach:-stride]

    x = rectified(normalized(convolved(picture / 127.5 - 1, "conv_in"), "conv_in"))
    for step, stride in enumerate(settings.strides, 1):
        x = rectified(normalized(convolved(x, f"down{step}", stride), f"down{step}"))
    for block in range(1, settings.blocks + 1):
        inner = rectified(normalized(convolved(x, f"block{block}_conv1"), f"block{block}_conv1"))
        x = x + normalized(convolved(inner, f"block{block}_conv2"), f"block{block}_conv2")
    for step, stride in enumerate(reversed(settings.strides), 1):
        x = rectified(normalized(up(x, f"up{step}", stride), f"up{step}"))
    x = 127.5 + 150 * np.tanh(convolved(x, "conv_out") + weights["conv_out/bias"])
    return x[: picture.shape[0], : picture.shape[1]]


def rectified(x: Array) -> Array:
    return np.maximum(x, 0)


def mirrored(x: Array, before: int, after: int) -> Array:
    return np.pad(x, ((before, after), (before, after), (0, 0)), mode="reflect")


def strided(x: Array, kernel: Array, stride: int) -> Array:
    height, width = ((side - kernel.shape[0]) // stride + 1 for side in x.shape[:2])
    given = np.zeros((height, width, kernel.shape[3]))
    for row, column in np.ndindex(*kernel.shape[:2]):
        given += (
            x[row : row + height * stride : stride, column : column + width * stride : stride][:height, :width]
            @ kernel[row, column]
        )
    return given
