"""The angle between each position of a layer and the style's nearest one, layer by layer (NNST's last pass).

Kolkin et al. 2022, section 3 ("feature splitting"), and the authors' code.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from nstcore.checks import whole_number
from nstcore.losses import ops
from nstcore.losses.loss import Layer, Reads, Tensor
from nstcore.losses.nearest import AT_ONCE, chosen, flat, mean_cosine_distance, nearest, unit
from nstcore.losses.viewed import Viewed


@dataclass(frozen=True, kw_only=True)
class LayerNeighbors(Viewed):
    """Mean over the positions of 1 − cos(f − μ, s_NN − μ_s), at each layer.

    NN is the style's position of the largest such cosine, found anew at each evaluation; μ and μ_s are the means of the
    positions that are compared. Unlike `NearestNeighbors` it lets each layer look for itself: more of the style, less
    of the content's structure, which is why it comes last.

    A layer with more positions is thinned out to a grid, that of the style by the same step. The authors draw another
    grid at each step; here it is one throughout, in the middle of each cell, so that the loss is a function.

    Attributes:
        most: of a layer with more positions than this along a side every n-th is compared, so that there are no more;
            the authors' is 64, of which they may have nearly twice as many. 0 compares all.
    """

    most: int = 64

    reads: ClassVar[Reads] = "style"
    regions: ClassVar[bool] = False
    version: ClassVar[int] = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number(self._label("most"), self.most, 0)

    def features(self, *activations: Tensor) -> Tensor:
        """(B, h, w, N), float32, all positions: the step is that of the optimised picture."""
        (activation,) = activations
        return ops.cast(activation, "float32")

    def target(self, features: Tensor, guide: Tensor | None = None) -> dict[str, Tensor]:
        return {"features": features}

    def value(self, features: Tensor, target: Mapping[str, Tensor], guide: Tensor | None = None) -> Tensor:
        step = self.step(*features.shape[1:3])
        style = ops.concatenate([thinned(one, step) for one in self.of_views(target, "features")], axis=1)
        own, others = (unit(one - ops.mean(one, axis=1, keepdims=True)) for one in (thinned(features, step), style))
        return mean_cosine_distance(own, chosen(others, nearest(ops.stop_gradient(own), others)))

    def step(self, height: int, width: int) -> int:
        """Positions from one that is compared to the next."""
        return math.ceil(max(height, width) / self.most) if self.most else 1

    def held(self, layers: Sequence[Layer]) -> int:
        """The style and its copies, and of the positions that are compared the features, centered and of length 1."""
        (layer,) = layers
        compared = min(layer.positions, self.most**2) if self.most else layer.positions
        copies = len(self.views)
        return (copies * layer.positions + (4 + 3 * copies) * compared) * layer.channels + AT_ONCE


def thinned(features: Tensor, step: int) -> Tensor:
    """Every n-th position of (B, h, w, N), from the middle of the first cell on: (B, M, N)."""
    first = [min(step // 2, side - 1) for side in features.shape[1:3]]
    return flat(features[:, first[0] :: step, first[1] :: step])
