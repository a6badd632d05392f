"""What a training keeps of itself on the way, and how it goes on from there."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nstcore.backend import device_name
from nstcore.backend.environment import versions
from nstcore.checkpoint import Checkpoint
from nstcore.feedforward.photographs import Photographs
from nstcore.feedforward.settings import NetworkSettings
from nstcore.feedforward.step import Trained, from_arrays, to_arrays
from nstcore.feedforward.training_settings import TRAINING_VERSION, TrainingSettings
from nstcore.feedforward.training_trace import TrainingStep, further_losses, steps_of, table
from nstcore.made_from import difference
from nstcore.networks.extractor import pretrained_network
from nstcore.recipe import Recipe
from nstcore.scene import Style
from nstcore.state_file import UnusableStateError
from nstcore.state_keeper import StateKeeper, below

# Settings of a transfer that a training does not look at.
_OF_THE_OPTIMIZER = (
    *("coarse_sizes", "init", "init_noise", "seed", "optimizer", "optimizer_settings", "pixel_range", "iterations"),
    *("parametrization", "fourier_exponent", "fourier_colors", "stop_change", "stop_over", "time_limit"),
)
# How often a state is kept, and how often the held-out photographs are looked at, change no weights.
_WITHOUT_EFFECT = ("checkpoint_seconds",)


def settings_that_count(recipe: Recipe) -> dict[str, Any]:
    """The settings of a transfer that a training depends on, by name."""
    config = recipe.config.to_dict()
    return {name: value for name, value in config.items() if name not in _OF_THE_OPTIMIZER}


def trained_from(
    recipe: Recipe,
    settings: NetworkSettings,
    training: TrainingSettings,
    styles: Sequence[Style],
    photographs: Photographs,
) -> dict[str, Any]:
    """All that the weights of a network depend on, but for the machine, as plain data for JSON.

    Raises:
        WeightsError: if the backbone's weights cannot be had.
        PictureError: if a photograph is gone.
    """
    networks = (recipe.network, recipe.content_network)
    data = {
        "training version": TRAINING_VERSION,
        **{name: value for name, value in settings_that_count(recipe).items() if name != "weights"},
        "weights": [pretrained_network(one.backbone, one.weights)[1].sha256 for one in networks],
        "versions of losses": {name: loss.version for name, loss in recipe.losses},
        "network": settings.to_dict(),
        "training": {name: value for name, value in training.to_dict().items() if name not in _WITHOUT_EFFECT},
        "styles": [[_sha256(style.picture), float(style.weight), float(style.scale)] for style in styles],
        "photographs": _sha256_of_text(json.dumps(photographs.made_from())),
    }
    plain: dict[str, Any] = json.loads(json.dumps(data))  # as it comes back from a file
    return plain


@dataclass(frozen=True)
class Reached:
    """Where a training was when its state was kept.

    Attributes:
        trained: the weights and the optimizer.
        best: the weights with the lowest held-out loss, if they are kept, and after how many steps they were reached.
        steps: the trace.
        elapsed: seconds that it had taken.
        pool: the state of the crops.
        generator: the state of the random numbers.
        resumed: after how many steps it was taken up, each time.
    """

    trained: Trained
    best: tuple[int, Trained] | None
    steps: list[TrainingStep]
    elapsed: float
    pool: Mapping[str, np.ndarray]
    generator: Mapping[str, Any]
    resumed: tuple[int, ...] = ()


class TrainingKeeper:
    """Keeps the states of one training, and gives the one that is there."""

    def __init__(self, checkpoint: Checkpoint, made_from: Mapping[str, Any], every: float) -> None:
        """Take where states are kept, what the training depends on, and the seconds between two; 0 keeps none."""
        machine = {name: version for name, version in versions().items() if name != "python"}
        self._states = StateKeeper(checkpoint, {**made_from, **machine, "device": device_name()}, every)

    def take_up(self) -> Reached | None:
        """Give the state that is there, if it is one of this training; else say in the log why it is not used."""
        state = self._states.read(self._check)
        if state is None:
            return None
        description, arrays = state
        reached = _reached(description["training"], arrays)
        self._states.taken_up(arrays, f"after {len(reached.steps)} steps")
        return reached

    @property
    def on_the_way(self) -> bool:
        """Whether states are kept before the end at all."""
        return self._states.on_the_way

    def due(self) -> bool:
        """Whether it is time to keep a state."""
        return self._states.due()

    def save(self, reached: Reached) -> None:
        """Keep a state. Where the system refuses, that is said once, and the training goes on."""
        began = time.monotonic()
        further = further_losses(reached.steps)
        description = {
            "training": {
                "elapsed": reached.elapsed,
                "further losses": further,
                "generator": reached.generator,
                "best": reached.best and reached.best[0],
                "resumed": list(reached.resumed),
            },
        }
        arrays = {
            **{f"trained/{name}": array for name, array in to_arrays(reached.trained).items()},
            **{f"best/{name}": array for name, array in (to_arrays(reached.best[1]) if reached.best else {}).items()},
            **{f"pool/{name}": array for name, array in reached.pool.items()},
            "trace": table(reached.steps, further),
        }
        self._states.write(began, description, arrays)

    def _check(self, description: Mapping[str, Any], _: Mapping[str, np.ndarray]) -> None:
        """Raise an `UnusableStateError` unless going on from a state ends where this training would end."""
        if "training" not in description:
            raise UnusableStateError("is one of a transfer")
        if differing := difference(description["made from"], self._states.made_from):
            raise UnusableStateError(differing)


def _reached(description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Reached:
    best = None if description["best"] is None else (description["best"], from_arrays(below("best/", arrays)))
    steps = steps_of(arrays["trace"], description["further losses"])
    return Reached(
        trained=from_arrays(below("trained/", arrays)),
        best=best,
        steps=steps,
        elapsed=description["elapsed"],
        pool=below("pool/", arrays),
        generator=description["generator"],
        resumed=(*description["resumed"], len(steps)),
    )


def _sha256(array: np.ndarray) -> str:
    digest = hashlib.sha256(f"{array.dtype} {array.shape};".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _sha256_of_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
