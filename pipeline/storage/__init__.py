"""Where outputs lie: the one module through which everything under the output folder is read, written and removed.

It knows files of this machine, and objects of S3-compatible storage (`pipeline.storage.objects`). To both a file is
bytes under a name, whole or absent; a folder is what names have in common. Outputs on this machine pay nothing for the
others: a place is looked at for whether it is an address, and the packages for those are not imported.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path, PurePath
from types import ModuleType
from typing import IO, Any, BinaryIO, NamedTuple, cast

from nstcore.errors import OutputError
from nstcore.system.files import link_or_copy, reading, sync, whole_or_absent, write_whole
from nstcore.system.places import make_folder
from nstcore.system.refusals import refused
from pipeline.storage.places import Place, place_at, remote

# Of files that are being written: a number nobody else takes, and the ending of the file.
_OWN_PART = re.compile(r"\.[0-9a-f]+\.part(\.[^.]*)?")


class Version(NamedTuple):
    """What tells one content of a file from another without reading it.

    Files are replaced and never written into, and a replaced one is another inode with times of its own. Two contents
    are mistaken for one only if a file is replaced twice within a tick of the storage's clock (a few milliseconds), by
    one of the same size that happens to get the inode of the first; nothing here is made that fast. Times say whether
    a file must be looked at again, never whether what is in it is good.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int | str  # of an object its ETag


def version(place: Place) -> Version | None:
    """The version of a file, or None if there is none, or none that may be seen.

    Raises:
        InputError: if object storage does not say whether there is one.
    """
    if there := remote(place):
        found = _objects().find(there)
        return Version(found.size, found.written * 1_000_000_000, 0, found.tag) if found else None
    try:
        status = os.stat(place)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return Version(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def exists(place: Place) -> bool:
    """Whether there is a file."""
    return version(place) is not None


def size(place: Place) -> int:
    """How many bytes a file has; 0 if there is none."""
    seen = version(place)
    return seen.size if seen else 0


def read(place: Place) -> bytes:
    """The bytes of a file.

    Raises:
        InputError: naming it, if the system does not let it be read.
    """
    if there := remote(place):
        return cast(bytes, _objects().read(there))
    with reading(place):
        return Path(place).read_bytes()


def ends(place: Place, head: int, tail: int) -> tuple[bytes, bytes]:
    """The first and the last bytes of a file, fewer where it is shorter.

    Raises:
        InputError: naming it, if the system does not let it be read.
    """
    if there := remote(place):
        return cast(tuple[bytes, bytes], _objects().ends(there, head, tail))
    with opened(place) as file:
        first = file.read(head)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - tail, 0))
        return first, file.read(tail)


@contextlib.contextmanager
def opened(place: Place) -> Iterator[IO[bytes]]:
    """Give a file to read from, for what is too large to hold twice.

    Raises:
        InputError: naming it, if the system does not let it be read.
    """
    if there := remote(place):
        yield cast(IO[bytes], _objects().opened(there))
        return
    with reading(place), open(place, "rb") as file:
        yield file


def at_hand(place: Place) -> AbstractContextManager[Path]:
    """Give a file of this machine with what is at a place, for readers that take nothing else.

    Raises:
        InputError: naming it, if an object cannot be read.
    """
    if there := remote(place):
        return cast(AbstractContextManager[Path], _objects().at_hand(there))
    return contextlib.nullcontext(Path(place))


def write(place: Place, content: bytes) -> None:
    """Write a file, whole or absent, and its folder if there is none.

    Raises:
        OutputError: if it cannot be written; a file that was there before stays as it was.
    """
    if there := remote(place):
        _objects().write(there, content)
        return
    make_folder(Path(place).parent)
    write_whole(place, content)


def writing(place: Place) -> AbstractContextManager[Path]:
    """Give a file of this machine to write into, for what is too large to hold twice; it then takes its place.

    Raises:
        OutputError: if it cannot be written; a file that was there before stays as it was.
    """
    if there := remote(place):
        return cast(AbstractContextManager[Path], _objects().writing(there))
    make_folder(Path(place).parent)
    return whole_or_absent(place)


@contextlib.contextmanager
def writing_into(place: Place) -> Iterator[BinaryIO]:
    """Give a file to write into; it then takes its place. Raises what `writing` does."""
    with writing(place) as part, part.open("wb") as file:
        yield file


def link(source: Place, target: Place) -> None:
    """Have a file under another name as well, without a second copy of its bytes where that can be.

    In object storage there are no links: the server makes the copy.

    Raises:
        OutputError: if the other cannot be written.
    """
    if (far_source := remote(source)) and (far_target := remote(target)):
        _objects().copy(far_source, far_target)
    elif remote(source) or remote(target):  # nights, say, that lie elsewhere than the cells
        with at_hand(source) as path, writing(target) as part:
            shutil.copyfile(path, part)
    else:
        with writing(target) as part:
            link_or_copy(Path(source), part)


def link_new(source: Place, target: Place) -> None:
    """Have a file under another name in a folder that is being filled, which is synced as a whole.

    Raises:
        OutputError: if the other cannot be written.
        OSError: if this machine does not let it, or there is a file of that name.
    """
    if remote(source) or remote(target):
        link(source, target)
    else:
        link_or_copy(Path(source), Path(target))


def sha256(place: Place) -> str:
    """SHA-256 of a file's bytes, hex; read once per version of the file.

    Raises:
        InputError: naming it, if it cannot be read.
    """
    if there := remote(place):
        return cast(str, _objects().sha256(there, _objects().find(there)))
    return _sha256(os.fspath(place), version(place))


@lru_cache(maxsize=100_000)
def _sha256(place: str, _: Version | None) -> str:
    with opened(place) as file:
        return hashlib.file_digest(cast(Any, file), "sha256").hexdigest()


def names(folder: Place) -> list[str]:
    """The files right in a folder, sorted, but those that are being written; none if there is no such folder."""
    if there := remote(folder):
        from pipeline.storage import objects

        return sorted(each.place.name for each in objects.right_in(there)[0] if not is_part(each.place.name))
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_file() and not is_part(entry.name))
    except (FileNotFoundError, NotADirectoryError):
        return []


def walk(folder: Place) -> Iterator[PurePath]:
    """Every file below a folder, sorted by folders, without those that are being written."""
    if there := remote(folder):
        from pipeline.storage import objects

        yield from (each.place for each in objects.below(there) if not is_part(each.place.name))
        return
    for path, folders, files in os.walk(folder):
        folders.sort()
        yield from (Path(path, name) for name in sorted(files) if not is_part(name))


def is_part(name: str) -> bool:
    """Whether a file of this name is being written, or is left of one that was."""
    return name.startswith(".") and ".part" in name


def is_own_part(name: str) -> bool:
    """Whether it is one that this project writes, so that an old one may be removed; `.part` is an ending of many."""
    return _OWN_PART.fullmatch(name) is not None


def remove(place: Place) -> None:
    """Remove a file if it is there.

    Raises:
        OutputError: if the system does not let it be removed.
    """
    if there := remote(place):
        _objects().remove(there)
        return
    try:
        os.unlink(place)
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(refused(error, place, "removed")) from error


def move(source: Place, target: Place) -> None:
    """Give a file or a folder another name. Of several who do so at once one succeeds, the others find nothing to move.

    An object is copied and then removed, so that two may both move it to where they want to have it.

    Raises:
        OutputError: if the system does not let it.
    """
    if there := remote(source):
        _objects().move(there, place_at(target))
        return
    make_folder(Path(target).parent)
    try:
        os.replace(source, target)
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(refused(error, source, "moved")) from error
    for folder in {Path(source).parent, Path(target).parent}:
        with contextlib.suppress(FileNotFoundError):
            sync(folder)


def prefetch(places: Iterable[Place]) -> None:
    """Read many small files at a time that will be read one by one, where each takes its time."""
    far = [there for place in places if (there := remote(place))]
    if far:
        _objects().listings.prefetch(far)


def _objects() -> ModuleType:
    from pipeline.storage import object_files

    return object_files
