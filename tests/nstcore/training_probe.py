"""Asked by `feedforward/test_training_backends.py` on every backend: a short training, one of it that was interrupted.

And what the first network makes of a picture, the gradients by its weights, and Adam's updates against Keras' own.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import keras
import numpy as np

from nstcore import TransferConfig, backend, state_keeper
from nstcore.checkpoint import Checkpoint
from nstcore.feedforward import adam
from nstcore.feedforward.network import build_network
from nstcore.feedforward.photographs import Photographs
from nstcore.feedforward.settings import NetworkSettings
from nstcore.feedforward.training import TrainingSettings, train
from nstcore.keras_settings.numerics import own_numerics
from nstcore.pictures.images import write_picture

CONFIG = TransferConfig(
    backbone="vgg16",
    weights="random",
    content_layers=("block1_conv2",),
    style_layers=("block1_conv1", "block2_conv1"),
    size=64,
)
NETWORK = NetworkSettings(width=4, blocks=1)
TRAINING = TrainingSettings(steps=5, batch=2, crop=32, reuse=2, held_out_every=2, checkpoint_seconds=1e-9)


class Interrupted(BaseException):
    pass


def answers() -> dict[str, object]:
    share, state_keeper._SHARE = state_keeper._SHARE, 1e9  # a state after every step
    try:
        with tempfile.TemporaryDirectory() as folder:
            return {**_trained(Path(folder)), **_pulled(), **_updated()}
    finally:
        state_keeper._SHARE = share


def _trained(folder: Path) -> dict[str, object]:
    random = np.random.default_rng(0)
    paths = [folder / f"{number}.png" for number in range(3)]
    for path in paths:
        coarse = random.integers(0, 256, (6, 8, 3)).astype(np.uint8)
        write_picture(path, coarse.repeat(12, axis=0).repeat(12, axis=1))
    style = random.integers(0, 256, (8, 8, 3)).astype(np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    photographs = Photographs(tuple(paths[:2]), (paths[2],))
    straight = train(style, photographs, CONFIG, NETWORK, TRAINING)
    checkpoint = Checkpoint.at(folder / "state.npz")

    def interrupt(step: object) -> None:
        if step.step == 4:
            raise Interrupted

    with contextlib.suppress(Interrupted):
        train(style, photographs, CONFIG, NETWORK, TRAINING, checkpoint, interrupt)
    resumed = train(style, photographs, CONFIG, NETWORK, TRAINING, checkpoint)
    picture = random.integers(0, 256, (1, 37, 50, 3)).astype(np.float32)
    return {
        "straight": _numbers(straight),
        "resumed": _numbers(resumed),
        "at": list(resumed.resumed),
        "same weights": all(
            (one == other).all()
            for one, other in zip(straight.model.get_weights(), resumed.model.get_weights(), strict=True)
        ),
        "picture": picture,
        "made": keras.ops.convert_to_numpy(straight.model(picture)),
        **{f"weights/{place}": array for place, array in enumerate(straight.model.get_weights())},
    }


def _numbers(result: object) -> list[list[float]]:
    return [[each.step, each.total, each.content, each.style, each.held_out] for each in result.trace]


def _pulled() -> dict[str, object]:
    """Σ outputs · g, and its gradient by two of the weights, of which each was moved both ways too."""
    network = build_network(NETWORK, 1)
    random = np.random.default_rng(1)
    picture = random.uniform(0, 255, (2, 24, 24, 3)).astype(np.float32)
    toward = random.normal(size=picture.shape).astype(np.float32)
    pulling, function = backend.pulling(network), backend.callable_model(network)

    def pulled(inputs, weights, gradient):
        outputs, pull = pulling(inputs, weights)
        return outputs, pull(gradient)

    weights = backend.model_weights(network)
    placed = backend.on_device([picture, toward])
    outputs, gradients = backend.compiled(pulled)(placed[0], weights, placed[1])
    forward = backend.compiled(function)
    found: dict[str, object] = {"outputs": backend.to_host(outputs)}
    for place in (0, len(weights.trainable) - 2):  # the first kernel, and the last
        kernel = backend.to_host(weights.trainable[place])
        direction = random.normal(size=kernel.shape).astype(np.float32)
        moved = []
        for sign in (1.0, -1.0):
            others = list(weights.trainable)
            others[place] = backend.on_device(kernel + np.float32(sign * 3e-5) * direction)
            made = backend.to_host(forward(placed[0], weights._replace(trainable=others)))
            moved.append(float(np.sum(made.astype(np.float64) * toward)))
        gradient = backend.to_host(gradients[place])
        along = float(np.sum(gradient.astype(np.float64) * direction))
        found[f"gradient/{place}"] = [along, (moved[0] - moved[1]) / 6e-5]
    return found


def _updated() -> dict[str, object]:
    """Weights after four updates with a rate that changes: ours, and those of Keras' optimizer."""
    random = np.random.default_rng(2)
    start = [random.normal(size=shape).astype(np.float32) for shape in ((3, 2), (4,))]
    gradients = [[random.normal(size=one.shape).astype(np.float32) for one in start] for _ in range(4)]
    rates = [np.float32(rate) for rate in (1e-2, 2e-2, 5e-3, 1e-3)]
    with own_numerics():
        ours, moments = backend.on_device(start), backend.on_device(adam.start(start))
        theirs = [keras.Variable(one) for one in start]
        optimizer = keras.optimizers.Adam(0.0, epsilon=1e-8)
        for gradient, rate in zip(gradients, rates, strict=True):
            placed = backend.on_device(gradient)
            ours, moments = adam.update(ours, placed, moments, backend.on_device(rate))
            optimizer.learning_rate = float(rate)
            optimizer.apply(placed, theirs)
    return {
        **{f"adam/ours/{place}": backend.to_host(one) for place, one in enumerate(ours)},
        **{f"adam/theirs/{place}": backend.to_host(one) for place, one in enumerate(theirs)},
    }
