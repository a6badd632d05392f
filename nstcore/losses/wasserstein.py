"""The Wasserstein-2 distance of two layers' features, taken to be distributed normally."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nstcore.losses import ops
from nstcore.losses.gram import gram_matrix
from nstcore.losses.loss import Layer, Loss, Reads, Tensor
from nstcore.losses.moments import moments

# Variance that is added to both covariances in every direction, as a share of the style's total variance. Directions
# with much less do not count, and nothing is divided by 0 where there are fewer positions than channels.
_NOISE = 1e-4
# At least this share of the picture's own total variance, for a style with next to none: below, rounding errors could
# make the covariance of the picture indefinite, and its Cholesky factor a failure.
_LEAST_NOISE = 1e-5
# A style's variance below this share of its energy is that of rounding errors.
_ROUNDING = 1e-9
_TINY = 1e-30
# After twelve the singular values that began between `_NOISE` and 1 are within 2e-4 of 1, after one more within 1e-8.
_ITERATIONS = 13
# Matrices that were held at once, by the iterations, the Cholesky factor and its gradient: with VGG19 on TensorFlow.
_HELD = 37


@dataclass(frozen=True, kw_only=True)
class Wasserstein(Loss):
    """‖μ − μ_s‖² + tr(Σ + Σ_s − 2 (Σ_s^½ Σ Σ_s^½)^½), with means μ and covariances Σ over the positions of each layer.

    The squared distance of two Gaussian distributions (Dowson and Landau 1982), a style loss since Crowson's
    "style-transfer-pytorch", which takes the roots by Newton and Schulz's iteration. So does this one, but not of
    Σ_s^½ Σ Σ_s^½. Its condition number is the product of those of both covariances, more than float32 can tell apart:
    for random covariances of 64 and 512 channels 12 iterations were 0.3 to 4 % off. Instead the distance of the
    covariances is written as a minimum,

        min ‖Σ_s^½ − L Qᵀ‖² over all orthogonal Q, where Σ = L Lᵀ,

    which the orthogonal factor of Σ_s^½ L gives. The condition number of that is the root of the other, and a sum of
    squares has all its digits where the distance is small: for the same covariances it was 1e-7 off. And Q counts as
    constant in the gradient, because it is at a minimum, so that nothing has to be kept of the iterations.

    Both covariances have 1e-4 of the style's total variance added in every direction, in place of the 1e-4 that Crowson
    adds to features of another scale.
    """

    reads: ClassVar[Reads] = "style"

    def target(self, features: Tensor, guide: Tensor | None = None) -> dict[str, Tensor]:
        """`mean`, (B, N), and `covariance`, (B, N, N)."""
        mean, deviations = moments(features, guide)
        return {"mean": mean, "covariance": gram_matrix(deviations)}

    def value(self, features: Tensor, target: Mapping[str, Tensor], guide: Tensor | None = None) -> Tensor:
        mean, deviations = moments(features, guide)
        scale, root = target["scale"], target["root"]
        deviations = deviations / ops.reshape(ops.sqrt(scale), (-1, 1, 1))
        noise = ops.maximum(_NOISE, _LEAST_NOISE * ops.sum(ops.square(deviations), axis=(1, 2)))
        covariance = gram_matrix(deviations) + ops.reshape(noise, (-1, 1, 1)) * ops.eye(features.shape[-1])
        factor = ops.cholesky(covariance)
        rotation = _orthogonal_factor(ops.stop_gradient(ops.matmul(root, factor)))
        turned = ops.matmul(factor, ops.swapaxes(rotation, -2, -1))
        of_means = ops.sum(ops.square(mean - target["mean"]), axis=-1)
        return of_means + scale * ops.sum(ops.square(root - turned), axis=(-2, -1))

    def constants(self, target: Mapping[str, np.ndarray], layer: Layer) -> dict[str, np.ndarray]:
        """`mean`, the style's total variance `scale`, and in units of that `root`, Σ_s^½, which is found in float64."""
        scale = _scale(target)
        root = _square_root(_with_noise(target["covariance"], scale))
        return {"mean": target["mean"], "scale": np.asarray(scale, np.float32), "root": root.astype(np.float32)}

    def coefficient(self, layer: Layer) -> None:
        return None

    def held(self, layers: Sequence[Layer]) -> int:
        (layer,) = layers
        return _HELD * layer.channels**2

    def between(self, seen: Mapping[str, np.ndarray], target: Mapping[str, np.ndarray]) -> float:
        scale = _scale(target)
        own, other = (_with_noise(one["covariance"], scale) for one in (seen, target))
        # The trace of the last root is the sum of the singular values of a product of any two roots.
        product = np.linalg.cholesky(own).T @ np.linalg.cholesky(other)
        common = np.linalg.svd(product, compute_uv=False).sum()
        of_means = np.sum(np.square(seen["mean"] - target["mean"], dtype=np.float64))
        return float(of_means + scale * max(0.0, np.trace(own) + np.trace(other) - 2.0 * common))


def _scale(target: Mapping[str, np.ndarray]) -> float:
    """The total variance of a style; more than 0."""
    variance = float(np.trace(target["covariance"].astype(np.float64)))
    energy = variance + float(np.sum(np.square(target["mean"], dtype=np.float64)))
    return max(variance, _ROUNDING * energy, _TINY)


def _with_noise(covariance: np.ndarray, scale: float) -> np.ndarray:
    covariance = covariance.astype(np.float64) / scale
    noisy: np.ndarray = covariance + max(_NOISE, _LEAST_NOISE * float(np.trace(covariance))) * np.eye(len(covariance))
    return noisy


def _square_root(matrix: np.ndarray) -> np.ndarray:
    """The symmetric root of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    root: np.ndarray = (vectors * np.sqrt(values.clip(0.0))) @ vectors.T
    return root


def _orthogonal_factor(matrix: Tensor) -> Tensor:
    """U of the polar decomposition C = U H of matrices (B, N, N), by products alone.

    Newton and Schulz's iteration X ← ½ X (3 − XᵀX) takes every singular value between 0 and √3 to 1, small ones slowly,
    by a factor of 3/2 each time; scaled it is 2.6 (Chen and Chow 2014, "A stable scaling of Newton-Schulz for improving
    the sign function computation of a Hermitian matrix"): where all are between l and 1, X is multiplied by the ρ with
    which l and 1 come to the same, the next l. Singular values that begin below the first l stay short of 1.
    """
    factor = matrix / ops.sqrt(ops.sum(ops.square(matrix), axis=(-2, -1), keepdims=True))
    least = _NOISE
    for _ in range(_ITERATIONS):
        scale = math.sqrt(3.0 / (1.0 + least + least**2))
        square = ops.matmul(ops.swapaxes(factor, -2, -1), factor)
        factor = 1.5 * scale * factor - 0.5 * scale**3 * ops.matmul(factor, square)
        least = 0.5 * scale * least * (3.0 - (scale * least) ** 2)
    return factor
