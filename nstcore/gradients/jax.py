"""Value and gradient on JAX: `jax.jit(jax.value_and_grad(...))` over the graph's stateless call."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.experimental
import jax.numpy as jnp
import keras
import numpy as np

from nstcore.gradients import Bind, BoundLoss


def compile_value_and_gradient(graph: keras.Model) -> Bind:
    variables = _variables(graph)

    def terms(picture: jax.Array, arguments: tuple[dict[str, Any], tuple[list, list]]) -> dict[str, jax.Array]:
        others, state = arguments
        found: dict[str, jax.Array] = graph.stateless_call(*state, {"picture": picture, **others}, training=False)[0]
        return found

    def loss(picture: jax.Array, arguments: Any) -> tuple[jax.Array, dict[str, jax.Array]]:
        found = terms(picture, arguments)
        return jnp.sum(found["total"]), found

    value_and_gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))

    def bind(others: dict[str, Any]) -> BoundLoss:
        arguments = (jax.device_put(others), variables)

        def evaluate(picture: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
            (_, found), gradient = value_and_gradient(picture, arguments)
            return {name: np.asarray(value).tolist() for name, value in found.items()}, np.asarray(gradient)

        return BoundLoss(evaluate, terms, arguments)

    return bind


def compile_forward(model: keras.Model, outputs: Callable[[Any], Any]) -> Callable[[np.ndarray], Any]:
    variables = _variables(model)

    @jax.jit
    def forward(pictures: jax.Array, state: tuple[list, list]) -> Any:
        return outputs(model.stateless_call(*state, pictures, training=False)[0])

    return lambda pictures: forward(pictures, variables)


def _variables(model: keras.Model) -> tuple[list, list]:
    """Arguments of compiled functions, not captured constants: XLA would fold 80 MB of them at every compilation."""
    return (
        [variable.value for variable in model.trainable_variables],
        [variable.value for variable in model.non_trainable_variables],
    )


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
