"""The image transformation network of Johnson et al. 2016, with the instance normalization of Ulyanov et al. 2016.

Built of Keras' own layers and operations, so that a file of it needs none of ours, on any backend. Where it departs
from the paper: beyond borders every layer is mirrored (the paper mirrors the picture once, and its blocks shrink it),
each picture is normalized by itself, and tanh reaches a little beyond 0..255, so that black and white are no limits.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from nstcore.checks import whole_number
from nstcore.errors import ConfigError, received
from nstcore.feedforward.settings import INNER_KERNEL, OUTER_KERNEL, step_kernel
from nstcore.feedforward.settings import SIZES as SIZES
from nstcore.feedforward.settings import NetworkSettings as NetworkSettings
from nstcore.keras_settings.numerics import own_numerics

#: Added to the variances of instance normalization (Ulyanov 2016, equation 5; published code).
EPSILON = 1e-5
#: The middle of 0..255, and how far from it tanh reaches.
MIDDLE, REACH = 127.5, 150.0


@own_numerics()
def build_network(settings: NetworkSettings, seed: int = 0) -> keras.Model:
    """Build a network that is not trained yet: RGB (B, H, W, 3), 0 to 255, to RGB of the same shape.

    B, H and W are open; each side must have at least `settings.smallest_side` pixels. What is given lies within
    127.5 ± 150. Layers are named "conv_in", "down1", …, "block1_conv1", "block1_conv2", …, "up1", …, "conv_out", and
    their normalizations the same with "_norm".

    Args:
        settings: its shape.
        seed: of the first weights, which are the same on every machine and backend. Kernels are drawn from
            N(0, 2 / fan_in) (He 2015, section 2.2), the last from N(0, 1 / fan_in), for no rectifier follows.

    Raises:
        ConfigError: the seed can be none.
    """
    whole_number("seed", seed, 0, most=2**32 - 1)
    picture = keras.Input((None, None, 3), name="picture")
    widths, strides = settings.widths, settings.strides
    x = layers.Rescaling(1 / MIDDLE, -1.0, name="rescaled")(picture)
    x = _normalized(_convolution(x, widths[0], OUTER_KERNEL, "conv_in"), "conv_in")
    for step, (width, stride) in enumerate(zip(widths[1:], strides, strict=True), 1):
        x = _normalized(_convolution(x, width, step_kernel(stride), f"down{step}", stride), f"down{step}")
    for block in range(1, settings.blocks + 1):
        x = _block(x, widths[-1], f"block{block}")
    for step, (width, stride) in enumerate(zip(widths[-2::-1], strides[::-1], strict=True), 1):
        x = _normalized(_step_up(x, width, stride, settings, f"up{step}"), f"up{step}")
    x = layers.Activation("tanh", name="tanh")(_convolution(x, 3, OUTER_KERNEL, "conv_out", use_bias=True))
    x = layers.Rescaling(REACH, MIDDLE, name="pixels")(x)
    if strides:
        x = _cropped(x, picture)
    network = keras.Model(picture, x, name="feedforward")
    _draw(network, seed)
    return network


def settings_of(network: keras.Model) -> NetworkSettings:
    """The settings that a network was built with, read off its layers.

    Raises:
        ConfigError: it is none of `build_network`.
    """
    named = {layer.name: layer for layer in network.layers}
    try:
        ups = [named[f"up{step}"] for step in range(1, _count(named, "up", "") + 1)]
        settings = NetworkSettings(
            width=named["conv_in"].filters,
            blocks=_count(named, "block", "_conv2"),
            strides=tuple(named[f"down{step}"].strides[0] for step in range(1, len(ups) + 1)),
            upsampling="transposed" if any(isinstance(up, layers.Conv2DTranspose) for up in ups) else "nearest",
        )
    except (KeyError, AttributeError):
        settings = None
    if settings is None or settings.weights != network.count_params():
        raise ConfigError(f"a network must be one of build_network. Received: {received(network.name)}") from None
    return settings


def _count(named: Mapping[str, Any], kind: str, part: str) -> int:
    return next(number for number in itertools.count() if f"{kind}{number + 1}{part}" not in named)


def _mirrored(x: Any, before: int, after: int) -> Any:
    around = (before, after)
    return ops.pad(x, ((0, 0), around, around, (0, 0)), mode="reflect") if before or after else x


def _convolution(x: Any, width: int, kernel: int, name: str, stride: int = 1, *, use_bias: bool = False) -> Any:
    """A convolution that gives ⌈side / stride⌉. Before a normalization a bias has no effect, and so there is none."""
    x = _mirrored(x, kernel // 2, kernel // 2)
    return layers.Conv2D(width, kernel, strides=stride, use_bias=use_bias, name=name)(x)


def _normalized(x: Any, name: str, *, rectified: bool = True) -> Any:
    x = layers.GroupNormalization(groups=-1, epsilon=EPSILON, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if rectified else x


def _block(x: Any, width: int, name: str) -> Any:
    """x + norm(conv(relu(norm(conv(x))))), without a rectifier after the sum (Gross and Wilber 2016)."""
    inner = _normalized(_convolution(x, width, INNER_KERNEL, f"{name}_conv1"), f"{name}_conv1")
    inner = _convolution(inner, width, INNER_KERNEL, f"{name}_conv2")
    return layers.Add(name=f"{name}_sum")([x, _normalized(inner, f"{name}_conv2", rectified=False)])


def _step_up(x: Any, width: int, stride: int, settings: NetworkSettings, name: str) -> Any:
    """(B, h, w, N) to (B, stride h, stride w, width)."""
    kernel = step_kernel(stride)
    if settings.upsampling == "nearest":
        x = layers.UpSampling2D(stride, interpolation="nearest", name=f"{name}_nearest")(x)
        return _convolution(x, width, kernel, name)
    # Backends cut "same" differently. So all of it is computed, with one position more at the end, for the last rows
    # lie between two positions; and then cut so that each position is in the middle of what it gives.
    x = layers.Conv2DTranspose(width, kernel, strides=stride, padding="valid", use_bias=False, name=name)(
        _mirrored(x, 0, 1)
    )
    cut = (stride - 1, stride)
    return layers.Cropping2D((cut, cut), name=f"{name}_cut")(x)


def _cropped(x: Any, picture: Any) -> Any:
    """The part of (B, H', W', 3) that has the size of a picture (B, H, W, 3), H <= H'.

    Operations of Keras take sizes that are known when the network is built. So the positions 0 … H − 1 are counted
    along the picture itself.
    """
    for axis in (1, 2):
        others = tuple(other for other in range(4) if other != axis)
        ones = ops.ones_like(ops.max(picture, axis=others), dtype="int32")
        x = ops.take(x, ops.cumsum(ones) - 1, axis=axis)
    return x


def _draw(network: keras.Model, seed: int) -> None:
    # RandomState, unlike Generator, promises the same values in every version of NumPy.
    random = np.random.RandomState(seed)
    for layer in network.layers:
        if not isinstance(layer, layers.Conv2D | layers.Conv2DTranspose):
            continue
        shape = layer.kernel.shape
        if isinstance(layer, layers.Conv2DTranspose):
            # Its kernel is (height, width, out, in), and of stride × stride positions that it sees one is not empty.
            fan_in = math.prod(shape) / shape[2] / layer.strides[0] ** 2
        else:
            fan_in = math.prod(shape[:3])
        gain = 1.0 if layer.name == "conv_out" else 2.0
        layer.kernel.assign((math.sqrt(gain / fan_in) * random.standard_normal(shape)).astype(np.float32))
