"""Losses and gradients of a batch, with what the host reads of them in one vector a picture."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from keras import ops

from nstcore.backend import compiled, differentiate
from nstcore.optimizers.protocol import LossFunction, Tensor
from nstcore.system.kept import droppable


@droppable
@lru_cache(maxsize=8)
def evaluation(function: LossFunction) -> Callable[[Tensor, Any], tuple[Tensor, Tensor]]:
    """Compile (z, arguments) -> (gradient (B, H, W, 3), scalars (B, 2 + T)), once for each loss function.

    The scalars of a picture are the value, the terms, and the mean absolute gradient, which is finite if all of the
    gradient is.
    """
    with_gradient = differentiate(function)

    def evaluate(z: Tensor, arguments: Any) -> tuple[Tensor, Tensor]:
        values, terms, gradient = with_gradient(z, arguments)
        mean = ops.mean(ops.abs(gradient), axis=(1, 2, 3))
        return gradient, ops.concatenate([ops.expand_dims(values, 1), terms, ops.expand_dims(mean, 1)], axis=1)

    return compiled(evaluate)
