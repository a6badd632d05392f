"""What can stand in the place of max pooling.

- "avg": the mean (Gatys 2016, section 2).
- "avg-rescaled": the mean times a factor per layer, so that the mean activation is that of max pooling. A mean is
  smaller than a maximum, and a network whose layers see smaller values than it was trained with answers with fewer.
  Style Transfer PyTorch (crowsonkb) takes 2 everywhere; here the factor is measured, see `nstcore.networks.activity`.
- "l2": the root of the mean of the squares, between the two. (That project's "l2" is the root of their sum, times 0.78,
  which for a window of 2 × 2 is 1.56 times this.)

All four commute with a positive factor per channel.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from nstcore.networks.network import Pooling


def replaced(layer: keras.layers.MaxPooling2D, settings: dict[str, Any], pooling: Pooling, factor: float) -> Any:
    """The layer that stands in the place of a max pooling of these settings.

    A window of one position, by which some networks leave out rows, stays: there is nothing to pool.

    Args:
        factor: of "avg-rescaled".
    """
    if max(layer.pool_size) == 1:
        return type(layer).from_config(settings)
    if pooling == "avg":
        return keras.layers.AveragePooling2D.from_config(settings)
    if pooling == "avg-rescaled":
        return RescaledAveragePooling2D(factor, **settings)
    if pooling == "l2":
        return L2Pooling2D.from_config(settings)
    return type(layer).from_config(settings)


class RescaledAveragePooling2D(keras.layers.AveragePooling2D):
    """Average pooling, times a factor."""

    def __init__(self, factor: float, **settings: Any) -> None:
        super().__init__(**settings)
        self.factor = factor

    def call(self, inputs: Any) -> Any:
        return super().call(inputs) * self.factor


class L2Pooling2D(keras.layers.AveragePooling2D):
    """√(mean of x²) over a window. Where all of it is 0, so is the derivative, which the root alone has not."""

    def call(self, inputs: Any) -> Any:
        mean = super().call(ops.square(inputs))
        is_zero = mean <= 0
        return ops.where(is_zero, ops.zeros_like(mean), ops.sqrt(ops.where(is_zero, ops.ones_like(mean), mean)))
