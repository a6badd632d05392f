"""What `pipeline.storage` does with a file, done with an object of S3-compatible storage."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from nstcore.errors import InputError
from nstcore.system.refusals import refused
from pipeline.storage import objects
from pipeline.storage.object_listings import listings
from pipeline.storage.objects import Object
from pipeline.storage.places import RemotePath

#: What the folders are named that files of this machine are written into before they are sent.
TEMPORARY = "nstcore-"


def find(place: RemotePath) -> Object | None:
    """An object, or None if there is none."""
    return listings.find(place)


def read(place: RemotePath) -> bytes:
    """The bytes of an object.

    Raises:
        InputError: naming it, if it is missing or cannot be read.
    """
    ahead = listings.prefetched(place)
    if ahead is not None:
        return ahead
    with _missing_told(place):
        return objects.read(place).content


def ends(place: RemotePath, head: int, tail: int) -> tuple[bytes, bytes]:
    """The first and the last bytes of an object."""
    with _missing_told(place):
        return objects.part(place, f"bytes=0-{head - 1}"), objects.part(place, f"bytes=-{tail}")


def opened(place: RemotePath) -> BinaryIO:
    """An object to read from, held in memory."""
    return io.BytesIO(read(place))


def write(place: RemotePath, content: bytes) -> None:
    """Write an object, whole or absent."""
    objects.write(place, content)
    listings.changed([place])


@contextlib.contextmanager
def writing(place: RemotePath) -> Iterator[Path]:
    """Give a file of this machine to write into; what is in it becomes the object when the block ends."""
    with tempfile.TemporaryDirectory(prefix=TEMPORARY) as folder:
        part = Path(folder) / f"object{place.suffix}"
        yield part
        objects.upload(part, place)
        listings.changed([place])


@contextlib.contextmanager
def at_hand(place: RemotePath) -> Iterator[Path]:
    """Give a copy on this machine, for readers of files; it is gone when the block ends."""
    content = read(place)
    with tempfile.TemporaryDirectory(prefix=TEMPORARY) as folder:
        part = Path(folder) / f"object{place.suffix}"
        part.write_bytes(content)
        yield part


def copy(source: RemotePath, target: RemotePath) -> None:
    """Have an object under another name as well; the server copies it."""
    with _missing_told(source):
        objects.copy(source, target)
    listings.changed([target])


@lru_cache(maxsize=100_000)
def sha256(place: RemotePath, _: Object | None) -> str:
    """SHA-256 of an object's bytes, hex; read once per version."""
    return hashlib.sha256(read(place)).hexdigest()


def remove(*places: RemotePath) -> None:
    """Remove objects, those of them that there are."""
    objects.remove(places)
    listings.changed(places)


def move(source: RemotePath, target: RemotePath) -> None:
    """Give an object, or all below a folder, another name. It is copied first, so that nothing is ever lost."""
    moved = [each.place for each in objects.below(source)]
    pairs = [(place, target / place.relative_to(source)) for place in moved] or [(source, target)]
    for before, after in pairs:
        with contextlib.suppress(FileNotFoundError):  # another has moved it
            objects.copy(before, after)
    gone = [before for before, _ in pairs]
    objects.remove(gone)
    listings.changed([*gone, *(after for _, after in pairs)])


def remove_folder(folder: RemotePath, first: str = "") -> None:
    """Remove all below a folder.

    Args:
        first: the file in it without which it is nothing any more.
    """
    if first:
        remove(folder / first)
    remove(*(each.place for each in objects.below(folder)))


@contextlib.contextmanager
def _missing_told(place: RemotePath) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        missing = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        missing.__cause__ = error
        raise InputError(refused(missing, place, "read")) from missing
