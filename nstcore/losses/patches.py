"""The distance of each patch of the features from the style's nearest one (CNNMRF, Li and Wand 2016, eq. 2 and 3)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from nstcore.checks import expected, true_or_false, whole_number
from nstcore.errors import ConfigError
from nstcore.losses import ops
from nstcore.losses.loss import Layer, Reads, Tensor, setting
from nstcore.losses.nearest import AT_ONCE, chosen, flat
from nstcore.losses.patch_search import Match, nearest_of_all, windows
from nstcore.losses.viewed import Viewed


@dataclass(frozen=True, kw_only=True)
class Patches(Viewed):
    """Mean over the patches of ‖Ψ_i − Ψ_NN(i)‖², at each layer.

    NN(i) is the style patch of the largest normalised cross-correlation with Ψ_i. It is found anew at each evaluation
    and constant in the gradient. Patches lie within the picture; the padding around it has none. The authors also take
    patches of copies of the style that are turned and enlarged (`rotations`, `scales`).

    Attributes:
        patch_size: side of a patch, positions of the layer.
        stride: positions from one patch to the next, of the picture and of the style; at most `patch_size`, so that
            every position counts. The authors take 2; 1 has four times the patches, and costs less with small ones,
            because products of positions then serve all patches that hold them.
        balanced: divide each layer by its value at the content picture.
    """

    patch_size: int = 3
    stride: int = 1
    balanced: bool = setting(True, shapes=())

    reads: ClassVar[Reads] = "style"
    regions: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number(self._label("patch_size"), self.patch_size, 1)
        whole_number(self._label("stride"), self.stride, 1, " and at most patch_size", self.patch_size)
        true_or_false(self._label("balanced"), self.balanced)

    def features(self, *activations: Tensor) -> Tensor:
        """(B, h, w, N), float32.

        Raises:
            ConfigError: for a layer that has no place for a patch.
        """
        (activation,) = activations
        if min(activation.shape[1:3]) < self.patch_size:
            height, width = activation.shape[1:3]
            what = f"at most the sides of every layer, here {height} x {width}"
            raise ConfigError(expected(self._label("patch_size"), what, self.patch_size))
        return ops.cast(activation, "float32")

    def target(self, features: Tensor, guide: Tensor | None = None) -> dict[str, Tensor]:
        return {"features": features}

    def value(self, features: Tensor, target: Mapping[str, Tensor], guide: Tensor | None = None) -> Tensor:
        styles = self.of_views(target, "features")
        return self.distance(features, styles, nearest_of_all(features, styles, self.patch_size, self.stride))

    def distance(self, features: Tensor, styles: Sequence[Tensor], match: Match) -> Tensor:
        """The loss with matches that are given, (B,).

        Args:
            features: (B, h, w, N).
            styles: each (B, h', w', N).
            match: as `nearest_of_all` gives it.
        """
        positions = ops.concatenate([flat(one) for one in styles], axis=1)
        total = 0.0
        for offset, window in enumerate(windows(features, self.patch_size, self.stride)):
            y, x = divmod(offset, self.patch_size)
            total += ops.sum(ops.square(window - chosen(positions, match.at(y, x))), axis=(1, 2, 3))
        return total / float(match.places.shape[1] * match.places.shape[2])

    def coefficient(self, layer: Layer) -> float | None:
        return None if self.balanced else 1.0

    def held(self, layers: Sequence[Layer]) -> int:
        """The differences of all patches, each copy of the style and its transpose, and what the search works with."""
        (layer,) = layers
        values, copies = layer.positions * layer.channels, len(self.views)
        overlap = math.ceil(self.patch_size / self.stride) ** 2
        if self.stride == 1:
            # Of a row of positions with all of the style, summed and to be summed.
            rows = (self.patch_size + 4) * layer.positions * math.isqrt(layer.positions)
            return (overlap + 2 * copies) * values + rows
        return (2 + copies) * overlap * values + AT_ONCE
