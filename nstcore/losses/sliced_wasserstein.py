"""The sliced Wasserstein distance of features (Heitz et al. 2021)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nstcore.checks import whole_number
from nstcore.losses import ops
from nstcore.losses.loss import Layer, Tensor, setting
from nstcore.losses.quantiles import SortingLoss, squared_differences


@dataclass(frozen=True, kw_only=True)
class SlicedWasserstein(SortingLoss):
    """1/D Σ_v 1/M ‖sort(F v) − sort(F_s v)‖² over D directions v of the feature space, unit vectors drawn at random.

    Heitz, Vanhoey, Chambon and Belcour 2021, "A Sliced Wasserstein Loss for Neural Texture Synthesis". It compares the
    whole distribution of the features, not only its moments. They draw directions anew as they go; here they are drawn
    once, and kept with the style, so that L-BFGS sees one function.

    Attributes:
        directions: D, their number at each layer; 0 is as many as it has channels, as there.
        seed: of the draw, >= 0.
    """

    directions: int = setting(0, shapes=("target",))
    seed: int = setting(0, shapes=("target",))

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number(self._label("directions"), self.directions, 0)
        whole_number(self._label("seed"), self.seed, 0)

    def rows(self, layer: Layer) -> int:
        return self.directions or layer.channels

    def target(self, features: Tensor, guide: Tensor | None = None) -> dict[str, Tensor]:
        """`directions` (B, D, N), and the `quantiles` (B, D, Q) of what is projected on each."""
        self.require_no_guide(guide)
        batch, _, channels = features.shape
        drawn = np.random.default_rng(self.seed).normal(size=(self.directions or channels, channels))
        drawn = (drawn / np.linalg.norm(drawn, axis=-1, keepdims=True)).astype(np.float32)
        directions = ops.broadcast_to(drawn, (batch, *drawn.shape))
        return {"directions": directions, "quantiles": self.kept(_projected(features, directions))}

    def value(self, features: Tensor, target: Mapping[str, Tensor], guide: Tensor | None = None) -> Tensor:
        self.require_no_guide(guide)
        projected = _projected(features, target["directions"])
        return ops.mean(squared_differences(projected, target["quantiles"]), axis=(-2, -1))


def _projected(features: Tensor, directions: Tensor) -> Tensor:
    """(B, D, M): positions last, because that is the axis that is sorted."""
    return ops.matmul(directions, ops.swapaxes(features, -2, -1))
