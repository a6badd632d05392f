"""The relaxed earth mover's distance of hypercolumns, and of their moments (STROTSS, Kolkin et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from nstcore.checks import number
from nstcore.losses import ops
from nstcore.losses.hypercolumns import Sampled, positions_joined
from nstcore.losses.loss import Layer, Reads, Tensor
from nstcore.losses.nearest import chosen, mean_cosine_distance, nearest, unit

_TINY = 1e-30


@dataclass(frozen=True, kw_only=True)
class EarthMovers(Sampled):
    """max(mean_i min_j C_ij, mean_j min_i C_ij), eq. 5, and `moments` times the distance of means and covariances.

    C_ij is 1 − cos of the hypercolumns i of the picture and j of the style, eq. 6. The moments, eq. 7, are compared by
    the mean of absolute differences. Besides what the paper has, hypercolumns are divided by their root mean square in
    the style for it: so the weight of the moments does not depend on the scale of a network's activations. The authors'
    palette term is a loss of its own (`nstcore.losses.palette`).

    Attributes:
        moments: weight of the moments; the authors' is 1.
    """

    moments: float = 1.0

    reads: ClassVar[Reads] = "style"
    regions: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "moments", number(self._label("moments"), self.moments))

    def target(self, features: Tensor, guide: Tensor | None = None) -> dict[str, Tensor]:
        return {"features": features}

    def value(self, features: Tensor, target: Mapping[str, Tensor], guide: Tensor | None = None) -> Tensor:
        style = target["features"]
        value = relaxed_distance(features, style)
        return value + self.moments * distance_of_moments(features, style) if self.moments else value

    @property
    def keeps_positions(self) -> bool:
        return True  # of those that are sampled, fewer where a picture has no more

    def coefficient(self, layer: Layer) -> float | None:
        return None

    def held(self, layers: Sequence[Layer]) -> int:
        """Hypercolumns, of which some are sampled and covariances made."""
        channels = sum(layer.channels for layer in layers)
        return (positions_joined(layers) + 8 * self.samples) * channels + 4 * channels**2


def relaxed_distance(features: Tensor, style: Tensor) -> Tensor:
    """(B,), of hypercolumns (B, n, N) and (B, m, N).

    Which are nearest is found without a gradient, so that products of all pairs have none to be computed.
    """
    features, style = unit(features), unit(style)
    constant = ops.stop_gradient(features)
    to_style = mean_cosine_distance(features, chosen(style, nearest(constant, style)))
    from_style = mean_cosine_distance(style, chosen(features, nearest(style, constant)))
    return ops.maximum(to_style, from_style)


def distance_of_moments(features: Tensor, style: Tensor) -> Tensor:
    """(B,), the mean absolute difference of the means, and that of the covariances."""
    scale = ops.sqrt(ops.maximum(ops.mean(ops.square(style), axis=(1, 2), keepdims=True), _TINY))
    (mean, covariance), (mean_of_style, covariance_of_style) = _moments(features / scale), _moments(style / scale)
    of_means = ops.mean(ops.abs(mean - mean_of_style), axis=(1, 2))
    return of_means + ops.mean(ops.abs(covariance - covariance_of_style), axis=(1, 2))


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """(B, 1, N) and (B, N, N)."""
    mean = ops.mean(features, axis=1, keepdims=True)
    spread = features - mean
    return mean, ops.matmul(ops.swapaxes(spread, -2, -1), spread) / float(features.shape[1])
