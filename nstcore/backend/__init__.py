"""What each Keras backend does its own way; the only rooms of the project that know which one is active.

Keras 3 has no public gradient and no public compiler of functions, so each backend needs an adapter: a module with the
functions below, for its backend.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any, NamedTuple

import keras
import numpy as np

from nstcore.errors import ConfigError
from nstcore.keras_settings.numerics import own_numerics
from nstcore.keras_settings.start import BACKENDS, chosen_backend

#: A tensor of the active backend.
Tensor = Any


def differentiate(function: Callable[..., tuple[Tensor, Any]]) -> Callable[..., tuple[Tensor, Any, Tensor]]:
    """Add the gradient to what a function gives.

    Args:
        function: (x, *others) -> (values, more): x (B, …), values (B,), each of which depends on its own row of x
            alone; `more` is any nest of tensors.

    Returns:
        The function (x, *others) -> (values, more, gradient), gradient (B, …) row by row that of its own value. It may
        only be called within a function that `compiled` was given.
    """
    differentiated: Callable[..., tuple[Tensor, Any, Tensor]] = _adapter().differentiate(function)
    return differentiated


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of nests of tensors, once for each structure, shape and type of its arguments.

    On torch it stays what it is: torch computes as it goes. It is computed within `own_numerics`.
    """
    made: Callable[..., Any] = _adapter().compiled(function)
    return own_numerics()(made)


def computed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compute a function of nests of tensors that is asked seldom, or for many shapes, and without a gradient.

    As `compiled`, but operation by operation on TensorFlow, which else traces a function for every shape: that costs
    more than it saves, stays in memory, and is warned of.
    """
    made: Callable[..., Any] = _adapter().computed(function)
    return own_numerics()(made)


def forget_compiled() -> None:
    """Let go of all that the process has compiled, where a backend keeps it after its function is gone.

    That is JAX, which keeps 1.4 MiB of a network for every size of its pictures. Functions that are still there are
    compiled anew when they are called: so this is for commands, whose process has no others.
    """
    _adapter().forget_compiled()


def compiled_forward(model: keras.Model, outputs: Callable[..., Any]) -> Callable[..., Any]:
    """Compute what a model and a function of its outputs give for pictures, none of which needs a gradient.

    It is computed within `own_numerics`.

    Compiled on JAX, which otherwise compiles every operation by itself, for every size: two first pictures of different
    size, 256 px, took about a third of the time with VGG19 and InceptionV3. Eager on TensorFlow, where `tf.function`
    took 0.85 of the time for two first pictures of one size with VGG19, but twice as long with InceptionV3; and on
    torch.

    Args:
        model: takes (B, H, W, 3).
        outputs: takes what the model gives, and any nests of arrays; gives a nest of tensors, and can be traced.

    Returns:
        The function of float32 pictures and of those nests; what it gives is on the device.
    """
    forward: Callable[..., Any] = _adapter().compiled_forward(model, outputs)
    return own_numerics()(forward)


def callable_graph(graph: keras.Model) -> tuple[Callable[[Any, Any], Any], Any]:
    """A graph as a function of its inputs and of its weights, which the compiled function takes as arguments.

    Returns:
        (inputs, weights) -> outputs, and the weights, on the device.
    """
    function, weights = _adapter().callable_graph(graph)
    return function, weights


#: (inputs, weights) -> (outputs, pull): pull takes a gradient by the outputs, and gives those by the trainable weights.
Pulling = Callable[[Any, "ModelWeights"], tuple[Tensor, Callable[[Tensor], list[Tensor]]]]


class ModelWeights(NamedTuple):
    """The weights of a model, on the device.

    Attributes:
        trainable: in the order of `keras.Model.trainable_variables`.
        others: in that of `non_trainable_variables`.
    """

    trainable: list[Tensor]
    others: list[Tensor]


def model_weights(model: keras.Model) -> ModelWeights:
    """The weights that a model has now, as tensors of their own."""
    trainable, others = ([to_host(one) for one in ones] for ones in (model.trainable_variables, _others(model)))
    return ModelWeights(on_device(trainable), on_device(others))


def _others(model: keras.Model) -> list[keras.Variable]:
    variables: list[keras.Variable] = model.non_trainable_variables
    return variables


def callable_model(model: keras.Model) -> Callable[[Any, ModelWeights], Tensor]:
    """A model as a function of its inputs and of weights that are not its own: (inputs, weights) -> outputs."""
    return lambda inputs, weights: model.stateless_call(*weights, inputs, training=False)[0]


def pulling(model: keras.Model) -> Pulling:
    """The same, with a way back from the outputs to the trainable weights.

    What the pull gives is the gradient of Σ outputs · gradient (the vector-Jacobian product). Both may only be called
    within one function that `compiled` was given, where the model is computed once for both.
    """
    function: Pulling = _adapter().pulling(callable_model(model))
    return function


def on_device(nest: Any) -> Any:
    """Arrays as tensors of the backend, where it computes."""
    return _adapter().on_device(nest)


def to_host(tensor: Tensor) -> np.ndarray:
    """A tensor, or a variable of Keras, as an array of its own."""
    array: np.ndarray = _adapter().to_host(tensor.value if isinstance(tensor, keras.Variable) else tensor)
    return array


def backend_name() -> str:
    """ "tensorflow", "jax" or "torch"."""
    name: str = keras.backend.backend()
    return name


def process_numerics() -> list[tuple[Callable[[], Any], Callable[[Any], None], Any]]:
    """What `own_numerics` keeps to itself for all threads: reads a variable, sets it, and its value here."""
    settings: list[tuple[Callable[[], Any], Callable[[Any], None], Any]] = _adapter().process_numerics()
    return settings


def thread_numerics() -> AbstractContextManager[None]:
    """The same for what every thread has for itself, as a context."""
    context: AbstractContextManager[None] = _adapter().thread_numerics()
    return context


def device_name() -> str:
    """The name of the GPU that the active backend computes on, or "cpu"."""
    name: str = _adapter().device_name()
    return name


def free_device_memory() -> int | None:
    """Bytes free on the GPU that the active backend computes on; None on a processor, or if it does not tell."""
    free: int | None = _adapter().free_device_memory()
    return free


def multiplies_bfloat16() -> bool | None:
    """Whether the accelerator that the active backend computes on has matrix units for bfloat16; None on a processor.

    By specification: TPUs have them, NVIDIA GPUs from compute capability 8.0 (CUDA C++ Programming Guide, "Compute
    Capabilities"); of other accelerators nothing is known here, which counts as False.
    """
    answer: bool | None = _adapter().multiplies_bfloat16()
    return answer


def to_tflite(model: keras.Model, shape: tuple[int | None, ...]) -> bytes:
    """A model as a TensorFlow Lite file that takes float32 pictures of a shape, (1, H, W, 3).

    Raises:
        ConfigError: the active backend is another; only TensorFlow writes such files.
    """
    file: bytes = _tensorflow_alone("TensorFlow Lite files").to_tflite(model, shape)
    return file


def run_tflite(file: bytes, pictures: np.ndarray) -> np.ndarray | None:
    """What such a file gives for pictures, float32 (B, H, W, 3); None where it cannot be run here."""
    given: np.ndarray | None = _tensorflow_alone("TensorFlow Lite files").run_tflite(file, pictures)
    return given


def _tensorflow_alone(what: str) -> ModuleType:
    if backend_name() != "tensorflow":
        raise ConfigError(
            f"{what} need the backend TensorFlow; set KERAS_BACKEND=tensorflow. Received: {backend_name()}"
        )
    return _adapter()


def _adapter() -> ModuleType:
    backend = chosen_backend()
    if backend.name not in BACKENDS:  # Keras was imported by someone else
        raise ConfigError(f"Keras runs on {backend.name!r}; expected one of {', '.join(BACKENDS)}")
    return importlib.import_module(f"nstcore.backend.{backend.name}")
