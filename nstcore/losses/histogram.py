"""The distance of features from what they are with the style's histograms (Risser et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nstcore.losses import ops
from nstcore.losses.loss import Tensor
from nstcore.losses.quantiles import SortingLoss, squared_differences


@dataclass(frozen=True, kw_only=True)
class Histogram(SortingLoss):
    """Σ (F − R(F))² at each layer, R(F) each channel remapped to the style's distribution, constant in the gradient.

    Risser, Wilmot and Barnes 2017, "Stable and Controllable Neural Texture Synthesis and Style Transfer Using Histogram
    Losses". They remap by histograms; here each number gets that of the style with the same rank, which is what many
    bins come to. They add it to Gram matrices, at relu1_1 and relu4_1.
    """

    def target(self, features: Tensor, guide: Tensor | None = None) -> dict[str, Tensor]:
        """The `quantiles` (B, N, Q) of each channel."""
        self.require_no_guide(guide)
        return {"quantiles": self.kept(ops.swapaxes(features, -2, -1))}

    def value(self, features: Tensor, target: Mapping[str, Tensor], guide: Tensor | None = None) -> Tensor:
        self.require_no_guide(guide)
        # R(F) keeps the order of F: sorted, it is the quantiles.
        channels = ops.swapaxes(features, -2, -1)
        return ops.sum(squared_differences(channels, target["quantiles"]), axis=(-2, -1))
