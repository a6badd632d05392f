"""A network applied to a picture of any size, in bands of rows without a seam.

A convolution needs only the rows around it, but an instance normalization the mean and the variance of the whole
picture. So the network is taken in stages, each from one normalization to the next: a stage reads the layer before it
band by band, with the rows that its kernel reaches beyond them, and the statistics of what it gives are put together
over the bands (Chan, Golub and LeVeque 1979). A layer is kept once, before its normalization, which the next stage
applies to the rows that it reads. What comes out is what the whole network gives, but for the order of sums.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from nstcore import backend
from nstcore.feedforward.network import EPSILON, MIDDLE, REACH
from nstcore.feedforward.settings import NetworkSettings
from nstcore.pictures.images import Picture

_FLOAT32 = 4
#: What the rows of a stage, read and given, may take together.
_BYTES_OF_A_BAND = 2**26


def banded_memory(settings: NetworkSettings, height: int, width: int, rows: int | None = None) -> int:
    """Bytes that `in_bands` takes for a picture at most, beyond the picture and the network.

    `rows` is how many a band has, if not as `rows_of_a_band` says.

    The largest layers are those at full size; each is there together with the one after it or before it, which has
    twice the channels and `stride`² times fewer positions. Measured beside them: five times the rows of a band.
    """
    stride = settings.strides[0] if settings.strides else 1
    at_full_size = height * width * settings.width * _FLOAT32
    neighbor = 2 / stride**2 if settings.strides else 1.0
    a_band = _BYTES_OF_A_BAND if rows is None else min(rows, height) * _row(settings, width)
    return int(at_full_size * (1 + neighbor)) + 5 * a_band


def rows_of_a_band(settings: NetworkSettings, width: int) -> int:
    """How many rows of a picture a band has, unless that is asked for."""
    return max(1, _BYTES_OF_A_BAND // _row(settings, width))


def _row(settings: NetworkSettings, width: int) -> int:
    """Bytes of a row at full size in the stage that has most: read with twice the channels, mirrored, and given."""
    return width * _FLOAT32 * 6 * settings.width


def in_bands(
    network: keras.Model, settings: NetworkSettings, picture: Picture, rows: int
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Apply a network to a picture.

    Args:
        network: of `build_network`.
        settings: its own.
        picture: uint8 (H, W, 3).
        rows: of the picture in a band; layers that are smaller have as many fewer.

    Yields:
        The number of a band's first row, and float32 (h, W, 3), nominally 0 to 255, from top to bottom.
    """
    height, width = picture.shape[:2]
    run = _Run(network, rows / height)
    one, zero = np.ones(3, np.float32), np.zeros(3, np.float32)
    layer = run.normalized(_Read(picture, one / np.float32(MIDDLE), zero - 1, rectified=False), "conv_in")
    for step in range(1, len(settings.strides) + 1):
        layer = run.normalized(layer, f"down{step}")
    for block in range(1, settings.blocks + 1):
        layer = layer.settled() if block == 1 else layer
        inner = run.normalized(layer, f"block{block}_conv1")
        inner = run.normalized(inner, f"block{block}_conv2", rectified=False)
        layer.add(inner)
        del inner
    for step, stride in enumerate(settings.strides[::-1], 1):
        layer = run.normalized(layer, f"up{step}", enlarged=stride if settings.upsampling == "nearest" else 1)
    bias = backend.to_host(network.get_layer("conv_out").bias)
    for first, band in run.bands(layer, "conv_out", normalized=False):
        if first < height:  # what is enlarged can have some rows and columns more
            yield first, (np.tanh(band + bias) * np.float32(REACH) + np.float32(MIDDLE))[: height - first, :width]


@dataclass
class _Read:
    """A layer as the next stage reads it: array · scale + shift, and then what is above 0 if it is rectified.

    Attributes:
        array: (H, W, N), as it was computed.
        scale, shift: float32 (N,), of its normalization.
        rectified: whether what is below 0 is 0.
    """

    array: NDArray[Any]
    scale: NDArray[np.float32]
    shift: NDArray[np.float32]
    rectified: bool

    def rows(self, first: int, last: int, enlarged: int = 1) -> NDArray[np.float32]:
        """The rows from `first` up to `last` of the array, mirrored beyond its borders, each taken `enlarged` times."""
        side = self.array.shape[0] * enlarged
        if first >= 0 and last <= side and enlarged == 1:
            return np.asarray(self.array[first:last], np.float32)
        wanted = np.abs(np.arange(first, last))
        wanted = np.where(wanted < side, wanted, 2 * (side - 1) - wanted)
        return np.asarray(self.array[wanted // enlarged], np.float32)

    def settled(self) -> _Read:
        """The same layer with its normalization done, in the same memory."""
        for row in self.array:
            row *= self.scale
            row += self.shift
            if self.rectified:
                np.maximum(row, 0, out=row)
        return _Read(self.array, np.ones_like(self.scale), np.zeros_like(self.shift), rectified=False)

    def add(self, other: _Read) -> None:
        """Add another layer, which is not rectified, to one that is settled."""
        for row, more in zip(self.array, other.array, strict=True):
            row += more * other.scale + other.shift


class _Statistics:
    """Mean and variance of each channel over all rows of a layer, in float64."""

    def __init__(self) -> None:
        self._means: list[NDArray[np.float64]] = []
        self._variances: list[NDArray[np.float64]] = []

    def add(self, means: NDArray[Any], variances: NDArray[Any]) -> None:
        """Take those of some rows, (h, N), all of one length."""
        self._means.append(means.astype(np.float64))
        self._variances.append(variances.astype(np.float64))

    def normalization(self, gamma: NDArray[Any], beta: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What a layer is multiplied by, and what is added then."""
        means = np.concatenate(self._means)
        variance = np.mean(np.concatenate(self._variances), axis=0) + np.var(means, axis=0)
        scale = gamma / np.sqrt(variance + EPSILON)
        return scale.astype(np.float32), (beta - means.mean(axis=0) * scale).astype(np.float32)


@dataclass(frozen=True)
class _Stage:
    """What is done to the rows of a band; two equal ones are compiled once.

    Attributes:
        transposed: whether the convolution is transposed.
        stride: of the convolution.
        reach: columns that are mirrored on either side of what is convolved.
        enlarged: how often each column is taken before that.
        rectified: whether what is below 0 is 0.
        normalized: whether a normalization follows, which needs the rows' means and variances.
    """

    transposed: bool
    stride: int
    reach: int
    enlarged: int
    rectified: bool
    normalized: bool

    def __call__(self, rows: Any, scale: Any, shift: Any, kernel: Any) -> tuple[Any, ...]:
        """Rows (1, h, W, N) to rows (1, h', W', N'), and to the means and the variances of each, (1, h', N')."""
        x = rows * scale + shift
        x = ops.relu(x) if self.rectified else x
        if self.transposed:
            x = ops.pad(x, ((0, 0), (0, 0), (0, 1), (0, 0)), mode="reflect")
            x = ops.conv_transpose(x, kernel, self.stride, padding="valid", data_format="channels_last")
            cut = slice(self.stride - 1, -self.stride)
            x = x[:, cut, cut]
        else:
            x = ops.repeat(x, self.enlarged, axis=2) if self.enlarged > 1 else x
            x = ops.pad(x, ((0, 0), (0, 0), (self.reach, self.reach), (0, 0)), mode="reflect")
            x = ops.conv(x, kernel, self.stride, padding="valid", data_format="channels_last")
        return (x, ops.mean(x, axis=2), ops.var(x, axis=2)) if self.normalized else (x,)


class _Run:
    """The stages of a network for one picture. What is compiled for its size goes with it."""

    def __init__(self, network: keras.Model, share: float) -> None:
        self._network = network
        self._share = share
        self._compiled: dict[_Stage, Callable[..., Any]] = {}

    def normalized(self, layer: _Read, name: str, *, enlarged: int = 1, rectified: bool = True) -> _Read:
        """The layer after a convolution and its normalization."""
        norm = self._network.get_layer(f"{name}_norm")
        statistics, array = _Statistics(), np.empty(0, np.float32)
        for first, band, means, variances in self.bands(layer, name, enlarged=enlarged):
            if not first:
                array = np.empty((self._height(layer, name, enlarged), *band.shape[1:]), np.float32)
            array[first : first + len(band)] = band
            statistics.add(means, variances)
        gamma, beta = (backend.to_host(variable) for variable in (norm.gamma, norm.beta))
        return _Read(array, *statistics.normalization(gamma, beta), rectified=rectified)

    def bands(
        self, layer: _Read, name: str, *, enlarged: int = 1, normalized: bool = True
    ) -> Iterator[tuple[Any, ...]]:
        """The number of the first row of each band, the band, and the means and the variances of its rows."""
        convolution = self._network.get_layer(name)
        transposed, stride = isinstance(convolution, keras.layers.Conv2DTranspose), convolution.strides[0]
        reach = convolution.kernel_size[0] // 2
        stage = _Stage(transposed, stride, reach, enlarged, layer.rectified, normalized)
        function = self._compiled.setdefault(stage, backend.computed(stage))
        scale, shift = (backend.on_device(array) for array in (layer.scale, layer.shift))
        kernel = backend.on_device(backend.to_host(convolution.kernel))
        # A band is of so many rows of what is read, if they become more, and else of what is given.
        units = len(layer.array) if transposed else self._height(layer, name, enlarged)
        for first, last in self._edges(units):
            if transposed:
                rows, first = layer.rows(first, last + 1), first * stride
            else:
                rows = layer.rows(first * stride - reach, (last - 1) * stride + reach + 1, enlarged)
            given = function(backend.on_device(rows[np.newaxis]), scale, shift, kernel)
            yield first, *(backend.to_host(each)[0] for each in given)

    def _height(self, layer: _Read, name: str, enlarged: int) -> int:
        convolution = self._network.get_layer(name)
        stride = int(convolution.strides[0])
        if isinstance(convolution, keras.layers.Conv2DTranspose):
            return len(layer.array) * stride
        return math.ceil(len(layer.array) * enlarged / stride)

    def _edges(self, units: int) -> Iterator[tuple[int, int]]:
        """Where bands begin and end. They have at most two heights, because each is compiled by itself."""
        number = math.ceil(units / max(1, round(self._share * units)))
        edges = [units * band // number for band in range(number + 1)]
        yield from itertools.pairwise(edges)
