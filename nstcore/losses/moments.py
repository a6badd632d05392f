"""Means of channels, and how far features deviate from them: what statistics of second order are made of."""

from __future__ import annotations

import math

import numpy as np

from nstcore.losses import ops
from nstcore.losses.loss import Tensor

# Where a guide is 0 everywhere there is nothing to divide by.
_TINY = float(np.finfo(np.float32).tiny)


def moments(features: Tensor, guide: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Give the mean of each channel over the positions, and the deviations from it.

    Args:
        features: (B, M, N).
        guide: (B, M). A position counts by the square of its guide, as it does in a guided Gram matrix.

    Returns:
        The means (B, N), and deviations (B, M, N) that are scaled such that their squares add up to the variance of
        each channel, and their products to the covariance of two.
    """
    if guide is None:
        mean = ops.mean(features, axis=1)
        return mean, (features - ops.expand_dims(mean, 1)) / math.sqrt(features.shape[1])
    energy = ops.maximum(ops.sum(ops.square(guide), axis=1, keepdims=True), _TINY)
    share = ops.expand_dims(guide / ops.sqrt(energy), -1)
    mean = ops.sum(ops.square(share) * features, axis=1)
    return mean, share * (features - ops.expand_dims(mean, 1))
