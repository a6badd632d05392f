"""The squared distance of feature maps (Gatys 2016, eq. 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from nstcore.checks import true_or_false
from nstcore.losses import ops
from nstcore.losses.loss import Layer, Loss, Reads, Tensor, guided, setting


@dataclass(frozen=True, kw_only=True)
class Content(Loss):
    """½ Σ (F − P)² at each layer, P the feature matrix of the content picture.

    Attributes:
        balanced: divide each layer by its value at a picture without any structure.
        mean: the mean of the squares in place of half their sum, 2 / (M N) times as much. A balanced loss is the same
            either way.
    """

    balanced: bool = setting(True, shapes=())
    mean: bool = setting(False, shapes=())

    reads: ClassVar[Reads] = "content"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("balanced", "mean"):
            true_or_false(self._label(name), getattr(self, name))

    def target(self, features: Tensor, guide: Tensor | None = None) -> dict[str, Tensor]:
        return {"features": guided(features, guide)}

    def value(self, features: Tensor, target: Mapping[str, Tensor], guide: Tensor | None = None) -> Tensor:
        return 0.5 * ops.sum(ops.square(guided(features, guide) - target["features"]), axis=(-2, -1))

    def coefficient(self, layer: Layer) -> float | None:
        if self.balanced:
            return None
        return 2.0 / (layer.positions * layer.channels) if self.mean else 1.0
