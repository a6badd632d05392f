"""Muon: steps of kernels whose singular values are all alike (Jordan 2024, "Muon: an optimizer for hidden layers").

The momentum of a kernel, as a matrix from all that it reads to its channels, is replaced by the nearest
semi-orthogonal matrix. A step then moves a kernel in every direction that its gradients have, and not in the few
strongest ones alone. What is no kernel, or reads or gives pictures, goes by Adam. Scaled so that a step has about the
mean square of one of Adam's (Liu et al. 2025, "Muon is scalable for LLM training", equation 4), so that one rate serves
both.
"""

from __future__ import annotations

from collections.abc import Sequence

from keras import ops

from nstcore.backend import Tensor
from nstcore.feedforward import adam
from nstcore.feedforward.adam import Moments

_MOMENTUM = 0.95
_RMS_OF_ADAM = 0.2
# Of the polynomial that is iterated: Jordan's, which come near 1 fast and then stay within 0.7 to 1.2.
_A, _B, _C = 3.4445, -4.7750, 2.0315
_ITERATIONS = 5
_TINY = 1e-7
# Kernels with no more channels than this on one side read or give pictures.
_OF_PICTURES = 3


def update(
    weights: Sequence[Tensor], gradients: Sequence[Tensor], moments: Moments, rate: Tensor
) -> tuple[list[Tensor], Moments]:
    """As `adam.update`; of a kernel the first moment is Muon's momentum."""
    moved, after = adam.update(weights, gradients, moments, rate)
    first = list(after.first)
    for place, (weight, gradient, before) in enumerate(zip(weights, gradients, moments.first, strict=True)):
        if not _is_hidden(weight):
            continue
        first[place] = _MOMENTUM * before + gradient
        height, width, into, out_of = weight.shape
        matrix = ops.reshape(gradient + _MOMENTUM * first[place], (height * width * into, out_of))
        scale = _RMS_OF_ADAM * float(max(matrix.shape)) ** 0.5
        moved[place] = weight - rate * scale * ops.reshape(orthogonalized(matrix), weight.shape)
    return moved, after._replace(first=first)


def orthogonalized(matrix: Tensor) -> Tensor:
    """About U Vᵀ of a matrix U S Vᵀ, by five iterations of Newton and Schulz: singular values within 0.7 to 1.2.

    A matrix of zeros stays one.
    """
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = ops.transpose(matrix) if is_tall else matrix
    x = x / (ops.sqrt(ops.sum(ops.square(x))) + _TINY)
    for _ in range(_ITERATIONS):
        gram = ops.matmul(x, ops.transpose(x))
        x = _A * x + ops.matmul(_B * gram + _C * ops.matmul(gram, gram), x)
    return ops.transpose(x) if is_tall else x


def _is_hidden(weight: Tensor) -> bool:
    return len(weight.shape) == 4 and min(weight.shape[2:]) > _OF_PICTURES
