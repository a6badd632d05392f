"""Value and gradient on torch: the graph run eagerly, then `torch.autograd.grad`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import torch

from nstcore.gradients import Bind, ValueAndGradient


def compile_value_and_gradient(graph: keras.Model) -> Bind:
    def bind(others: dict[str, Any]) -> ValueAndGradient:
        on_device = keras.tree.map_structure(keras.ops.convert_to_tensor, others)

        def evaluate(picture: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
            with torch.enable_grad():
                variable = keras.ops.convert_to_tensor(picture).detach().requires_grad_(True)
                terms = graph({"picture": variable, **on_device}, training=False)
                (gradient,) = torch.autograd.grad(terms["total"].sum(), variable)
            return {name: value.tolist() for name, value in terms.items()}, gradient.cpu().numpy()

        return evaluate

    return bind


def device_name() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
