"""Folders of outputs, on this machine or in object storage: what is in them, how old it is, how they are removed."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from nstcore.errors import InputError, OutputError
from nstcore.system import places as local
from nstcore.system.files import sync
from nstcore.system.refusals import refused
from pipeline.storage.places import Place, RemotePath, place_at, remote


@dataclass(frozen=True)
class Entry:
    """A file or a folder in a folder.

    Attributes:
        size: bytes, 0 of a folder.
        written: when a file was written, seconds since 1970, by the storage's clock; of a folder of this machine, when
            a name in it changed; in object storage 0, where folders are but what names have in common.
        links: how many names a file has.
    """

    path: PurePath
    is_folder: bool
    size: int
    written: float
    links: int = 1


def is_folder(place: Place) -> bool:
    """Whether there is a folder.

    Raises:
        InputError: if object storage does not say.
    """
    if there := remote(place):
        from pipeline.storage import objects

        return objects.is_folder(there)
    return os.path.isdir(place)


def is_there(place: Place) -> bool:
    """Whether there is a file or a folder of this name, or a link, wherever it leads."""
    if there := remote(place):
        from pipeline.storage import objects

        return objects.head(there) is not None or objects.is_folder(there)
    return os.path.lexists(place)


def entries(folder: Place) -> list[Entry]:
    """What is right in a folder, in any order; nothing, if there is none that may be looked at.

    Raises:
        InputError: if object storage does not say.
    """
    if there := remote(folder):
        from pipeline.storage.object_listings import listings

        found, folders = listings.right_in(there)
        files = [Entry(each.place, False, each.size, each.written) for each in found]
        return [*files, *(Entry(there / name, True, 0, 0.0) for name in folders)]
    try:
        with os.scandir(folder) as scanned:
            return [each for entry in scanned if (each := _entry(entry))]
    except OSError:
        return []


def files_below(folder: Place) -> Iterator[Entry]:
    """Every file below a folder, those that are being written among them.

    Raises:
        InputError: if object storage does not say.
    """
    if there := remote(folder):
        from pipeline.storage import objects

        yield from (Entry(each.place, False, each.size, each.written) for each in objects.below(there))
        return
    for at, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                status = os.lstat(os.path.join(at, name))
                yield Entry(Path(at, name), False, status.st_size, status.st_mtime, status.st_nlink)


def folders_in(folder: Place) -> list[PurePath]:
    """The folders right in a folder, sorted.

    Raises:
        InputError: if object storage does not say.
    """
    if there := remote(folder):
        from pipeline.storage.object_listings import listings

        return [there / name for name in sorted(listings.right_in(there)[1])]
    return sorted(path for path in Path(folder).glob("*") if path.is_dir())


def require_folder(place: Place) -> None:
    """See that files can be written into a folder; one that is not there yet is not made.

    Raises:
        OutputError: if that cannot be.
    """
    if there := remote(place):
        from pipeline.storage import object_conditions

        object_conditions.require_writable(there)
        return
    local.require_folder(place)


def make_folder(place: Place) -> None:
    """Make a folder and those above it, unless they are there; in object storage there is nothing to make.

    Raises:
        OutputError: if that cannot be.
    """
    if not remote(place):
        local.make_folder(place)


def remove_if_empty(folder: Place) -> None:
    """Remove a folder with nothing in it; in object storage it is gone with the last file."""
    if not remote(folder):
        with contextlib.suppress(OSError):  # there is something in it
            os.rmdir(folder)


def remove_folder(folder: PurePath, first: str = "") -> None:
    """Remove a folder with all that is in it, if it is there.

    Args:
        first: the file in it without which it counts for nothing. It goes first, so that a folder of which a part is
            removed is not taken for a whole one.

    Raises:
        OutputError: if the system does not let it be removed.
    """
    if there := remote(folder):
        from pipeline.storage import object_files

        object_files.remove_folder(there, first)
        return
    try:
        if first:  # renamed: then all of it goes at once
            part = _part_of(Path(folder))
            shutil.rmtree(part, ignore_errors=True)
            os.replace(folder, part)
            folder = part
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(refused(error, folder, "removed")) from error


@contextlib.contextmanager
def new_folder(place: PurePath) -> Iterator[PurePath]:
    """Give an empty folder to fill. It has its place when the block ends without an error, and else leaves nothing.

    In object storage it has its place from the beginning: write last what makes it whole.

    Raises:
        OutputError: if it cannot be made.
    """
    if isinstance(place, RemotePath):
        remove_folder(place)  # what a run that was killed has left
        try:
            yield place
        except BaseException:
            with contextlib.suppress(InputError, OutputError):
                remove_folder(place)
            raise
        return
    part = _part_of(Path(place))
    shutil.rmtree(part, ignore_errors=True)  # of a run that was killed
    part.mkdir(parents=True)
    try:
        yield part
        for path, _, _ in os.walk(part):
            sync(path)
        os.replace(part, place)
        sync(part.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _part_of(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.part")


def _entry(entry: os.DirEntry[str]) -> Entry | None:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:  # removed this moment
        return None
    is_folder = stat.S_ISDIR(status.st_mode)
    path = place_at(entry.path)
    return Entry(path, is_folder, 0 if is_folder else status.st_size, status.st_mtime, status.st_nlink)
