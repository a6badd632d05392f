"""torch: functions are computed as they are called until they are traced, gradients by `torch.autograd.grad`."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import torch

from nstcore.backend.torch_tracing import Traced


def differentiate(
    function: Callable[..., tuple[torch.Tensor, Any]],
) -> Callable[..., tuple[torch.Tensor, Any, torch.Tensor]]:
    def with_gradient(x: torch.Tensor, *others: Any) -> tuple[torch.Tensor, Any, torch.Tensor]:
        with torch.enable_grad():
            x = x.detach().requires_grad_(True)
            values, more = function(x, *others)
            (gradient,) = torch.autograd.grad(values.sum(), x)
        return values.detach(), keras.tree.map_structure(torch.Tensor.detach, more), gradient

    return with_gradient


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    return _without_history(function, Traced(function))


def computed(function: Callable[..., Any]) -> Callable[..., Any]:
    return _without_history(function, function)


def _without_history(function: Callable[..., Any], called: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def without_history(*arguments: Any) -> Any:
        with torch.no_grad():
            return called(*on_device(arguments))

    return without_history


def forget_compiled() -> None:
    pass


def compiled_forward(model: keras.Model, outputs: Callable[..., Any]) -> Callable[..., Any]:
    return computed(lambda pictures, *others: outputs(model(pictures, training=False), *others))


def callable_graph(graph: keras.Model) -> tuple[Callable[[Any, Any], Any], Any]:
    return lambda inputs, weights: graph(inputs, training=False), ()


def pulling(
    function: Callable[[Any, Any], torch.Tensor],
) -> Callable[[Any, Any], tuple[torch.Tensor, Callable[..., Any]]]:
    def with_pull(inputs: Any, weights: Any) -> tuple[torch.Tensor, Callable[..., Any]]:
        trainable = [weight.detach().requires_grad_(True) for weight in weights.trainable]
        with torch.enable_grad():
            outputs = function(inputs, weights._replace(trainable=trainable))
        return outputs.detach(), lambda gradient: list(torch.autograd.grad(outputs, trainable, gradient))

    return with_pull


def on_device(nest: Any) -> Any:
    def place(leaf: Any) -> torch.Tensor:
        return leaf if isinstance(leaf, torch.Tensor) else keras.ops.convert_to_tensor(leaf)

    return keras.tree.map_structure(place, nest)


def to_host(tensor: torch.Tensor) -> np.ndarray:
    array: np.ndarray = tensor.detach().cpu().numpy().copy()
    return array


def device_name() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def free_device_memory() -> int | None:
    if not torch.cuda.is_available():
        return None
    # What torch keeps of what this process had before counts as free: it is taken again, or given back if too small.
    kept: int = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    free: int = torch.cuda.mem_get_info()[0]
    return free + kept


def multiplies_bfloat16() -> bool | None:
    if not torch.cuda.is_available():
        return None
    # AMD's GPUs have a capability too, which counts otherwise.
    return torch.version.cuda is not None and torch.cuda.get_device_capability() >= (8, 0)


def process_numerics() -> list[tuple[Callable[[], Any], Callable[[Any], None], Any]]:
    settings: list[tuple[Callable[[], Any], Callable[[Any], None], Any]] = [
        (torch.get_default_dtype, torch.set_default_dtype, torch.float32)
    ]
    backends = torch.backends
    if hasattr(backends, "fp32_precision"):  # since torch 2.9
        operations = (backends.cuda.matmul, backends.cudnn.conv, backends.mkldnn.matmul, backends.mkldnn.conv)
        settings += [_attribute(operation, "fp32_precision", "ieee") for operation in operations]
    else:
        settings.append(_attribute(backends.cudnn, "allow_tf32", False))
    # Last, and so set back first: it sets those of products above too.
    settings.append((torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest"))
    return settings


@contextlib.contextmanager
def thread_numerics() -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        yield


def _attribute(of: Any, name: str, value: Any) -> tuple[Callable[[], Any], Callable[[Any], None], Any]:
    return functools.partial(getattr, of, name), functools.partial(setattr, of, name), value
