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
from nstcore.losses.resizing import resized, triangles

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
    return ops.concatenate([resized(one, height, width, triangles) for one in activations], axis=-1)


def positions_joined(layers: Sequence[Layer]) -> int:
    """How many hypercolumns these layers give."""
    return _middle([layer.positions for layer in layers], lambda positions: positions)


def _middle(of_layers: list[_T], size: Callable[[_T], int]) -> _T:
    return sorted(of_layers, key=size, reverse=True)[(len(of_layers) - 1) // 2]
