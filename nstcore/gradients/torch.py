"""Value and gradient on torch: the graph run eagerly, then `torch.autograd.grad`."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
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
