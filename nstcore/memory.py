"""How much memory a run will take, and whether it is there: told before the run starts."""

from __future__ import annotations

import gc
import math
from collections.abc import Mapping, Sequence

import keras

from nstcore.backend import device_name, free_device_memory
from nstcore.errors import MemoryShortageError
from nstcore.losses import Layer
from nstcore.networks.extractor import activation_shapes
from nstcore.networks.network import Network
from nstcore.optimizers import make_optimizer
from nstcore.recipe import Recipe
from nstcore.system.free_memory import binary_size, free_main_memory
from nstcore.system.kept import drop_kept

_FLOAT32 = 4
# What frequencies pass through on their way to pixels and back, bytes of each value.
_TRANSFORM = 6 * _FLOAT32
# Measured with VGG19, ResNet50 and InceptionV3 at 512 and 1024 px: what was taken is 0.8 to 1.0 of the sum.
_MARGIN = 1.05


def required_memory(recipe: Recipe, height: int, width: int, batch: int = 1, guides: int = 0) -> int:
    """Estimate the bytes that optimising a picture takes, beyond a process with the network loaded.

    That is every activation of the network up to its last layer, kept for the gradient, what the losses say that they
    hold besides, and the optimiser's vectors. In bfloat16 it is as much, because the last iterations are in float32.

    Args:
        recipe: the network, the layers and the optimiser.
        height, width: of the picture, pixels.
        batch: how many such pictures are optimised together.
        guides: how many pairs of a region and a style each has; every one keeps its part of the layers' features.
            Measured with VGG19 at 512 px: 91 MiB for each of two, 95 for each of four; told are 96.
    """
    looks = _looks(recipe, height, width)
    values = _activations(recipe, looks) + _of_losses(recipe, looks, height * width)
    values += guides * _guided_features(recipe, looks)
    a_value = make_optimizer(recipe.optimizer, recipe.optimizer_settings).bytes_per_value
    if recipe.parametrization.fourier_exponent is not None:
        a_value += _TRANSFORM
    of_the_optimizer = height * width * 3 * a_value
    return int(batch * _MARGIN * (values * _FLOAT32 + of_the_optimizer))


#: By network, its layers up to the last that is asked for, and the shapes of what they give.
_Looks = Mapping[Network, Sequence[tuple[keras.Layer, tuple[int, ...]]]]


def _looks(recipe: Recipe, height: int, width: int) -> _Looks:
    return {network: activation_shapes(network, layers, height, width) for network, layers in recipe.layers.items()}


def _activations(recipe: Recipe, looks: _Looks) -> int:
    """How many values the networks compute up to the last layer that is asked for."""
    values = 0
    for network, shapes in looks.items():
        for layer, shape in shapes:
            # A layer with an activation inside holds its values before and after it.
            inside = getattr(layer, "activation", None) not in (None, keras.activations.linear)
            activated_apart = isinstance(layer, keras.layers.Activation)
            values += math.prod(shape) * (2 if inside and not activated_apart else 1)
            # What losses are given then is another copy.
            values += math.prod(shape) * (network.filters == "normalized" and layer.name in recipe.layers[network])
    return values


def _of_losses(recipe: Recipe, looks: _Looks, pixels: int) -> int:
    """How many values the losses hold beside those, for one style."""
    values = 0
    for _, loss in recipe.losses:
        layers = {
            layer.name: Layer(positions=math.prod(shape[1:3]), channels=shape[3], pixels=pixels)
            for layer, shape in looks.get(recipe.network_of(loss), ())
            if layer.name in loss.layers
        }
        values += sum(loss.held([layers[name] for name in reading]) for reading in loss.readings)
    return values


def _guided_features(recipe: Recipe, looks: _Looks) -> int:
    """How many values the layers have that losses of the style are guided at."""
    shapes = {layer.name: shape for layer, shape in looks.get(recipe.network, ())}
    return sum(math.prod(shapes[layer]) for layer in recipe.guided_layers)


def free_memory() -> int | None:
    """Bytes that this process may still take where the network computes; None where that is not told."""
    return free_device_memory() if device_name() != "cpu" else free_main_memory()


def require_memory(recipe: Recipe, height: int, width: int, batch: int = 1, guides: int = 0) -> str:
    """Tell in one line what a run will need, before it starts.

    Raises:
        MemoryShortageError: if it cannot fit, with what to do.
    """
    return require_bytes(required_memory(recipe, height, width, batch, guides), _who(recipe, height, width, batch))


def require_memory_to_look(recipe: Recipe, height: int, width: int) -> None:
    """See that the losses can look at a picture once, without a gradient: its activations are kept together.

    Raises:
        MemoryShortageError: as `require_memory`.
    """
    values = _activations(recipe, _looks(recipe, height, width))
    require_bytes(int(_MARGIN * values * _FLOAT32), f"a style picture of {_who(recipe, height, width, 1)}")


def memory_statement(recipe: Recipe, height: int, width: int, batch: int = 1, guides: int = 0) -> str:
    """The line of `require_memory`, whether it fits or not."""
    required = required_memory(recipe, height, width, batch, guides)
    return _statement(_who(recipe, height, width, batch), required, free_memory())


def require_bytes(required: int, who: str) -> str:
    """The line of `require_memory`, for anything else: `who` is what needs the memory, in the plural.

    Raises:
        MemoryShortageError: as there.
    """
    free = free_memory()
    statement = _statement(who, required, free)
    if free is not None and required > free:
        raise MemoryShortageError(f"{statement}; choose a smaller size, or make room")
    return statement


def drop_what_is_loaded() -> None:
    """Give back the memory of networks, graphs and compiled functions that wait to be used again."""
    drop_kept()
    keras.backend.clear_session()
    gc.collect()


def _who(recipe: Recipe, height: int, width: int, batch: int) -> str:
    pictures = f"{batch} pictures of " if batch > 1 else ""
    return f"{pictures}{width} x {height} pixels through {recipe.network.backbone}"


def _statement(who: str, required: int, free: int | None) -> str:
    room = "how much is free is not known here" if free is None else f"{binary_size(free)} are free"
    return f"{who} need about {binary_size(required)} of memory, {room}"
