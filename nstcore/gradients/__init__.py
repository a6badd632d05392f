"""From a symbolic loss to a function that computes it and its gradient, and what else each backend does its own way.

Keras 3 has no public gradient, so each of its backends needs an adapter; nothing else in the project knows which
backend is active, but for the optimisers of `nstcore.device_lbfgs`. An adapter module has the functions below, for its
backend.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import keras
import numpy as np

from nstcore.errors import ConfigError
from nstcore.keras_start import BACKENDS, chosen_backend
from nstcore.numerics import own_numerics

#: (1, H, W, 3) float32 picture -> (name of each term -> value, gradient of the total of the picture's shape).
ValueAndGradient = Callable[[np.ndarray], tuple[dict[str, float], np.ndarray]]


@dataclass(frozen=True)
class BoundLoss:
    """The loss of one pair of pictures, or of a batch of them, for callers on the host and for those on the device.

    Calling it is calling `evaluate` within `nstcore.numerics.own_numerics`.

    Attributes:
        evaluate: computes from and to arrays of the host: a `ValueAndGradient`, or of the graph of a batch (B, H, W, 3)
            -> (name of each term -> B values, gradients of their own totals).
        terms: (float32 pictures, `arguments`) -> name of each term -> value, all of them tensors of the backend; it can
            be traced and differentiated. One object per compiled graph, shared by all pairs.
        arguments: on the device already; compiled functions take them as arguments, so that one serves all pairs.
    """

    evaluate: Callable[[np.ndarray], tuple[dict[str, Any], np.ndarray]]
    terms: Callable[[Any, Any], dict[str, Any]]
    arguments: Any

    def __call__(self, pictures: np.ndarray) -> tuple[dict[str, Any], np.ndarray]:
        with own_numerics():
            return self.evaluate(pictures)


#: The other inputs of the graph -> the function of the pictures alone. They go to the device once, when bound.
Bind = Callable[[dict[str, Any]], BoundLoss]


def compile_value_and_gradient(graph: keras.Model) -> Bind:
    """Compile a loss graph (`nstcore.loss_graph.build_loss_graph`) with the active Keras backend."""
    bind: Bind = _adapter().compile_value_and_gradient(graph)
    return own_numerics()(bind)


def compile_forward(model: keras.Model, outputs: Callable[[Any], Any]) -> Callable[[np.ndarray], Any]:
    """Compute what a model and a function of its outputs give for pictures, none of which needs a gradient.

    Compiled on JAX, which otherwise compiles every operation by itself, for every size: two first pictures of different
    size, 256 px, took about a third of the time with VGG19 and InceptionV3. Eager on TensorFlow, where `tf.function`
    took 0.85 of the time for two first pictures of one size with VGG19, but twice as long with InceptionV3; and on
    torch.

    Args:
        model: takes (B, H, W, 3).
        outputs: takes what the model gives; gives any nest of tensors and numbers, and can be traced.

    Returns:
        The function of float32 pictures; what it gives is on the device.
    """
    forward: Callable[[np.ndarray], Any] = _adapter().compile_forward(model, outputs)
    return own_numerics()(forward)


def process_numerics() -> list[tuple[Callable[[], Any], Callable[[Any], None], Any]]:
    """What `nstcore.numerics` keeps to itself for all threads: reads a variable, sets it, and its value here."""
    settings: list[tuple[Callable[[], Any], Callable[[Any], None], Any]] = _adapter().process_numerics()
    return settings


def thread_numerics() -> AbstractContextManager[None]:
    """The same for what every thread has for itself, as a context."""
    context: AbstractContextManager[None] = _adapter().thread_numerics()
    return context


def device_name() -> str:
    """The name of the GPU that the active backend computes on, or "cpu"."""
    name: str = _adapter().device_name()
    return name


def free_device_memory() -> int | None:
    """Bytes free on the GPU that the active backend computes on; None on a processor, or if it does not tell."""
    free: int | None = _adapter().free_device_memory()
    return free


def multiplies_bfloat16() -> bool | None:
    """Whether the accelerator that the active backend computes on has matrix units for bfloat16; None on a processor.

    By specification: TPUs have them, NVIDIA GPUs from compute capability 8.0 (CUDA C++ Programming Guide, "Compute
    Capabilities"); of other accelerators nothing is known here, which counts as False.
    """
    answer: bool | None = _adapter().multiplies_bfloat16()
    return answer


def _adapter() -> ModuleType:
    backend = chosen_backend()
    if backend.name not in BACKENDS:  # Keras was imported by someone else
        raise ConfigError(f"Keras runs on {backend.name!r}; expected one of {', '.join(BACKENDS)}")
    return importlib.import_module(f"nstcore.gradients.{backend.name}")
