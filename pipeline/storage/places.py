"""Where outputs can lie: in a folder of this machine, or in object storage, under an address such as s3://bucket/runs.

Both are pure paths, that can be joined and taken apart and touch nothing. What is there is asked of `pipeline.storage`.
"""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from nstcore.errors import ConfigError, received

#: Where something lies.
Place = str | os.PathLike[str]

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_S3 = ("s3", "s3a")


class RemotePath(PurePosixPath):
    """An address in object storage: s3://bucket/key. Joined and taken apart as any path is."""

    __slots__ = ()

    def __str__(self) -> str:
        text = super().__str__()  # in which a doubled slash is a single one
        scheme, _, rest = text.partition("/")
        return f"{scheme}//{rest}" if scheme.endswith(":") else text

    def __fspath__(self) -> str:
        return str(self)

    def relative_to(self, *other: Any, **others: Any) -> PurePosixPath:  # type: ignore[override]
        """The rest of the path below another, which is no address any more."""
        return PurePosixPath(*super().relative_to(*other, **others).parts)

    @property
    def bucket(self) -> str:
        return self.parts[1]

    @property
    def key(self) -> str:
        """Its name in the bucket; "" for the bucket itself."""
        return "/".join(self.parts[2:])


def remote(place: Place) -> RemotePath | None:
    """The address that a place is; None for a path of this machine."""
    if isinstance(place, RemotePath):
        return place
    return RemotePath(place) if isinstance(place, str) and _ADDRESS.match(place) else None


def place_at(text: Place) -> PurePath:
    """The path that a text names: an address, or a path of this machine."""
    return remote(text) or Path(text)


def require_known(text: Place) -> None:
    """See that a place is one that outputs can lie in, before anything is looked for there.

    Raises:
        ConfigError: for an address that is none of S3, or of which S3 could make no key; without the package for S3.
    """
    address = remote(text)
    if address is None:
        return
    scheme = address.parts[0].rstrip(":")
    if scheme not in _S3:
        raise ConfigError(
            f"{received(str(text))}: outputs lie in a folder or on S3-compatible storage, s3://bucket/prefix; "
            f"{scheme}:// is neither (docs/outputs-elsewhere.md says what of others can be used)"
        )
    if len(address.parts) < 2:
        raise ConfigError(f"{received(str(text))}: names no bucket; write s3://bucket/prefix")
    try:
        address.key.encode("utf-8")
    except UnicodeEncodeError:
        raise ConfigError(
            f"{received(str(text))}: names in S3 are UTF-8, and this one is not; choose another"
        ) from None
    if {".", ".."} & set(address.parts):
        raise ConfigError(f"{received(str(text))}: S3 knows no '..'; write the address out")
    if find_spec("s3fs") is None:
        raise ConfigError(f"{received(str(text))}: outputs on S3 need the package s3fs: pip install 'nst-grid[s3]'")


def absolute(place: PurePath) -> PurePath:
    """A place by its whole path, wherever this process is."""
    return place.absolute() if isinstance(place, Path) else place
