"""One step of training: pictures of the network, their losses, and the way back to the network's weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from nstcore import backend
from nstcore.backend import ModelWeights, Tensor
from nstcore.feedforward import adam, muon
from nstcore.feedforward.adam import Moments, start
from nstcore.feedforward.training_settings import TrainingSettings
from nstcore.keras_settings.numerics import own_numerics
from nstcore.optimizers.protocol import LossFunction
from nstcore.problem import Problem

# A loss of 0, as of a picture that is its own style, is not divided by.
_TINY = float(np.finfo(np.float32).tiny)
_UPDATES = {"adam": adam.update, "muon": muon.update}


class Trained(NamedTuple):
    """What training changes, on the device.

    Attributes:
        weights: of the network.
        moments: what the optimizer remembers of their gradients.
    """

    weights: ModelWeights
    moments: Moments


class Trainer:
    """A network, and a compiled step of it. What a step changes are tensors that are passed on."""

    @own_numerics()
    def __init__(self, network: keras.Model, function: LossFunction, training: TrainingSettings) -> None:
        """Take a network that is built, the loss of its pictures (`Problem.function` of the batch's size) and how it
        is trained.
        """
        self._network = network
        forward, with_gradient = backend.pulling(network), backend.differentiate(function)

        def step(trained: Trained, photographs: Tensor, arguments: Any, rate: Tensor) -> tuple[Trained, Tensor]:
            pictures, pull = forward(photographs, trained.weights)
            totals, terms, gradient = with_gradient(pictures, arguments)
            if training.weighting == "relative":
                gradient = gradient / ops.reshape(ops.maximum(totals, _TINY), (-1, 1, 1, 1))
            gradients = pull(gradient / float(pictures.shape[0]))
            trainable, moments = _UPDATES[training.optimizer](
                trained.weights.trainable, gradients, trained.moments, rate
            )
            return Trained(trained.weights._replace(trainable=trainable), moments), ops.mean(terms, axis=0)

        self._step = backend.compiled(step)
        # Of held-out photographs, each of which may have a size of its own.
        self._picture = backend.computed(backend.callable_model(network))
        self._looks: dict[LossFunction, Callable[..., Any]] = {}

    @own_numerics()
    def start(self) -> Trained:
        """The network as it is now, and an optimizer that has seen nothing."""
        weights = backend.model_weights(self._network)
        return Trained(weights, backend.on_device(start([backend.to_host(one) for one in weights.trainable])))

    @own_numerics()
    def step(
        self, trained: Trained, photographs: np.ndarray, arguments: Any, rate: float
    ) -> tuple[Trained, np.ndarray]:
        """Go one step on.

        Args:
            photographs: float32 (B, side, side, 3), 0 to 255.
            arguments: of the loss, for these photographs.
            rate: the learning rate.

        Returns:
            What it comes to, and the terms of the loss before the step, (T,), the mean of the batch.
        """
        placed = backend.on_device([photographs, np.float32(rate)])
        trained, terms = self._step(trained, placed[0], arguments, placed[1])
        return trained, backend.to_host(terms)

    @own_numerics()
    def look(self, trained: Trained, photographs: np.ndarray, problem: Problem) -> np.ndarray:
        """The terms of a problem at what the network makes of photographs, (T,), the mean of the batch."""
        function = problem.function
        if function not in self._looks:
            self._looks[function] = backend.computed(lambda *given: ops.mean(function(*given)[1], axis=0))
        pictures = self._picture(backend.on_device(photographs), trained.weights)
        return backend.to_host(self._looks[function](pictures, problem.arguments))

    @own_numerics()
    def picture(self, trained: Trained, photographs: np.ndarray) -> np.ndarray:
        """What the network makes of photographs, float32 (B, H, W, 3)."""
        return backend.to_host(self._picture(backend.on_device(photographs), trained.weights))

    @own_numerics()
    def put_back(self, weights: ModelWeights) -> keras.Model:
        """The network with these weights: its own ones are overwritten."""
        for variable, value in zip(self._network.trainable_variables, weights.trainable, strict=True):
            variable.assign(value)
        return self._network


def to_arrays(trained: Trained) -> dict[str, np.ndarray]:
    """All that `from_arrays` needs, on the host."""
    groups = {
        "trainable": trained.weights.trainable,
        "others": trained.weights.others,
        "first": trained.moments.first,
        "second": trained.moments.second,
    }
    arrays = {
        f"{name}/{place}": backend.to_host(one) for name, ones in groups.items() for place, one in enumerate(ones)
    }
    return {**arrays, "count": backend.to_host(trained.moments.count)}


def from_arrays(arrays: Mapping[str, np.ndarray]) -> Trained:
    """What `to_arrays` was given, on the device."""

    def group(name: str) -> list[np.ndarray]:
        count = sum(path.startswith(f"{name}/") for path in arrays)
        return [arrays[f"{name}/{place}"] for place in range(count)]

    moments = Moments(arrays["count"], group("first"), group("second"))
    trained: Trained = backend.on_device(Trained(ModelWeights(group("trainable"), group("others")), moments))
    return trained
