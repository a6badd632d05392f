"""The identity of a file on disk, of a cell and of a grid: digests of everything that affects their pixels."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache, partial
from typing import Any, Literal, get_args

from nstcore import TransferConfig
from nstcore.coloring import coloring_version
from nstcore.config import Initial
from nstcore.errors import PictureError
from nstcore.losses import loss_class
from nstcore.networks.network import Network
from nstcore.optimizers import optimizer_version
from nstcore.pictures.picture_files import file_name
from nstcore.recipe import resolve
from nstcore.system.refusals import refused

#: Raised by hand when a change of the engine changes pixels.
ENGINE_VERSION = "3"

#: What a picture is to a cell.
Kind = Literal["content", "style"]

# Settings that came later than the first outputs: at their defaults they change no pixel of those.
_LATER_SETTINGS = (
    *("losses", "optimizer_settings", "style_scale", "parametrization", "fourier_exponent", "fourier_colors"),
    *("stop_change", "stop_over", "time_limit", "color", "init_noise", "padding", "filters", "content_backbone"),
)
_DEFAULTS = TransferConfig().to_dict()

#: What is said of the way to an optimised picture: a network that is trained for a style has none, and its own seed.
OF_THE_WAY = (
    *("seed", "iterations", "optimizer", "optimizer_settings", "optimizer_version", "init", "init_noise"),
    *("stop_change", "stop_over", "time_limit", "pixel_range", "parametrization", "fourier_exponent"),
    *("fourier_colors", "coarse_sizes"),
)

#: What is said of a start, and of smaller runs before: one that starts from a network's picture has neither.
STARTED_OTHERWISE = ("init", "init_noise", "coarse_sizes")


def file_sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes, hex; read once per version of the file, as its size and time of change tell."""
    status = os.stat(path)
    return _file_sha256(os.fspath(path), status.st_size, status.st_mtime_ns, status.st_ino)


@lru_cache(maxsize=100_000)
def _file_sha256(path: str, size: int, mtime_ns: int, inode: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cell_digest(content_sha256: str, style_sha256: str, weights_sha256: str, config: TransferConfig) -> str:
    """Digest of a cell: both pictures, the weights, every setting, the engine. 16 hex digits."""
    return cell_digests(weights_sha256, config)(content_sha256, style_sha256)


def cell_digests(weights_sha256: str, config: TransferConfig) -> Callable[[str, str], str]:
    """`cell_digest` for many pairs of pictures: the settings are looked at once, when the first is asked for."""
    settings = cache(partial(_settings, config))

    def digest(content_sha256: str, style_sha256: str) -> str:
        return _digest(
            content=content_sha256,
            style=style_sha256,
            weights=weights_sha256,
            config=settings(),
            engine=ENGINE_VERSION,
        )

    return digest


def network_digest(style_sha256: str, weights_sha256: str, config: TransferConfig, training: Mapping[str, Any]) -> str:
    """Digest of a network that is trained for a style: the style, the weights, every setting that shapes it.

    Args:
        training: what shapes it besides, plain data.
    """
    return _digest(
        method="feedforward",
        style=style_sha256,
        weights=weights_sha256,
        config=shaping_settings(config),
        training=training,
        engine=ENGINE_VERSION,
    )


def applied_digest(content_sha256: str, network: str) -> str:
    """Digest of a cell that a network makes: the content picture, and the `network_digest`. 16 hex digits."""
    return _digest(method="feedforward", content=content_sha256, network=network, engine=ENGINE_VERSION)


def refined_digest(content_sha256: str, network: str, config: TransferConfig) -> str:
    """Digest of a cell that is optimised from a network's picture on. 16 hex digits."""
    settings = {name: value for name, value in _settings(config).items() if name not in STARTED_OTHERWISE}
    return _digest(method="refine", content=content_sha256, network=network, config=settings, engine=ENGINE_VERSION)


def shaping_settings(config: TransferConfig) -> dict[str, Any]:
    """The settings that shape a network that is trained with them, as digests take them."""
    return {name: value for name, value in _settings(config).items() if name not in OF_THE_WAY}


def target_digest(
    picture_sha256: str, weights_sha256: str, role: Kind, config: TransferConfig, scale: float = 1.0
) -> str:
    """Digest of what the losses keep of a picture. 16 hex digits.

    It covers the picture, the network, the size, and of each loss that looks at such a picture its name, its version
    and the settings that shape what it keeps: the losses say so themselves, so that none can be forgotten.

    Args:
        weights_sha256: of the networks that look at a picture of this role, as `Cell.weights_identity` gives it.
        scale: of a style picture, besides the `style_scale` of the settings.
    """
    settings = _settings_of(role, config, config.size if role == "content" else config.style_side(scale))
    return _digest(picture=picture_sha256, weights=weights_sha256, engine=ENGINE_VERSION, **settings)


@lru_cache(maxsize=1000)
def _settings_of(role: Kind, config: TransferConfig, size: int) -> dict[str, Any]:
    recipe = resolve(config)
    network = _of_a_network(recipe.network)
    # A style is seen through one network, whatever the content is seen through.
    if role == "content" and recipe.content_network != recipe.network:
        network["content"] = _of_a_network(recipe.content_network)
    losses = [
        {"name": name, "version": loss.version, "settings": loss.target_settings()}
        for name, loss in recipe.losses
        if loss.is_kept(role)
    ]
    return {"role": role, "network": network, "size": size, "losses": losses}


def _of_a_network(network: Network) -> dict[str, Any]:
    return {name: value for name, value in network.settings().items() if name not in _ELSEWHERE}


# Of a network: the weights count by their checksum, and targets are in float32 whatever the precision.
_ELSEWHERE = ("weights", "precision")


@lru_cache(maxsize=1000)
def batch_digest(
    weights_sha256: str, config: TransferConfig, height: int, width: int, styles: int = 1, style_sha256: str = ""
) -> str:
    """Digest of what cells must share to be evaluated together: weights, settings, sizes and how many styles.

    And the style, if there is one given. 16 hex digits.
    """
    return _digest(
        weights=weights_sha256,
        config=_settings(config),
        height=height,
        width=width,
        styles=styles,
        style=style_sha256,
        engine=ENGINE_VERSION,
    )


def grid_digest(cells: Iterable[tuple[str, ...]]) -> str:
    """Digest of a grid: the names and digests of its cells, in any order. 16 hex digits."""
    return _digest(cells=sorted(cells))


def _settings(config: TransferConfig) -> dict[str, Any]:
    # The weights count by their checksum, not by the path or the name they were found under.
    settings = config.resolved().to_dict()
    idle = {name for name in _LATER_SETTINGS if settings[name] == _DEFAULTS[name]}
    counted = {name: value for name, value in settings.items() if name not in ("weights", *idle)}
    if config.init not in get_args(Initial):  # a picture counts by its bytes, not by its path
        counted["init"] = readable_sha256(config.init)
    if (version := optimizer_version(config.optimizer, config.optimizer_settings)) > 1:
        counted["optimizer_version"] = version
    if (version := coloring_version(config.color)) > 1:
        counted["color_version"] = version
    if config.losses:
        counted["loss_versions"] = {name: loss_class(name).version for name in config.losses}
    return counted


def readable_sha256(path: str | os.PathLike[str]) -> str:
    """`file_sha256` of what a person named.

    Raises:
        PictureError: in one line, if it cannot be read.
    """
    try:
        return file_sha256(path)
    except OSError as error:
        raise PictureError(refused(error, file_name(path), "read")) from error


def _digest(**parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
