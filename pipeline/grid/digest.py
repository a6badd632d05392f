"""The identity of a file on disk, of a cell and of a grid: digests of everything that affects their pixels."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from functools import lru_cache
from typing import Any, Literal

from nstcore import TransferConfig
from nstcore.losses import loss_class
from nstcore.recipe import resolve

#: Raised by hand when a change of the engine changes pixels.
ENGINE_VERSION = "3"

#: What a picture is to a cell.
Kind = Literal["content", "style"]

# Settings that came later than the first outputs: at their defaults they change no pixel of those.
_LATER_SETTINGS = ("losses", "optimizer_settings")


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
    return _digest(
        content=content_sha256,
        style=style_sha256,
        weights=weights_sha256,
        config=_settings(config),
        engine=ENGINE_VERSION,
    )


def target_digest(picture_sha256: str, weights_sha256: str, role: Kind, config: TransferConfig) -> str:
    """Digest of what the losses keep of a picture. 16 hex digits.

    It covers the picture, the network, the size, and of each loss that looks at such a picture its name, its version
    and the settings that shape what it keeps: the losses say so themselves, so that none can be forgotten.
    """
    return _digest(picture=picture_sha256, weights=weights_sha256, engine=ENGINE_VERSION, **_settings_of(role, config))


@lru_cache(maxsize=1000)
def _settings_of(role: Kind, config: TransferConfig) -> dict[str, Any]:
    recipe = resolve(config)
    network = {name: value for name, value in asdict(recipe.network).items() if name not in _ELSEWHERE}
    losses = [
        {"name": name, "version": loss.version, "settings": loss.target_settings()}
        for name, loss in recipe.losses
        if loss.is_kept(role)
    ]
    return {"role": role, "network": network, "size": recipe.size, "losses": losses}


# Of a network: the weights count by their checksum, and targets are in float32 whatever the precision.
_ELSEWHERE = ("weights", "precision")


@lru_cache(maxsize=1000)
def batch_digest(weights_sha256: str, config: TransferConfig, height: int, width: int) -> str:
    """Digest of what cells must share to be evaluated together: weights, settings and picture size. 16 hex digits."""
    return _digest(weights=weights_sha256, config=_settings(config), height=height, width=width, engine=ENGINE_VERSION)


def grid_digest(cells: Iterable[tuple[str, ...]]) -> str:
    """Digest of a grid: the names and digests of its cells, in any order. 16 hex digits."""
    return _digest(cells=sorted(cells))


def _settings(config: TransferConfig) -> dict[str, Any]:
    # The weights count by their checksum, not by the path or the name they were found under.
    settings = config.resolved().to_dict()
    counted = {
        name: value for name, value in settings.items() if name != "weights" and (value or name not in _LATER_SETTINGS)
    }
    if config.losses:
        counted["loss_versions"] = {name: loss_class(name).version for name in config.losses}
    return counted


def _digest(**parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
