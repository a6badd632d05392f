"""Total variation: how much neighbouring values differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from nstcore.checks import choice
from nstcore.losses import ops
from nstcore.losses.loss import Loss, Reads, Tensor

TotalVariationKind = Literal["power", "squared", "absolute"]


@dataclass(frozen=True, kw_only=True)
class TotalVariation(Loss):
    """How much the values of an RGB picture, 0..255, differ from those below and to the right, d and r.

    - "power": Σ (d² + r²)^1.25, as in the classic Keras example.
    - "squared": Σ d² + r².
    - "absolute": Σ |d| + |r|, which asks for flat areas and lets edges be (anisotropic, after Rudin, Osher and Fatemi
      1992). Where neighbors are equal its derivative is 0.

    The last row and column have no neighbour and start no difference, as in the classic Keras example.
    """

    kind: TotalVariationKind = "power"

    reads: ClassVar[Reads] = "picture"

    def __post_init__(self) -> None:
        super().__post_init__()
        choice(self._label("kind"), self.kind, get_args(TotalVariationKind))

    def value(self, features: Tensor, target: Mapping[str, Tensor], guide: Tensor | None = None) -> Tensor:
        corner = features[:, :-1, :-1, :]
        down = corner - features[:, 1:, :-1, :]
        right = corner - features[:, :-1, 1:, :]
        if self.kind == "absolute":
            differences = ops.abs(down) + ops.abs(right)
        else:
            differences = ops.square(down) + ops.square(right)
        if self.kind == "power":
            differences = ops.power(differences, 1.25)
        return ops.sum(differences, axis=(1, 2, 3))
