"""The distance of Gram matrices (Gatys 2016, eq. 3 to 5)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from nstcore.checks import choice, number
from nstcore.losses import ops
from nstcore.losses.loss import Layer, Loss, Reads, Tensor, guided, setting

StyleNormalization = Literal["balanced", "gatys", "none", "keras-example"]

# These compare raw Gram matrices, which grow with the number of positions; the others divide each by its own.
_RAW = ("none", "keras-example")


@dataclass(frozen=True, kw_only=True)
class Gram(Loss):
    """Σ (G/M − T)² at each layer, times a coefficient that is an input of the graph.

    Every normalisation is evaluated in this one form, so that one compiled function serves all of them and no Gram
    matrix grows with the picture. With A the Gram matrix of the style picture and M_s its number of positions:

    - "gatys": 1 / (4 N²) and T = A/M_s. For pictures of one size that is eq. 4, 1 / (4 N² M²) Σ (G − A)².
    - "none": M² and T = A/M, so that Σ (G − A)² remains (Lisciandrello's repair for ResNet50).
    - "keras-example": M² / (4 · 3² · pixels²) and T = A/M, the classic example's constants at every layer.
    - "balanced": T = A/M_s, and the engine divides by the value at the content picture.

    Attributes:
        normalization: one of these.
        shift: s of G = (F + s)ᵀ(F + s), added to every feature of both pictures, such as −1 (activation shift, Novak
            and Nikulin 2016, "Improving the Neural Algorithm of Artistic Style"). Features are 0 where a channel sees
            nothing; shifted, that counts too. Its scale is that of the features, which differs from network to network.
    """

    normalization: StyleNormalization = setting("balanced", shapes=())
    shift: float = 0.0

    reads: ClassVar[Reads] = "style"

    def __post_init__(self) -> None:
        super().__post_init__()
        choice(self._label("normalization"), self.normalization, get_args(StyleNormalization))
        object.__setattr__(self, "shift", number(self._label("shift"), self.shift, above=-math.inf))

    def target(self, features: Tensor, guide: Tensor | None = None) -> dict[str, Tensor]:
        """`gram` G/M, (B, N, N), and `positions` M, (B,)."""
        batch, positions = features.shape[:2]
        gram = gram_matrix(guided(self._shifted(features), guide)) / float(positions)
        return {"gram": gram, "positions": ops.full((batch,), float(positions))}

    def value(self, features: Tensor, target: Mapping[str, Tensor], guide: Tensor | None = None) -> Tensor:
        gram = _product(guided(self._shifted(features), guide)) / float(features.shape[-2])
        return ops.sum(ops.square(gram - target["gram"]), axis=(-2, -1))

    def constants(self, target: Mapping[str, np.ndarray], layer: Layer) -> dict[str, np.ndarray]:
        gram = target["gram"]
        if self.normalization in _RAW:
            gram = gram * (float(target["positions"]) / layer.positions)
        return {"gram": gram}

    def coefficient(self, layer: Layer) -> float | None:
        if self.normalization == "balanced":
            return None
        if self.normalization == "gatys":
            return 1.0 / (4.0 * layer.channels**2)
        if self.normalization == "none":
            return float(layer.positions) ** 2
        return float(layer.positions) ** 2 / (4.0 * 3.0**2 * float(layer.pixels) ** 2)

    def between(self, seen: Mapping[str, np.ndarray], target: Mapping[str, np.ndarray]) -> float:
        return float(np.sum(np.square(seen["gram"] - target["gram"], dtype=np.float64)))

    def _shifted(self, features: Tensor) -> Tensor:
        return features + self.shift if self.shift else features


def gram_matrix(features: Tensor) -> Tensor:
    """G = FᵀF, (B, N, N), not normalised (eq. 3).

    Its derivative is right for losses with a symmetric derivative by G, such as a distance from another Gram matrix:
    then both paths from F give the same, so that one product is computed, and doubled, instead of two. The features of
    a single picture are multiplied as plain matrices, which is faster than as a batch of one.
    """
    gram = _product(features)
    return gram if len(gram.shape) == 3 else ops.expand_dims(gram, 0)


def _product(features: Tensor) -> Tensor:
    """The same, but (N, N) of a single picture."""
    batch, positions, channels = features.shape
    if batch == 1:
        features = ops.reshape(features, (positions, channels))
    gram = ops.matmul(ops.swapaxes(features, -2, -1), ops.stop_gradient(features))
    return 2.0 * gram - ops.stop_gradient(gram)
