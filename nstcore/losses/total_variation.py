"""Total variation: how much neighbouring values differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from nstcore.checks import choice
from nstcore.losses import ops
from nstcore.losses.loss import Loss, Reads, Tensor

TotalVariationKind = Literal["power", "squared"]

_EXPONENT: dict[TotalVariationKind, float] = {"power": 1.25, "squared": 1.0}


@dataclass(frozen=True, kw_only=True)
class TotalVariation(Loss):
    """Σ ((x[i,j] − x[i+1,j])² + (x[i,j] − x[i,j+1])²)^p of the RGB picture, 0..255.

    "power" is p = 1.25, "squared" p = 1. The last row and column have no neighbour and start no difference, as in the
    classic Keras example.
    """

    kind: TotalVariationKind = "power"

    reads: ClassVar[Reads] = "picture"

    def __post_init__(self) -> None:
        super().__post_init__()
        choice(self._label("kind"), self.kind, tuple(_EXPONENT))

    def value(self, features: Tensor, target: Mapping[str, Tensor], guide: Tensor | None = None) -> Tensor:
        corner = features[:, :-1, :-1, :]
        down = ops.square(corner - features[:, 1:, :-1, :])
        right = ops.square(corner - features[:, :-1, 1:, :])
        return ops.sum(ops.power(down + right, _EXPONENT[self.kind]), axis=(1, 2, 3))
