"""How a feed-forward network is trained; importing this module imports no Keras."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from nstcore.checks import choice, expected, named_settings, number, whole_number
from nstcore.config import TransferConfig
from nstcore.errors import ConfigError
from nstcore.feedforward.settings import NetworkSettings

#: Raised when states of before cannot be gone on from, or the same training comes to something else.
TRAINING_VERSION = 1

#: What the crops of a step count for, see `TrainingSettings`.
Weighting = Literal["relative", "total"]
TrainingOptimizer = Literal["muon", "adam"]


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained. The defaults are for two cores (benchmarks/feedforward.py).

    Attributes:
        steps: the most of them; 0 is as many as `minutes` allows.
        batch: crops of a step.
        crop: height and width of the crops, pixels.
        optimizer: "muon" (`nstcore.feedforward.muon`), or "adam", as the papers have it.
        learning_rate: at its highest.
        warm_up: the first share of the training, in which the rate rises from 0 to that, 0 to below 1.
        decay: the rate falls to this share of its highest by the end, along half a cosine (Loshchilov and Hutter 2017,
            equation 5, without restarts); 1 keeps it.
        weighting: "relative" counts every crop by its own loss: a step descends the mean of log L, whose gradient is
            that of L / L. Crops with little of their own to keep have losses many times those of others, and would be
            all that a step sees. Measured: a lower held-out loss after as many steps (docs/feed-forward.md).
            "total" descends the mean of L, as the papers do.
        reuse: how often a crop is taken before another takes its place, in the mean. What the losses keep of it is
            computed once.
        checkpoint_seconds: between one state that is kept and the next, where there is a place for them; 0 keeps none.
        held_out_every: steps between one look at the held-out photographs and the next; 0 looks at the end alone.
        patience: looks in a row that find the held-out loss no lower than the best, after which the training ends and
            the best weights are taken (early stopping; Khan et al.); 0 trains to the end.
        minutes: the most wall time, after which the training ends; 0 is none. The learning rate then falls with
            the time, so that results depend on how fast the machine is.
        seed: of the network's first weights and of the crops.

    Raises:
        ConfigError: for what cannot be, or contradicts another.
    """

    steps: int = 4000
    batch: int = 1
    crop: int = 256
    optimizer: TrainingOptimizer = "muon"
    learning_rate: float = 2e-3
    warm_up: float = 0.01
    decay: float = 0.02
    weighting: Weighting = "relative"
    reuse: int = 8
    checkpoint_seconds: float = 60.0
    held_out_every: int = 100
    patience: int = 0
    minutes: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("steps", 0), ("batch", 1), ("crop", 32), ("reuse", 1), ("held_out_every", 0)):
            whole_number(name, getattr(self, name), least)
        whole_number("patience", self.patience, 0)
        whole_number("seed", self.seed, 0, most=2**32 - 1)
        for name in ("checkpoint_seconds", "minutes"):
            object.__setattr__(self, name, number(name, getattr(self, name)))
        object.__setattr__(self, "learning_rate", number("learning_rate", self.learning_rate, above=0.0))
        object.__setattr__(self, "warm_up", number("warm_up", self.warm_up, below=1.0))
        object.__setattr__(self, "decay", number("decay", self.decay, most=1.0))
        choice("optimizer", self.optimizer, get_args(TrainingOptimizer))
        choice("weighting", self.weighting, get_args(Weighting))
        if not self.steps and not self.minutes:
            raise ConfigError("steps and minutes are both 0: the training would never end")
        if self.patience and not self.held_out_every:
            raise ConfigError("patience looks at the held-out loss, which held_out_every=0 computes at the end alone")

    def progress(self, step: int, seconds: float) -> float:
        """The share of the training that is over, 0 to 1."""
        of_steps = step / self.steps if self.steps else 0.0
        of_time = seconds / (60.0 * self.minutes) if self.minutes else 0.0
        return min(1.0, max(of_steps, of_time))

    def rate(self, progress: float) -> float:
        """The learning rate at a share of the training."""
        if progress < self.warm_up:
            return self.learning_rate * max(progress / self.warm_up, 0.01)
        fallen = 0.5 * (1.0 - math.cos(math.pi * (progress - self.warm_up) / (1.0 - self.warm_up)))
        return self.learning_rate * (1.0 - (1.0 - self.decay) * fallen)

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TrainingSettings:
        """Rebuild what `to_dict` returned.

        Raises:
            ConfigError: for a field that is unknown or cannot be.
        """
        return cls(**named_settings("training settings", data, [field.name for field in fields(cls)]))


def require_trainable(config: TransferConfig, settings: NetworkSettings, training: TrainingSettings) -> None:
    """See that settings fit each other.

    Raises:
        ConfigError: naming those that do not.
    """
    if config.color != "style":
        raise ConfigError(expected("color", '"style": a network is trained for the colors of its style', config.color))
    least = max(config.reader.smallest_side, settings.smallest_side)
    if not least <= training.crop <= config.size:
        why = f"{least}, which the networks can read, to size={config.size}, which they are cut for"
        raise ConfigError(expected("crop", f"from {why}", training.crop))
