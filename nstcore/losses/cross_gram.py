"""The distance of Gram matrices across two layers (Novak and Nikulin 2016; Yeh and Tang 2018)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from nstcore.checks import expected
from nstcore.errors import ConfigError
from nstcore.losses import ops
from nstcore.losses.loss import Layer, Loss, Reads, Tensor, feature_matrix, guided
from nstcore.losses.resizing import areas, resized


@dataclass(frozen=True, kw_only=True)
class CrossGram(Loss):
    """Σ (G − G_s)² for every two neighbors in the list of layers, G = F₁ᵀF₂/M: which channels of both occur together.

    Novak and Nikulin 2016, "Improving the Neural Algorithm of Artistic Style"; Yeh and Tang 2018, "Improved Style
    Transfer by Respecting Inter-layer Correlations". The first layer of two is resized to the second's height and width
    by averages over areas, which is average pooling where they divide.
    """

    reads: ClassVar[Reads] = "style"

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.layers) == 1:
            raise ConfigError(expected(self._label("layers"), "two or more layer names", self.layers))

    @property
    def readings(self) -> tuple[tuple[str, ...], ...]:
        return tuple(pairwise(self.layers))

    def features(self, *activations: Tensor) -> tuple[Tensor, Tensor]:
        """F₁ and F₂, (B, M, N₁) and (B, M, N₂), at the positions of the second layer."""
        first, second = activations
        return feature_matrix(_resized(first, *second.shape[1:3])), feature_matrix(second)

    def target(self, features: Any, guide: Tensor | None = None) -> dict[str, Tensor]:
        """`gram` F₁ᵀF₂/M, (B, N₁, N₂)."""
        first, second = (guided(each, guide) for each in features)
        return {"gram": ops.matmul(ops.swapaxes(first, -2, -1), second) / float(second.shape[1])}

    def value(self, features: Any, target: Mapping[str, Tensor], guide: Tensor | None = None) -> Tensor:
        return ops.sum(ops.square(self.target(features, guide)["gram"] - target["gram"]), axis=(-2, -1))

    def coefficient(self, layer: Layer) -> None:
        return None

    def between(self, seen: Mapping[str, np.ndarray], target: Mapping[str, np.ndarray]) -> float:
        return float(np.sum(np.square(seen["gram"] - target["gram"], dtype=np.float64)))


def _resized(activation: Tensor, height: int, width: int) -> Tensor:
    """A (B, h, w, N) activation at another height and width: the mean over the area of each new position."""
    _, own_height, own_width, _ = activation.shape
    activation = ops.cast(activation, "float32")
    if own_height % height == 0 and own_width % width == 0:
        window = (own_height // height, own_width // width)
        if window == (1, 1):
            return activation
        return ops.average_pool(activation, window, window, data_format="channels_last")
    return resized(activation, height, width, areas)
