"""Asked by `losses/test_every_loss.py` on every backend: each loss of layers alone, and all of them in the engine.

Of each loss its values at two pictures' features with styles of another size, and the gradient by those features.
"""

from __future__ import annotations

import contextlib
import math
import sys
import unittest.mock
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from nstcore import BACKBONES, TransferConfig, backend, build_objective
from nstcore.losses import LOSSES, Layer, Loss, features_read, loss_class, make_loss
from nstcore.networks.backbones import get_backbone

LAYERS = ("shallow", "deep")
SHAPES = {"shallow": (2, 6, 8, 5), "deep": (2, 3, 4, 7)}
STYLE_SHAPES = {"shallow": (2, 10, 6, 5), "deep": (2, 5, 3, 7)}
OF_LAYERS = [name for name in LOSSES if loss_class(name).reads != "picture"]
OF_STYLES = [name for name in OF_LAYERS if loss_class(name).reads == "style"]
#: Whose losses are compared between backends: all but VGG19, whose first layers are those of VGG16.
COMPARED = ("vgg16", "resnet50", "inceptionv3")
#: The first layers that styles are read at by default: what lies deeper takes long to compile.
IN_ENGINE = {name: get_backbone(name).style_layers[:2] for name in BACKBONES}


def activations(seed: int, shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Positive features, no two of which are equal: losses that sort may order equal ones in any way."""
    random = np.random.default_rng(seed)
    return {layer: np.abs(random.normal(size=shape)).astype(np.float32) for layer, shape in shapes.items()}


@contextlib.contextmanager
def as_on_a_gpu() -> Iterator[None]:
    """Let no tensor of torch meet an array of NumPy, which one on a GPU cannot."""
    if keras.backend.backend() != "torch":
        yield
        return
    import torch

    own = torch.Tensor.__array__

    def on_the_host(tensor: torch.Tensor, *arguments: Any, **named: Any) -> np.ndarray:
        caller = sys._getframe(1).f_globals["__name__"]
        assert caller.startswith("keras."), "a tensor meets an array of NumPy"  # Keras fetches it from the GPU first
        return own(tensor, *arguments, **named)

    with unittest.mock.patch.object(torch.Tensor, "__array__", on_the_host):
        yield


def compared(loss: Loss, reference: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """By reading, what `value` takes, as the engine makes it of the targets."""
    found = {}
    contents = features_read(loss, activations(2, SHAPES))
    for (name, features), reading in zip(features_read(loss, reference).items(), loss.readings, strict=True):
        with as_on_a_gpu():
            targets = [loss.target(backend.on_device(one)) for one in (features, contents[name])]
        target, content = (
            [{key: keras.ops.convert_to_numpy(array)[row] for key, array in of_one.items()} for row in range(2)]
            for of_one in targets
        )
        if loss.matches_content:
            target = [loss.matched(*pair) for pair in zip(target, content, strict=True)]
        _, height, width, channels = SHAPES[reading[-1]]
        layer = Layer(positions=height * width, channels=channels, pixels=4 * 48)
        rows = [loss.constants(row, layer) for row in target]
        found[name] = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    return found


def value_and_gradient(loss: Loss, at: dict[str, np.ndarray], target: Any) -> tuple[np.ndarray, np.ndarray]:
    """The sum over the readings, (B,), and its gradient by all activations, (B, values)."""
    batch = len(at["deep"])

    def function(x: Any, target: Any) -> tuple[Any, Any]:
        seen, place = {}, 0
        for layer, (_, *shape) in SHAPES.items():
            seen[layer] = keras.ops.reshape(x[:, place : place + math.prod(shape)], (batch, *shape))
            place += math.prod(shape)
        values = [loss.value(features, target[name]) for name, features in features_read(loss, seen).items()]
        return sum(values), {}

    x = np.concatenate([one.reshape(batch, -1) for one in at.values()], axis=1)
    with as_on_a_gpu():
        values, _, gradient = backend.compiled(backend.differentiate(function))(*backend.on_device((x, target)))
    return backend.to_host(values), backend.to_host(gradient)


def answers() -> dict[str, object]:
    found: dict[str, object] = {}
    for name in OF_LAYERS:
        # A content has the size of the picture itself.
        shapes = SHAPES if loss_class(name).reads == "content" else STYLE_SHAPES
        loss = make_loss(name, {"layers": LAYERS})
        target = compared(loss, activations(1, shapes))
        found[f"{name}/values"], found[f"{name}/gradient"] = value_and_gradient(loss, activations(0, SHAPES), target)
    for backbone in BACKBONES if keras.backend.backend() == "tensorflow" else COMPARED:
        found |= {f"{backbone}/{name}": value for name, value in engine(backbone).items()}
    return found


@as_on_a_gpu()
def engine(backbone: str) -> dict[str, object]:
    """All losses of the style in one problem: each at the content picture, and terms and gradient beside it."""
    random = np.random.default_rng(2)
    size = size_for(backbone)
    sides = ((size, size - 16), (size - 18, size))  # that do not divide
    content, style = (random.integers(0, 256, (*each, 3), np.uint8) for each in sides)
    objective = build_objective(content, style, in_engine(backbone))
    start = objective.components(objective.x0)
    found: dict[str, object] = {"start": [start[name] for name in further()]}
    if backbone in COMPARED:
        x = objective.x0 + random.normal(scale=20, size=objective.x0.shape)
        found |= {"terms": list(objective.components(x).values()), "gradient": objective(x)[1]}
    return found


def further() -> list[str]:
    """Losses of the style besides the Gram loss."""
    return [name for name in OF_STYLES if name != "gram"]


def size_for(backbone: str) -> int:
    """Pixels: little more than the backbone needs at least."""
    return get_backbone(backbone).smallest_side + 20


def in_engine(backbone: str) -> TransferConfig:
    """All losses of the style at once, and L1 of the picture; quantiles and patches are few."""
    few = {name: {"quantiles": 500} for name in ("sliced_wasserstein", "histogram")}
    layers = IN_ENGINE[backbone]
    return TransferConfig(
        backbone,
        weights="random",
        size=size_for(backbone),
        content_layers=layers[-1:],
        style_layers=layers,
        losses={name: {"layers": layers, **few.get(name, {})} for name in further()},
        total_variation="absolute",
        total_variation_weight=1e-6,
    )
