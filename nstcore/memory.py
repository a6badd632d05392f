"""How much memory a run will take, and whether it is there: told before the run starts."""

from __future__ import annotations

import math

import keras

from nstcore.backend import device_name, free_device_memory
from nstcore.errors import MemoryShortageError
from nstcore.networks.extractor import activation_shapes
from nstcore.optimizers import make_optimizer
from nstcore.recipe import Recipe
from nstcore.system.free_memory import binary_size, free_main_memory

_FLOAT32 = 4
# Measured with VGG19, ResNet50 and InceptionV3 at 512 and 1024 px: what was taken is 0.8 to 1.0 of the sum.
_MARGIN = 1.05


def required_memory(recipe: Recipe, height: int, width: int, batch: int = 1) -> int:
    """Estimate the bytes that optimising a picture takes, beyond a process with the network loaded.

    That is every activation of the network up to its last layer, kept for the gradient, and the optimiser's vectors. In
    bfloat16 it is as much, because the last iterations are in float32.

    Args:
        recipe: the network, the layers and the optimiser.
        height, width: of the picture, pixels.
        batch: how many such pictures are optimised together.
    """
    values = _activations(recipe, height, width)
    of_the_optimizer = height * width * 3 * make_optimizer(recipe.optimizer, recipe.optimizer_settings).bytes_per_value
    return int(batch * _MARGIN * (values * _FLOAT32 + of_the_optimizer))


def _activations(recipe: Recipe, height: int, width: int) -> int:
    """How many values the network computes up to the last layer that is asked for."""
    values = 0
    for layer, shape in activation_shapes(recipe.network, recipe.layers, height, width):
        # A layer with an activation inside holds its values before and after it.
        inside = getattr(layer, "activation", None) not in (None, keras.activations.linear)
        activated_apart = isinstance(layer, keras.layers.Activation)
        values += math.prod(shape) * (2 if inside and not activated_apart else 1)
    return values


def free_memory() -> int | None:
    """Bytes that this process may still take where the network computes; None where that is not told."""
    return free_device_memory() if device_name() != "cpu" else free_main_memory()


def require_memory(recipe: Recipe, height: int, width: int, batch: int = 1) -> str:
    """Tell in one line what a run will need, before it starts.

    Raises:
        MemoryShortageError: if it cannot fit, with what to do.
    """
    return require_bytes(required_memory(recipe, height, width, batch), _who(recipe, height, width, batch))


def memory_statement(recipe: Recipe, height: int, width: int, batch: int = 1) -> str:
    """The line of `require_memory`, whether it fits or not."""
    required = required_memory(recipe, height, width, batch)
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


def _who(recipe: Recipe, height: int, width: int, batch: int) -> str:
    pictures = f"{batch} pictures of " if batch > 1 else ""
    return f"{pictures}{width} x {height} pixels through {recipe.network.backbone}"


def _statement(who: str, required: int, free: int | None) -> str:
    room = "how much is free is not known here" if free is None else f"{binary_size(free)} are free"
    return f"{who} need about {binary_size(required)} of memory, {room}"
