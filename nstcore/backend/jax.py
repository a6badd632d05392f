"""JAX: functions are `jax.jit`ted, gradients `jax.value_and_grad` within them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.experimental
import jax.numpy as jnp
import keras
import numpy as np


def differentiate(function: Callable[..., tuple[jax.Array, Any]]) -> Callable[..., tuple[jax.Array, Any, jax.Array]]:
    def summed(x: jax.Array, *others: Any) -> tuple[jax.Array, tuple[jax.Array, Any]]:
        values, more = function(x, *others)
        return jnp.sum(values), (values, more)

    def with_gradient(x: jax.Array, *others: Any) -> tuple[jax.Array, Any, jax.Array]:
        (_, (values, more)), gradient = jax.value_and_grad(summed, has_aux=True)(x, *others)
        return values, more, gradient

    return with_gradient


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    made: Callable[..., Any] = jax.jit(function)
    return made


computed = compiled


def forget_compiled() -> None:
    jax.clear_caches()


def compiled_forward(model: keras.Model, outputs: Callable[..., Any]) -> Callable[..., Any]:
    function, _ = callable_graph(model)
    forward = jax.jit(lambda pictures, others, weights: outputs(function(pictures, weights), *others))
    return lambda pictures, *others: forward(pictures, others, callable_graph(model)[1])  # they may be in training


def callable_graph(graph: keras.Model) -> tuple[Callable[[Any, Any], Any], Any]:
    # Arguments of compiled functions, not captured constants: XLA would fold 80 MB of them at every compilation.
    weights = (
        [variable.value for variable in graph.trainable_variables],
        [variable.value for variable in graph.non_trainable_variables],
    )
    return lambda inputs, weights: graph.stateless_call(*weights, inputs, training=False)[0], weights


def pulling(function: Callable[[Any, Any], jax.Array]) -> Callable[[Any, Any], tuple[jax.Array, Callable[..., Any]]]:
    def with_pull(inputs: Any, weights: Any) -> tuple[jax.Array, Callable[..., Any]]:
        outputs, pull = jax.vjp(lambda trainable: function(inputs, weights._replace(trainable=trainable)), weights[0])
        return outputs, lambda gradient: pull(gradient)[0]

    return with_pull


def on_device(nest: Any) -> Any:
    return jax.device_put(nest)


def to_host(tensor: jax.Array) -> np.ndarray:
    array: np.ndarray = np.array(tensor)
    return array


def device_name() -> str:
    device = jax.devices()[0]
    return "cpu" if device.platform == "cpu" else str(device.device_kind)


def free_device_memory() -> int | None:
    device = jax.devices()[0]
    statistics = device.memory_stats() if device.platform != "cpu" else None
    return statistics["bytes_limit"] - statistics["bytes_in_use"] if statistics else None


def multiplies_bfloat16() -> bool | None:
    device = jax.devices()[0]
    if device.platform == "cpu":
        return None
    # "9.0" on NVIDIA, the name of an architecture on AMD.
    major = str(getattr(device, "compute_capability", "")).partition(".")[0]
    return device.platform == "tpu" or (major.isdecimal() and int(major) >= 8)


def process_numerics() -> list[tuple[Callable[[], Any], Callable[[Any], None], Any]]:
    return []  # JAX' variables can be set for one thread


@contextlib.contextmanager
def thread_numerics() -> Iterator[None]:
    # Without this GPUs multiply with TF32 and TPUs with bfloat16. What is in bfloat16 is not made more precise by it.
    with (
        _x64(False),
        jax.default_matmul_precision("highest"),
        jax.numpy_dtype_promotion("standard"),
        jax.numpy_rank_promotion("allow"),
    ):
        yield


def _x64(enabled: bool) -> contextlib.AbstractContextManager[None]:
    """JAX' own context, which has moved."""
    if hasattr(jax, "enable_x64"):
        context: contextlib.AbstractContextManager[None] = jax.enable_x64(enabled)
    else:
        context = jax.experimental.enable_x64(enabled)
    return context
