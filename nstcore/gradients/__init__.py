"""From a symbolic loss to a function that computes it and its gradient.

Keras 3 has no public gradient, so each of its backends needs an adapter; nothing else in the project knows which
backend is active. An adapter module has the two functions below, for its backend.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import keras
import numpy as np

#: (1, H, W, 3) float32 picture -> (name of each term -> value, gradient of the total of the picture's shape).
ValueAndGradient = Callable[[np.ndarray], tuple[dict[str, float], np.ndarray]]
#: The same of a graph of a batch: (B, H, W, 3) -> (name of each term -> B values, gradients of their own totals).
BatchValueAndGradient = Callable[[np.ndarray], tuple[dict[str, list[float]], np.ndarray]]
#: The other inputs of the graph -> the function of the picture alone. They go to the device once, when bound.
#: It is a `ValueAndGradient`, or of the graph of a batch a `BatchValueAndGradient`.
Bind = Callable[[dict[str, Any]], Any]


def compile_value_and_gradient(graph: keras.Model) -> Bind:
    """Compile a loss graph (`nstcore.loss_graph.build_loss_graph`) with the active Keras backend."""
    bind: Bind = _adapter().compile_value_and_gradient(graph)
    return bind


def device_name() -> str:
    """The name of the GPU that the active backend computes on, or "cpu"."""
    name: str = _adapter().device_name()
    return name


def _adapter() -> ModuleType:
    return importlib.import_module(f"nstcore.gradients.{keras.backend.backend()}")
