"""Value and gradient on TensorFlow: one `tf.function` with `tf.gradients`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nstcore.gradients import Bind, BoundLoss


def compile_value_and_gradient(graph: keras.Model) -> Bind:
    def terms(picture: tf.Tensor, others: dict[str, Any]) -> dict[str, tf.Tensor]:
        found: dict[str, tf.Tensor] = graph({"picture": picture, **others}, training=False)
        return found

    @tf.function(autograph=False)
    def value_and_gradient(picture: tf.Tensor, others: dict[str, Any]) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        found = terms(picture, others)
        return found, tf.gradients(found["total"], picture)[0]

    def bind(others: dict[str, Any]) -> BoundLoss:
        on_device = tf.nest.map_structure(tf.convert_to_tensor, others)

        def evaluate(picture: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
            found, gradient = value_and_gradient(tf.convert_to_tensor(picture), on_device)
            return {name: value.numpy().tolist() for name, value in found.items()}, gradient.numpy()

        return BoundLoss(evaluate, terms, on_device)

    return bind


def compile_forward(model: keras.Model, outputs: Callable[[Any], Any]) -> Callable[[np.ndarray], Any]:
    return lambda pictures: outputs(model(keras.ops.convert_to_tensor(pictures), training=False))


def device_name() -> str:
    gpus = tf.config.list_physical_devices("GPU")
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "gpu")) if gpus else "cpu"


def free_device_memory() -> int | None:
    return None  # TensorFlow tells what it took, not what is left


def multiplies_bfloat16() -> bool | None:
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return None
    capability = tf.config.experimental.get_device_details(gpus[0]).get("compute_capability")
    return capability is not None and capability >= (8, 0)


def process_numerics() -> list[tuple[Callable[[], Any], Callable[[Any], None], Any]]:
    # TF32 keeps ten bits of a float32's fraction; TensorFlow uses it on GPUs unless told otherwise.
    tf32 = tf.config.experimental
    return [(tf32.tensor_float_32_execution_enabled, tf32.enable_tensor_float_32_execution, False)]


@contextlib.contextmanager
def thread_numerics() -> Iterator[None]:
    # Rewriters of graphs that put lower types in place of float32. Setting options costs: only where some are on.
    options = tf.config.optimizer.get_experimental_options()
    mixing = {name: value for name, value in options.items() if "mixed_precision" in name and value}
    if not mixing:
        yield
        return
    tf.config.optimizer.set_experimental_options(dict.fromkeys(mixing, False))
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options(mixing)
