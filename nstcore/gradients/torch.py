"""Value and gradient on torch: the graph run eagerly, then `torch.autograd.grad`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import torch

from nstcore.gradients import Bind, BoundLoss


def compile_value_and_gradient(graph: keras.Model) -> Bind:
    def terms(picture: torch.Tensor, others: dict[str, Any]) -> dict[str, torch.Tensor]:
        found: dict[str, torch.Tensor] = graph({"picture": picture, **others}, training=False)
        return found

    def bind(others: dict[str, Any]) -> BoundLoss:
        on_device = keras.tree.map_structure(keras.ops.convert_to_tensor, others)

        def evaluate(picture: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
            with torch.enable_grad():
                variable = keras.ops.convert_to_tensor(picture).detach().requires_grad_(True)
                found = terms(variable, on_device)
                (gradient,) = torch.autograd.grad(found["total"].sum(), variable)
            return {name: value.tolist() for name, value in found.items()}, gradient.cpu().numpy()

        return BoundLoss(evaluate, terms, on_device)

    return bind


def compile_forward(model: keras.Model, outputs: Callable[[Any], Any]) -> Callable[[np.ndarray], Any]:
    return lambda pictures: outputs(model(keras.ops.convert_to_tensor(pictures), training=False))


def device_name() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def free_device_memory() -> int | None:
    return int(torch.cuda.mem_get_info()[0]) if torch.cuda.is_available() else None


def multiplies_bfloat16() -> bool | None:
    if not torch.cuda.is_available():
        return None
    # AMD's GPUs have a capability too, which counts otherwise.
    return torch.version.cuda is not None and torch.cuda.get_device_capability() >= (8, 0)
