"""TensorFlow: functions are `tf.function`s, gradients `tf.gradients` within them."""

from __future__ import annotations

import contextlib
import tempfile
import warnings
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


def computed(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: function(*on_device(arguments))


def forget_compiled() -> None:
    pass  # what is computed by `computed` is not traced


def compiled_forward(model: keras.Model, outputs: Callable[..., Any]) -> Callable[..., Any]:
    return lambda pictures, *others: outputs(model(on_device(pictures), training=False), *on_device(others))


def callable_graph(graph: keras.Model) -> tuple[Callable[[Any, Any], Any], Any]:
    return lambda inputs, weights: graph(inputs, training=False), ()  # a `tf.function` captures variables, not values


def pulling(function: Callable[[Any, Any], tf.Tensor]) -> Callable[[Any, Any], tuple[tf.Tensor, Callable[..., Any]]]:
    def with_pull(inputs: Any, weights: Any) -> tuple[tf.Tensor, Callable[..., Any]]:
        outputs = function(inputs, weights)
        return outputs, lambda gradient: tf.gradients(outputs, weights.trainable, grad_ys=gradient)

    return with_pull


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


def to_tflite(model: keras.Model, shape: tuple[int | None, ...]) -> bytes:
    """A model as a TensorFlow Lite file for pictures of a shape, of operations that every runtime has.

    By way of a saved model: what is made of a traced function lacks the weights, and gives NaN.
    """
    signature = [keras.InputSpec(shape=shape, dtype="float32", name="picture")]
    with tempfile.TemporaryDirectory(prefix="nstcore-") as folder:
        model.export(folder, format="tf_saved_model", input_signature=signature, verbose=False)
        file: bytes = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
    return file


def run_tflite(file: bytes, pictures: np.ndarray) -> np.ndarray | None:
    """What such a file gives for pictures; None where TensorFlow no longer has the program that runs it."""
    if not hasattr(tf.lite, "Interpreter"):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its removal
        # Others say on the terminal that they are there.
        kind = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = tf.lite.Interpreter(model_content=file, experimental_op_resolver_type=kind)
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], pictures.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pictures)
    interpreter.invoke()
    given: np.ndarray = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return given
