"""The identity of a file on disk, of a cell and of a grid: digests of everything that affects their pixels."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from nstcore import TransferConfig

#: Raised by hand when a change of the engine changes pixels.
ENGINE_VERSION = "3"

# The settings a target depends on; all others may change without computing it again.
_TARGET_SETTINGS = ("backbone", "pooling", "content_layers", "style_layers", "size")


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


def target_digest(picture_sha256: str, weights_sha256: str, config: TransferConfig) -> str:
    """Digest of a content or style target: picture, weights, the settings that shape features. 16 hex digits."""
    settings = {name: value for name, value in _settings(config).items() if name in _TARGET_SETTINGS}
    return _digest(picture=picture_sha256, weights=weights_sha256, config=settings, engine=ENGINE_VERSION)


@lru_cache(maxsize=1000)
def batch_digest(weights_sha256: str, config: TransferConfig, height: int, width: int) -> str:
    """Digest of what cells must share to be evaluated together: weights, settings and picture size. 16 hex digits."""
    return _digest(weights=weights_sha256, config=_settings(config), height=height, width=width, engine=ENGINE_VERSION)


def grid_digest(cells: Iterable[tuple[str, ...]]) -> str:
    """Digest of a grid: the names and digests of its cells, in any order. 16 hex digits."""
    return _digest(cells=sorted(cells))


def _settings(config: TransferConfig) -> dict[str, Any]:
    # The weights count by their checksum, not by the path or the name they were found under.
    return {name: value for name, value in config.resolved().to_dict().items() if name != "weights"}


def _digest(**parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
