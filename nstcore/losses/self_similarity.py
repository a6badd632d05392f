"""Content as how alike the positions of a picture are to each other (STROTSS, Kolkin et al. 2019, eq. 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from nstcore.losses import ops
from nstcore.losses.hypercolumns import Sampled
from nstcore.losses.loss import Layer, Reads, Tensor
from nstcore.losses.nearest import products, unit

# Distances, of 0 to 2, below this count as 0: where all features are equal, rounding would seem to be structure. In
# float32 the products of vectors of 1000 values are some 5e-7 off.
_ROUNDING = 4e-6
# Added to mean distances before they divide.
_LEAST_MEAN = 1e-5


@dataclass(frozen=True, kw_only=True)
class SelfSimilarity(Sampled):
    """1/n Σ_ij |D_ij / Σ_i D_ij − D'_ij / Σ_i D'_ij|, D_ij = 1 − cos of hypercolumns i and j, D' those of the content.

    It is 0 to 2, whatever the scale of the activations. What changes all of a picture alike, such as its colors, costs
    nothing.
    """

    reads: ClassVar[Reads] = "content"
    regions: ClassVar[bool] = False

    def target(self, features: Tensor, guide: Tensor | None = None) -> dict[str, Tensor]:
        return {"features": features}

    def value(self, features: Tensor, target: Mapping[str, Tensor], guide: Tensor | None = None) -> Tensor:
        apart = _distances(features) - _distances(target["features"])
        return ops.sum(ops.abs(apart), axis=(1, 2)) / float(features.shape[1])

    def coefficient(self, layer: Layer) -> float | None:
        return None


def _distances(features: Tensor) -> Tensor:
    """(B, n, n), each column divided by its sum."""
    units = unit(features)
    distances = ops.relu((1.0 - _ROUNDING) - products(units, ops.swapaxes(units, -2, -1)))
    return distances / (ops.sum(distances, axis=1, keepdims=True) + _LEAST_MEAN * features.shape[1])
