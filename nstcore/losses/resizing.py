"""Activations at another height and width, by weights of the old positions at each new one.

As matrix products, which are the same on every backend, and whose gradient reaches every position.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nstcore.losses import ops
from nstcore.losses.loss import Tensor

#: (positions before, after) -> what each of the former weighs at each of the latter, (after, before).
Weights = Callable[[int, int], np.ndarray]


def resized(activation: Tensor, height: int, width: int, weights: Weights) -> Tensor:
    """Resize an activation (B, h, w, N): (B, height, width, N), float32."""
    batch, old_height, old_width, channels = activation.shape
    activation = ops.cast(activation, "float32")
    if height != old_height:
        rows = ops.reshape(activation, (batch, old_height, old_width * channels))
        rows = ops.matmul(weights(old_height, height), rows)
        activation = ops.reshape(rows, (batch, height, old_width, channels))
    if width != old_width:
        columns = ops.reshape(activation, (batch * height, old_width, channels))
        columns = ops.matmul(weights(old_width, width), columns)
        activation = ops.reshape(columns, (batch, height, width, channels))
    return activation


def triangles(before: int, after: int) -> np.ndarray:
    """Linear interpolation, and smoothing before it where there are fewer positions after it: (after, before).

    A weight is a triangle over the distance from the new position's center, as wide as the positions lie apart, in the
    coarser of both.
    """
    step = before / after
    centers = (np.arange(after) + 0.5) * step - 0.5
    weights = np.maximum(0.0, 1.0 - np.abs(np.arange(before) - centers[:, None]) / max(1.0, step))
    resizing: np.ndarray = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return resizing


def areas(before: int, after: int) -> np.ndarray:
    """The share of each old position in each new one, where both divide one length evenly: (after, before)."""
    edges = np.arange(after + 1) * (before / after)
    cells = np.arange(before)
    overlap = np.minimum(edges[1:, None], cells + 1) - np.maximum(edges[:-1, None], cells)
    shares: np.ndarray = overlap.clip(0.0) * (after / before)
    return shares.astype(np.float32)
