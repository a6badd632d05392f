"""The relaxed earth mover's distance of colors (STROTSS, Kolkin et al. 2019: the palette term of the authors' code)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from nstcore.checks import whole_number
from nstcore.losses import ops
from nstcore.losses.loss import PICTURE, Layer, Loss, Reads, Tensor, feature_matrix
from nstcore.losses.nearest import chosen, unit
from nstcore.losses.resizing import areas, resized

# Added to the mean square differences of two colors before their root, as the authors bound them.
_LEAST_SQUARE = 1e-5


@dataclass(frozen=True, kw_only=True)
class Palette(Loss):
    """max(mean_i min_j C_ij, mean_j min_i C_ij) over colors x_i of the picture and y_j of the style, -½ to ½.

    C_ij = 1 − cos(x_i, y_j) + √(‖x_i − y_j‖² / 3). The authors decorrelate colors first, by an orthogonal matrix, which
    changes neither term. They bound the root's argument from below; here a constant is added, and taken off again, so
    that equal colors have a distance of 0. Which are nearest is constant in the gradient.

    Colors are the means of the cells of a grid. The authors draw other pixels at each step; a loss that stays the same
    would move those that were drawn once, and leave specks.

    Attributes:
        layers: the picture itself; another layer is compared in the same way.
        samples: the most cells, >= 1; every pixel is one where there are no more.
    """

    layers: tuple[str, ...] = (PICTURE,)
    samples: int = 1024

    reads: ClassVar[Reads] = "style"
    regions: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number(self._label("samples"), self.samples, 1)

    def features(self, *activations: Tensor) -> Tensor:
        """(B, cells, N), float32."""
        (activation,) = activations
        height, width = activation.shape[1:3]
        share = min(1.0, math.sqrt(self.samples / (height * width)))
        return feature_matrix(resized(activation, max(1, int(height * share)), max(1, int(width * share)), areas))

    def target(self, features: Tensor, guide: Tensor | None = None) -> dict[str, Tensor]:
        return {"features": features}

    def value(self, features: Tensor, target: Mapping[str, Tensor], guide: Tensor | None = None) -> Tensor:
        mine, style = (one / 255.0 - 0.5 for one in (features, target["features"]))
        costs = _all_costs(ops.stop_gradient(mine), style)
        to_style = _costs(mine, chosen(style, ops.argmin(costs, axis=2)))
        from_style = _costs(style, chosen(mine, ops.argmin(costs, axis=1)))
        return ops.maximum(ops.mean(to_style, axis=1), ops.mean(from_style, axis=1))

    @property
    def keeps_positions(self) -> bool:
        return True  # the cells of a grid of the style's proportions

    def coefficient(self, layer: Layer) -> float | None:
        return None

    def held(self, layers: Sequence[Layer]) -> int:
        """The costs of all pairs, and what they are made of."""
        return 4 * self.samples**2


def _costs(colors: Tensor, others: Tensor) -> Tensor:
    """C of colors (B, n, N) one by one: (B, n)."""
    angles = 0.5 * ops.sum(ops.square(unit(colors) - unit(others)), axis=-1)
    return angles + _roots(ops.sum(ops.square(colors - others), axis=-1), colors.shape[-1])


def _all_costs(colors: Tensor, others: Tensor) -> Tensor:
    """C of all pairs of colors (B, n, N) and (B, m, N): (B, n, m)."""
    angles = 0.5 * _squares(unit(colors), unit(others))
    return angles + _roots(_squares(colors, others), colors.shape[-1])


def _roots(squares: Tensor, channels: int) -> Tensor:
    return ops.sqrt(squares / float(channels) + _LEAST_SQUARE) - math.sqrt(_LEAST_SQUARE)


def _squares(vectors: Tensor, others: Tensor) -> Tensor:
    """Squared distances of all pairs, seen from the middle of the others, where fewer digits are lost."""
    middle = ops.mean(others, axis=1, keepdims=True)
    vectors, others = vectors - middle, others - middle
    own, theirs = (ops.sum(ops.square(one), axis=-1) for one in (vectors, others))
    products = ops.matmul(vectors, ops.swapaxes(others, -2, -1))
    # No sum of the two: with TensorFlow, Keras takes a (1, 1, n) that is added to a (B, n, 1) for a bias of the n.
    return ops.relu(ops.expand_dims(own, 2) - (2.0 * products - ops.expand_dims(theirs, 1)))
