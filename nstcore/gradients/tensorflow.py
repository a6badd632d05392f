"""Value and gradient on TensorFlow: one `tf.function` with `tf.gradients`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nstcore.gradients import Bind, ValueAndGradient


def compile_value_and_gradient(graph: keras.Model) -> Bind:
    @tf.function(autograph=False)
    def value_and_gradient(picture: tf.Tensor, others: dict[str, Any]) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        terms = graph({"picture": picture, **others}, training=False)
        return terms, tf.gradients(terms["total"], picture)[0]

    def bind(others: dict[str, Any]) -> ValueAndGradient:
        on_device = tf.nest.map_structure(tf.convert_to_tensor, others)

        def evaluate(picture: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
            terms, gradient = value_and_gradient(tf.convert_to_tensor(picture), on_device)
            return {name: value.numpy().tolist() for name, value in terms.items()}, gradient.numpy()

        return evaluate

    return bind


def device_name() -> str:
    gpus = tf.config.list_physical_devices("GPU")
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "gpu")) if gpus else "cpu"
