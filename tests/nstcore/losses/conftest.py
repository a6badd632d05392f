"""What the tests of the losses share: what a loss compares with, its gradient, and central differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from nstcore import backend
from nstcore.losses import Layer, Loss


@pytest.fixture(scope="session")
def compared() -> Callable[..., dict[str, np.ndarray]]:
    """Loss, features of reference pictures (B, M, N) -> what `value` takes, as the engine makes it of the target.

    `like` are features of the optimised pictures, if they have another number of positions.
    """

    def compared(loss: Loss, reference: Any, guide: Any = None, like: Any = None) -> dict[str, np.ndarray]:
        target = {name: keras.ops.convert_to_numpy(array) for name, array in loss.target(reference, guide).items()}
        last = keras.tree.flatten(reference if like is None else like)[-1]
        layer = Layer(positions=last.shape[1], channels=last.shape[2], pixels=4 * last.shape[1])
        rows = [loss.constants({name: array[row] for name, array in target.items()}, layer) for row in range(len(last))]
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}

    return compared


@pytest.fixture(scope="session")
def gradient_of() -> Callable[..., np.ndarray]:
    """Loss, features, what they are compared with -> the gradient by the features, as the engine computes it."""

    def gradient_of(loss: Loss, features: np.ndarray, target: Any, guide: Any = None) -> np.ndarray:
        def function(x: Any, target: Any) -> tuple[Any, Any]:
            return loss.value(x, target, guide), {}

        differentiated = backend.compiled(backend.differentiate(function))
        return backend.to_host(differentiated(*backend.on_device((features, target)))[2])

    return gradient_of


@pytest.fixture(scope="session")
def central_differences() -> Callable[..., np.ndarray]:
    """Function of float64 features to a number, the features -> its gradient."""

    def central_differences(function: Callable[[np.ndarray], float], at: np.ndarray, step: float = 1e-6) -> np.ndarray:
        gradient = np.zeros(at.shape)
        for place in np.ndindex(at.shape):
            moved = np.zeros(at.shape)
            moved[place] = step
            gradient[place] = (function(at + moved) - function(at - moved)) / (2 * step)
        return gradient

    return central_differences
