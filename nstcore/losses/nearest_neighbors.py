"""The angle between each hypercolumn and the style's nearest one (NNST, Kolkin et al. 2022, section 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nstcore.checks import number, true_or_false
from nstcore.losses import ops
from nstcore.losses.hypercolumns import Joined, hypercolumns, positions_joined
from nstcore.losses.loss import Layer, Reads, Tensor, setting
from nstcore.losses.nearest import AT_ONCE, chosen, mean_cosine_distance, nearest, unit
from nstcore.losses.viewed import Viewed


@dataclass(frozen=True, kw_only=True)
class NearestNeighbors(Joined, Viewed):
    """Mean over the positions of 1 − cos(h, h_NN).

    A hypercolumn h joins all layers, each divided by the number of its channels. NN is the style's of the largest
    cosine, where the mean of all hypercolumns of a picture was taken from each; the loss compares them as they are, as
    the authors' code does. They take neighbors of the style's quarter turns too (`rotations`).

    Attributes:
        fixed: find NN once for each size, otherwise anew at each evaluation.
        progress: whom fixed ones are found for at sizes after the first: the content picture, changed by this share of
            what the size before has changed of it, 0 to 1. The authors' is 0.25 (their code's 1 − alpha).
    """

    fixed: bool = True
    progress: float = setting(0.25, shapes=())

    version: ClassVar[int] = 2

    reads: ClassVar[Reads] = "style"
    regions: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        true_or_false(self._label("fixed"), self.fixed)
        progress = number(self._label("progress"), self.progress, most=1.0)
        object.__setattr__(self, "progress", progress)

    def features(self, *activations: Tensor) -> Tensor:
        """Hypercolumns (B, M, N), float32, N the channels of all layers."""
        columns = hypercolumns([ops.cast(one, "float32") / float(one.shape[-1]) for one in activations])
        return ops.reshape(columns, (columns.shape[0], -1, columns.shape[-1]))

    def target(self, features: Tensor, guide: Tensor | None = None) -> dict[str, Tensor]:
        return {"features": features}

    def value(self, features: Tensor, target: Mapping[str, Tensor], guide: Tensor | None = None) -> Tensor:
        if self.fixed:
            return distance(features, target["features"])
        style = ops.concatenate(self.of_views(target, "features"), axis=1)
        return distance(features, chosen(style, match(features, style)))

    @property
    def keeps_positions(self) -> bool:
        return not self.fixed

    @property
    def matches_content(self) -> bool:
        return self.fixed

    @property
    def progress_matched(self) -> float:
        return self.progress if self.fixed else 0.0

    def matched(self, target: Mapping[str, np.ndarray], content: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """`features` of the nearest neighbors, (M, N), in place of all of the style's."""
        style = np.concatenate(self.of_views(target, "features"), axis=0)
        found = match(*(ops.convert_to_tensor(one[np.newaxis]) for one in (content["features"], style)))
        return {"features": style[ops.convert_to_numpy(found)[0]]}

    def held(self, layers: Sequence[Layer]) -> int:
        """Hypercolumns: of the picture and the style as they are, centered, of length 1, and their differences."""
        copies = 1 if self.fixed else len(self.views)
        return (5 + 3 * copies) * positions_joined(layers) * sum(layer.channels for layer in layers) + AT_ONCE


def match(features: Tensor, style: Tensor) -> Tensor:
    """NN, (B, M) of hypercolumns (B, M, N) among those of the style, (B, M', N); no gradient goes through it."""
    return nearest(_centered(ops.stop_gradient(features)), unit(_centered(style)))


def distance(features: Tensor, neighbors: Tensor) -> Tensor:
    """The mean of 1 − cos of hypercolumns with neighbors that are given, both (B, M, N): (B,)."""
    return mean_cosine_distance(unit(features), unit(neighbors))


def _centered(features: Tensor) -> Tensor:
    return features - ops.mean(features, axis=1, keepdims=True)
