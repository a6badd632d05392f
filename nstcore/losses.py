"""The terms of the loss: pure functions of tensors, written with `keras.ops` and therefore symbolic on symbolic input.

Feature maps are (M, N): M positions (height x width), N channels. Those of a batch of B > 1 pictures are (B, M, N), and
every loss is then a vector (B,) with one value per picture; a single picture has no axis for it, so that its products
are plain matrix products and its losses scalars.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from nstcore.config import StyleNormalization, TotalVariation

Tensor = Any  # a Keras symbolic tensor, or a tensor or array of the active backend

_TOTAL_VARIATION_EXPONENT: dict[TotalVariation, float] = {"power": 1.25, "squared": 1.0}


def feature_matrix(activation: Tensor) -> Tensor:
    """Flatten the positions of a (B, height, width, N) activation: (M, N) if B is 1, else (B, M, N); float32."""
    pictures, channels = activation.shape[0], activation.shape[-1]
    shape = (-1, channels) if pictures == 1 else (pictures, -1, channels)
    return ops.cast(ops.reshape(activation, shape), "float32")


def gram_matrix(features: Tensor) -> Tensor:
    """G = FᵀF, (N, N) or (B, N, N), not normalised (Gatys 2016, eq. 3).

    Its derivative is right for losses with a symmetric derivative by G, such as a distance from another Gram matrix:
    then both paths from F give the same, so that one product is computed, and doubled, instead of two.
    """
    gram = ops.matmul(ops.swapaxes(features, -2, -1), ops.stop_gradient(features))
    return 2.0 * gram - ops.stop_gradient(gram)


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """½ Σ (F - P)² over one layer (Gatys 2016, eq. 1)."""
    return 0.5 * ops.sum(ops.square(features - target), axis=(-2, -1))


def gram_distance(gram: Tensor, target: Tensor) -> Tensor:
    """Σ (G - A)² over one layer, the part that all style normalisations share."""
    return ops.sum(ops.square(gram - target), axis=(-2, -1))


def total_variation_loss(picture: Tensor, kind: TotalVariation) -> Tensor:
    """Σ ((x[i,j] - x[i+1,j])² + (x[i,j] - x[i,j+1])²)^p of (B, H, W, 3) pictures.

    "power" is p = 1.25, "squared" p = 1. The last row and column have no neighbour and start no difference, as in the
    classic Keras example.
    """
    corner = picture[:, :-1, :-1, :]
    down = ops.square(corner - picture[:, 1:, :-1, :])
    right = ops.square(corner - picture[:, :-1, 1:, :])
    axes = None if picture.shape[0] == 1 else (1, 2, 3)
    return ops.sum(ops.power(down + right, _TOTAL_VARIATION_EXPONENT[kind]), axis=axes)


def style_coefficient(
    normalization: StyleNormalization, *, channels: int, positions: int, pixels: int, reference: float
) -> float:
    """The factor c that turns Σ (G/M - T)² into a layer's style term E.

    Every normalisation is evaluated in this one form, so that one compiled graph serves all of them and no Gram matrix
    grows with the picture; `style_target` gives the T that belongs to it.

    - "gatys": 1 / (4 N²); with M inside, this is eq. 4 of Gatys 2016, 1 / (4 N² M²) Σ (G - A)², and for pictures of
      different size each Gram matrix is divided by its own M.
    - "none": M², so that Σ (G - A)² remains (Lisciandrello's repair for ResNet50).
    - "keras-example": M² / (4 · 3² · pixels²), the classic example's constants at every layer.
    - "balanced": 1 / reference, see `nstcore.targets`.

    Args:
        channels, positions: N and M of the layer for the picture that is optimised.
        pixels: height x width of that picture.
        reference: the layer's reference value; used by "balanced" alone, > 0.
    """
    if normalization == "gatys":
        return 1.0 / (4.0 * channels**2)
    if normalization == "none":
        return float(positions) ** 2
    if normalization == "keras-example":
        return float(positions) ** 2 / (4.0 * 3.0**2 * float(pixels) ** 2)
    return 1.0 / reference


def style_target_divisor(normalization: StyleNormalization, *, positions: int, style_positions: int) -> int:
    """What the style's raw Gram matrix A is divided by to give the T of `style_coefficient`.

    "none" and "keras-example" compare raw Gram matrices, so A is divided by the M of the optimised picture; "gatys" and
    "balanced" divide A by its own M.
    """
    return positions if normalization in ("none", "keras-example") else style_positions
