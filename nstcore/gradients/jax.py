"""Value and gradient on JAX: `jax.jit(jax.value_and_grad(...))` over the graph's stateless call."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from nstcore.gradients import Bind, ValueAndGradient


def compile_value_and_gradient(graph: keras.Model) -> Bind:
    # Arguments, not captured constants: XLA would fold 80 MB of constants at every compilation.
    variables = (
        [variable.value for variable in graph.trainable_variables],
        [variable.value for variable in graph.non_trainable_variables],
    )

    def loss(picture: jax.Array, others: dict[str, Any], state: tuple[list, list]) -> tuple[jax.Array, dict]:
        terms, _ = graph.stateless_call(*state, {"picture": picture, **others}, training=False)
        return jnp.sum(terms["total"]), terms

    value_and_gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))

    def bind(others: dict[str, Any]) -> ValueAndGradient:
        on_device = jax.device_put(others)

        def evaluate(picture: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
            (_, terms), gradient = value_and_gradient(picture, on_device, variables)
            return {name: np.asarray(value).tolist() for name, value in terms.items()}, np.asarray(gradient)

        return evaluate

    return bind


def device_name() -> str:
    device = jax.devices()[0]
    return "cpu" if device.platform == "cpu" else str(device.device_kind)
