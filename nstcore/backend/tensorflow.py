"""TensorFlow: functions are `tf.function`s, gradients `tf.gradients` within them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf


def differentiate(function: Callable[..., tuple[tf.Tensor, Any]]) -> Callable[..., tuple[tf.Tensor, Any, tf.Tensor]]:
    def with_gradient(x: tf.Tensor, *others: Any) -> tuple[tf.Tensor, Any, tf.Tensor]:
        values, more = function(x, *others)
        return values, more, tf.gradients(values, x)[0]

    return with_gradient


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    made: Callable[..., Any] = tf.function(function, autograph=False, reduce_retracing=True)
    return made


def compiled_forward(model: keras.Model, outputs: Callable[..., Any]) -> Callable[..., Any]:
    return lambda pictures, *others: outputs(model(on_device(pictures), training=False), *on_device(others))


def callable_graph(graph: keras.Model) -> tuple[Callable[[Any, Any], Any], Any]:
    return lambda inputs, weights: graph(inputs, training=False), ()  # a `tf.function` captures variables, not values


def on_device(nest: Any) -> Any:
    return tf.nest.map_structure(tf.convert_to_tensor, nest)


def to_host(tensor: tf.Tensor) -> np.ndarray:
    array: np.ndarray = tf.convert_to_tensor(tensor).numpy().copy()
    return array


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
