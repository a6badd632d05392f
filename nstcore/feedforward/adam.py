"""Adam (Kingma and Ba 2015, algorithm 1), without state of its own, for the weights of a network.

Keras' own is applied without state on JAX alone; here what it changes are tensors that are passed on, on every backend.
Its updates are those of `keras.optimizers.Adam`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from keras import ops

from nstcore.backend import Tensor

# As in the paper, and in Johnson's code.
_FIRST, _SECOND, _EPSILON = 0.9, 0.999, 1e-8


class Moments(NamedTuple):
    """What Adam remembers.

    Attributes:
        count: of the updates so far, float32 ().
        first: running means of the gradients, one per weight.
        second: those of their squares.
    """

    count: Tensor
    first: list[Tensor]
    second: list[Tensor]


def start(weights: Sequence[np.ndarray]) -> Moments:
    """Having seen nothing yet, as arrays."""
    return Moments(np.zeros((), np.float32), *([np.zeros_like(one) for one in weights] for _ in range(2)))


def update(
    weights: Sequence[Tensor], gradients: Sequence[Tensor], moments: Moments, rate: Tensor
) -> tuple[list[Tensor], Moments]:
    """The weights after one update, and what is remembered then.

    Args:
        rate: α, float32 ().
    """
    count = moments.count + 1.0
    first = [_FIRST * m + (1.0 - _FIRST) * g for m, g in zip(moments.first, gradients, strict=True)]
    second = [_SECOND * v + (1.0 - _SECOND) * ops.square(g) for v, g in zip(moments.second, gradients, strict=True)]
    # Both corrections of section 3 at once, as section 2 has them.
    step = rate * ops.sqrt(1.0 - ops.power(_SECOND, count)) / (1.0 - ops.power(_FIRST, count))
    moved = [weight - step * m / (ops.sqrt(v) + _EPSILON) for weight, m, v in zip(weights, first, second, strict=True)]
    return moved, Moments(count, first, second)
