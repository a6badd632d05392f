"""Layers joined at one size: a vector of all their channels for each position, a hypercolumn."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from nstcore.checks import whole_number
from nstcore.losses import ops
from nstcore.losses.loss import Layer, Loss, Tensor

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Joined(Loss):
    """A loss that reads all its layers at a time."""

    @property
    def readings(self) -> tuple[tuple[str, ...], ...]:
        return (self.layers,) if self.layers else ()


@dataclass(frozen=True, kw_only=True)
class Sampled(Joined):
    """A loss of hypercolumns at some positions, the same throughout a run.

    Attributes:
        samples: how many positions, drawn without repetition; all where there are no more.
        seed: of the draw, >= 0.
    """

    samples: int = 1024
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number(self._label("samples"), self.samples, 2)
        whole_number(self._label("seed"), self.seed, 0)

    def features(self, *activations: Tensor) -> Tensor:
        """(B, samples, N), float32, N the channels of all layers."""
        columns = hypercolumns(activations)
        batch, height, width, channels = columns.shape
        columns = ops.reshape(columns, (batch, height * width, channels))
        if height * width <= self.samples:
            return columns
        places = np.random.default_rng(self.seed).permutation(height * width)[: self.samples]
        return ops.take(columns, np.sort(places).astype(np.int32), axis=1)


def hypercolumns(activations: Sequence[Tensor]) -> Tensor:
    """Join activations (B, h, w, N) of several layers: (B, height, width, their channels), float32.

    The common size is that of the layer in the middle by size, the larger of two. For the layers from conv1_1 to
    conv4_3 of VGG16 that is a quarter of the picture's sides, as the authors of NNST have it.
    """
    height, width = _middle([tuple(one.shape[1:3]) for one in activations], math.prod)
    return ops.concatenate([resized(one, height, width) for one in activations], axis=-1)


def positions_joined(layers: Sequence[Layer]) -> int:
    """How many hypercolumns these layers give."""
    return _middle([layer.positions for layer in layers], lambda positions: positions)


def _middle(of_layers: list[_T], size: Callable[[_T], int]) -> _T:
    return sorted(of_layers, key=size, reverse=True)[(len(of_layers) - 1) // 2]


def resized(activation: Tensor, height: int, width: int) -> Tensor:
    """Resize an activation (B, h, w, N) as `weights_of_resizing` says: (B, height, width, N), float32.

    As matrix products, which are the same on every backend, and a gradient that reaches every position.
    """
    batch, old_height, old_width, channels = activation.shape
    activation = ops.cast(activation, "float32")
    if height != old_height:
        rows = ops.reshape(activation, (batch, old_height, old_width * channels))
        rows = ops.matmul(weights_of_resizing(old_height, height), rows)
        activation = ops.reshape(rows, (batch, height, old_width, channels))
    if width != old_width:
        columns = ops.reshape(activation, (batch * height, old_width, channels))
        columns = ops.matmul(weights_of_resizing(old_width, width), columns)
        activation = ops.reshape(columns, (batch, height, width, channels))
    return activation


def weights_of_resizing(before: int, after: int) -> np.ndarray:
    """Linear interpolation, and smoothing before it where there are fewer positions after it: (after, before).

    A weight is a triangle over the distance from the new position's center, as wide as the positions lie apart, in the
    coarser of both.
    """
    step = before / after
    centers = (np.arange(after) + 0.5) * step - 0.5
    weights = np.maximum(0.0, 1.0 - np.abs(np.arange(before) - centers[:, None]) / max(1.0, step))
    resizing: np.ndarray = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return resizing
