"""The distance of the mean and the deviation of each channel (Li et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nstcore.losses import ops
from nstcore.losses.loss import Layer, Loss, Reads, Tensor
from nstcore.losses.moments import moments

# A variance below this share of the squared mean is that of rounding errors.
_ROUNDING = 1e-10


@dataclass(frozen=True, kw_only=True)
class MeanVariance(Loss):
    """1/N Σ (μ − μ_s)² + (σ − σ_s)² over the N channels of each layer, μ and σ over its positions.

    Li, Wang, Liu and Hou 2017, "Demystifying Neural Style Transfer". Unlike a Gram matrix it does not know which
    channels occur together.
    """

    reads: ClassVar[Reads] = "style"

    def target(self, features: Tensor, guide: Tensor | None = None) -> dict[str, Tensor]:
        """`mean` and `deviation` of each channel, (B, N)."""
        mean, deviations = moments(features, guide)
        variance = ops.sum(ops.square(deviations), axis=1)
        # σ has no derivative where a channel is constant; it is taken to be 0 there, so that it is finite everywhere.
        varies = variance > _ROUNDING * ops.square(mean)
        deviation = ops.where(varies, ops.sqrt(ops.where(varies, variance, 1.0)), 0.0)
        return {"mean": mean, "deviation": deviation}

    def value(self, features: Tensor, target: Mapping[str, Tensor], guide: Tensor | None = None) -> Tensor:
        own = self.target(features, guide)
        differences = [ops.square(own[name] - target[name]) for name in own]
        return ops.mean(differences[0] + differences[1], axis=-1)

    def coefficient(self, layer: Layer) -> None:
        return None

    def between(self, seen: Mapping[str, np.ndarray], target: Mapping[str, np.ndarray]) -> float:
        return float(sum(np.mean(np.square(seen[name] - target[name], dtype=np.float64)) for name in seen))
