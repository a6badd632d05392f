"""Networks that are trained for a style (Johnson 2016), as a grid plans them: what shapes one, and whom it is for."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from typing import Any

from nstcore import ConfigError, PictureError, TransferConfig, presets
from nstcore.checks import choice, named_settings, path_text
from nstcore.feedforward.photographs import Photographs, find_photographs
from nstcore.feedforward.settings import SIZES, NetworkSettings
from nstcore.feedforward.training_settings import TRAINING_VERSION, TrainingSettings, require_trainable
from nstcore.frozen import FrozenSettings, plain
from pipeline.grid.digest import applied_digest, cell_digests, network_digest, readable_sha256, refined_digest
from pipeline.grid.ingredients import Ingredients
from pipeline.grid.series import USUAL, Method

#: Where a person puts pictures for networks to be trained on.
PHOTOGRAPHS = "inputs/photographs"


_OF_A_NETWORK = tuple(each.name for each in fields(NetworkSettings))
_OF_A_TRAINING = tuple(each.name for each in fields(TrainingSettings))
# What changes no weight of a network, or is refused in a grid.
_WITHOUT_EFFECT = ("checkpoint_seconds", "minutes")


@dataclass(frozen=True)
class Training:
    """How the networks of a study are trained.

    Attributes:
        photographs_dir: the folder of pictures to train on; "" is `PHOTOGRAPHS` if that is there, else that of the
            contents.
        network: the size that the network has, a name of `nstcore.feedforward.settings.SIZES`; "" is that of the
            preset, for most the small one.
        settings: fields of `NetworkSettings` in which it differs from that size, and of `TrainingSettings`; for the
            others those of the preset, and the defaults.

    Raises:
        ConfigError: for a size or a setting that does not exist, or a value that cannot be.
    """

    photographs_dir: str = ""
    network: str = ""
    settings: Mapping[str, Any] = field(default_factory=FrozenSettings)

    def __post_init__(self) -> None:
        if self.photographs_dir != "":
            path_text("photographs_dir", self.photographs_dir, "a text, the path of a folder")
        if self.network != "":
            choice("network", self.network, tuple(SIZES))
        known = named_settings("training", self.settings, (*_OF_A_TRAINING, *_OF_A_NETWORK))
        object.__setattr__(self, "settings", FrozenSettings(known))
        self.network_settings()
        training = self.training_settings()
        if training.minutes or not training.steps:
            what = "steps and no minutes, which come to another network on another machine"
            raise ConfigError(f"the training of a grid is counted in {what}. Received: {dict(self.settings)}")
        if "checkpoint_seconds" in self.settings:
            raise ConfigError("checkpoint_seconds is --state-every in a grid")

    @classmethod
    def of(cls, named: Mapping[str, Any]) -> Training:
        """What a person says of it, all in one: `photographs_dir`, `network`, and what `settings` may hold.

        Raises:
            ConfigError: if that cannot be.
        """
        own = ("photographs_dir", "network")
        known = named_settings("training", named, (*own, *_OF_A_TRAINING, *_OF_A_NETWORK))
        settings = {name: value for name, value in known.items() if name not in own}
        return cls(**{name: known[name] for name in own if name in known}, settings=settings)

    def resolved(self, preset: str, config: TransferConfig) -> Training:
        """The same with nothing left to a preset, and a crop that is no larger than pictures if none is asked for.

        Raises:
            ConfigError: for an unknown preset.
        """
        known = presets.training_of(preset)
        known["crop"] = min(known.get("crop", TrainingSettings.crop), config.size)
        shape = {} if self.network else presets.network_of(preset)
        return replace(self, settings={**shape, **known, **self.settings})

    def network_settings(self) -> NetworkSettings:
        """The shape of the network."""
        return replace(SIZES[self.network or "small"], **self._named(_OF_A_NETWORK))

    def training_settings(self) -> TrainingSettings:
        """How it is trained."""
        return TrainingSettings(**self._named(_OF_A_TRAINING))

    def shape(self) -> dict[str, Any]:
        """All that shapes a network besides its style, its losses and the photographs, as plain data."""
        training = self.training_settings().to_dict()
        training = {name: value for name, value in training.items() if name not in _WITHOUT_EFFECT}
        return {"version": TRAINING_VERSION, "network": self.network_settings().to_dict(), "training": training}

    def _named(self, names: tuple[str, ...]) -> dict[str, Any]:
        return {name: self.settings[name] for name in names if name in self.settings}

    def asked_for(self) -> dict[str, Any]:
        """What was asked for, for people; the photographs apart, whose folder depends on what is there."""
        named = {"network": self.network} if self.network else {}
        return {**named, **{f"training {name}": value for name, value in plain(self.settings).items()}}


@dataclass(frozen=True)
class NetworkPlan:
    """The network that makes a cell.

    Attributes:
        digest: identity of all that shapes it: style, weights, losses, its own settings, those of its training, and
            the bytes of the photographs in their order.
        training: how it is trained; its folder is the one that the photographs are in.
        photographs_sha256: `photographs_identity` of them when the grid was planned.
    """

    digest: str
    training: Training
    photographs_sha256: str

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> NetworkPlan:
        """Read what `to_dict` and JSON made of it."""
        return cls(data["digest"], Training(**data["training"]), data["photographs_sha256"])

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        training = {name: plain(value) for name, value in asdict(self.training).items()}
        return {"digest": self.digest, "training": training, "photographs_sha256": self.photographs_sha256}

    def photographs(self) -> Photographs:
        """The photographs.

        Raises:
            PictureError: if they are not what they were when the grid was planned.
        """
        folder = self.training.photographs_dir
        photographs = find_photographs(folder, seed=self.training.training_settings().seed)
        if photographs_identity(photographs) != self.photographs_sha256:
            raise PictureError(f"{folder}: changed while the grid was running; run it again")
        return photographs


def photographs_folder(training: Training, content_dir: str) -> str:
    """The folder of pictures to train on."""
    if training.photographs_dir:
        return training.photographs_dir
    return PHOTOGRAPHS if os.path.isdir(PHOTOGRAPHS) else content_dir


def photographs_in_words(training: Training, folder: str) -> str:
    """Which folder it is, for people, who may not have chosen it."""
    if training.photographs_dir or folder == PHOTOGRAPHS:
        return folder
    return f"{folder} (the contents themselves: there is no {PHOTOGRAPHS})"


def photographs_identity(photographs: Photographs) -> str:
    """SHA-256 over the bytes of those that networks are trained on and those that are held out, in their order.

    Raises:
        PictureError: if one cannot be read.
    """
    sums = [[readable_sha256(path) for path in paths] for paths in (photographs.training, photographs.held_out)]
    return hashlib.sha256(json.dumps(sums).encode()).hexdigest()


def require_method(method: Method, preset: str, config: TransferConfig, training: Training) -> None:
    """See that pictures can come about by a method with these settings, made of a preset.

    Raises:
        ConfigError: if no network can be trained with them.
    """
    if method != USUAL:
        training = training.resolved(preset, config)
        require_trainable(config, training.network_settings(), training.training_settings())


def _require_without_regions(ingredients: Ingredients) -> None:
    """See that no style is taken region by region: where its regions lie, only the content says.

    Raises:
        ConfigError: if one is.
    """
    if ingredients.content_regions is not None or any(style.region or style.regions for style in ingredients.styles):
        raise ConfigError("a feed-forward network knows no regions: it paints the whole of any picture")


def identifying(
    method: Method,
    training: Training,
    photographs: tuple[str, str],
    weights_sha256: str,
    preset: str,
    config: TransferConfig,
) -> Callable[[Ingredients], tuple[str, NetworkPlan | None]]:
    """What gives the digest of a cell, and the network that makes it, for many pairs of pictures.

    Args:
        photographs: the folder, and `photographs_identity` of what is in it.
        weights_sha256: identity of the weights of the networks that the losses see through.
        preset, config: the named settings of the cells, and what they were resolved to.

    Returns:
        A function that raises `ConfigError` for pictures that the method cannot take.
    """
    if method == USUAL:
        digest_of = cell_digests(weights_sha256, config)
        return lambda found: (digest_of(found.content_identity, found.style_identity), None)
    folder, sha256 = photographs
    training = replace(training.resolved(preset, config), photographs_dir=folder)
    shape = {**training.shape(), "photographs": sha256}

    @cache
    def network_of(style_sha256: str) -> NetworkPlan:
        digest = network_digest(style_sha256, weights_sha256, config, shape)
        return NetworkPlan(digest, training, sha256)

    def applied(found: Ingredients) -> tuple[str, NetworkPlan]:
        _require_without_regions(found)
        network = network_of(found.style_identity)
        if method == "refine":
            return refined_digest(found.content_identity, network.digest, config), network
        return applied_digest(found.content_identity, network.digest), network

    return applied
