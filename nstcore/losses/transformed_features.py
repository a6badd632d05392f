"""The distance from the content's features with the style's mean and covariance (WCT, Li et al. 2017, eq. 2 to 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nstcore.checks import expected, number
from nstcore.errors import ConfigError
from nstcore.losses import ops
from nstcore.losses.loss import Layer, Loss, Reads, Tensor

# Directions in which features vary less than this share of the most are noise, and are left out.
_LEAST_VARIANCE = 1e-5


@dataclass(frozen=True, kw_only=True)
class TransformedFeatures(Loss):
    """½ Σ (F − F_cs)² at each layer, F_cs = α T(P) + (1 − α) P.

    T whitens the features P of the content, E_c D_c^−½ E_cᵀ (P − μ_c), and colors them with the style, E_s D_s^½ E_sᵀ ·
    + μ_s, where E D Eᵀ are the covariances. The authors turn F_cs into a picture by a decoder that was trained for
    each layer, from the deepest to the first. Here the picture is optimised for all layers at once.

    Attributes:
        alpha: α, 0 to 1; the authors take 0.6 for pictures that keep their content.
    """

    alpha: float = 0.6

    reads: ClassVar[Reads] = "style"
    regions: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "alpha", number(self._label("alpha"), self.alpha))
        if self.alpha > 1.0:
            raise ConfigError(expected(self._label("alpha"), "a number from 0 to 1", self.alpha))

    def target(self, features: Tensor, guide: Tensor | None = None) -> dict[str, Tensor]:
        return {"features": features}

    def value(self, features: Tensor, target: Mapping[str, Tensor], guide: Tensor | None = None) -> Tensor:
        return 0.5 * ops.sum(ops.square(features - target["features"]), axis=(-2, -1))

    @property
    def matches_content(self) -> bool:
        return True

    def matched(self, target: Mapping[str, np.ndarray], content: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """`features` F_cs, (M, N), in place of the style's, found in float64."""
        own = content["features"].astype(np.float64)
        transformed = transform(own, target["features"].astype(np.float64))
        return {"features": (self.alpha * transformed + (1.0 - self.alpha) * own).astype(np.float32)}

    def coefficient(self, layer: Layer) -> None:
        return None


def transform(features: np.ndarray, style: np.ndarray) -> np.ndarray:
    """Features (M, N) with the mean and the covariance of a style's (M', N), as far as they vary at all."""
    mean, of_style = features.mean(axis=0), style.mean(axis=0)
    whitening, coloring = _power(features - mean, -0.5), _power(style - of_style, 0.5)
    transformed: np.ndarray = (features - mean) @ whitening @ coloring + of_style
    return transformed


def _power(deviations: np.ndarray, exponent: float) -> np.ndarray:
    """A power of the covariance of deviations (M, N), in the directions in which they vary."""
    values, vectors = np.linalg.eigh(deviations.T @ deviations / len(deviations))
    counted = values > _LEAST_VARIANCE * values[-1]
    values, vectors = values[counted], vectors[:, counted]
    power: np.ndarray = (vectors * values**exponent) @ vectors.T
    return power
