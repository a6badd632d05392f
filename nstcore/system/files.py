"""Writing files that are whole or absent, and reading them with errors that name them."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from nstcore.errors import InputError, OutputError, StyleTransferError
from nstcore.system.places import keep
from nstcore.system.refusals import refused

#: What the temporary files look like that a killed process leaves behind.
PART_PATTERN = ".*.part*"

# What fsync says of a folder, or on a file system, that it does not serve.
_NOT_SYNCED = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF}


@contextlib.contextmanager
def whole_or_absent(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path in the folder of `path`; what is written there takes its name when the block ends.

    If the block raises, nothing is left and a file that was there before stays as it was. The temporary name ends in
    the suffix of `path`, for writers that go by it. What was written is on the disk before it has its name,
    and the name before the block is left: after a power cut, too, the file is whole or absent.

    Raises:
        OutputError: naming `path`, if the system does not let it be written.
    """
    target = Path(path)
    part = target.with_name(f".{uuid.uuid4().hex}.part{target.suffix}")
    try:
        yield part
        sync(part)
        os.replace(part, target)
        sync(target.parent)
    except OSError as error:
        if not _is_refusal(error, part):
            raise
        # The error itself names the temporary file, which means nothing to a person.
        raise OutputError(refused(error, target, "written")) from error
    finally:
        with contextlib.suppress(OSError):  # it was not made, or cannot be removed for the reason just told
            part.unlink()


def sync(path: str | os.PathLike[str]) -> None:
    """Wait until a file's content, or the names in a folder, are on the disk; where a file system can say so.

    Raises:
        OSError: if they do not get there.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # one may write into a folder, or link to a file, that one may not read
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_SYNCED:
            raise
    finally:
        os.close(descriptor)


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file that is whole or absent. Its folder must exist.

    Raises:
        OutputError: if it cannot be written; a file that was there before stays as it was.
    """
    with whole_or_absent(path) as part:
        part.write_bytes(content)


def write_results(files: Mapping[Path, bytes]) -> None:
    """Write files that took long to make, in order. One that cannot be written in its place is kept in another.

    Raises:
        OutputError: saying which could not be written in their places and where they are instead, and what is written.
    """
    lines, written = [], []
    for path, content in files.items():
        try:
            write_whole(path, content)
        except OutputError as error:
            lines.append(f"{error}; {keep({path.name: content})}")
        else:
            written.append(str(path))
    if lines:
        raise OutputError("; ".join([*lines, *([f"written: {', '.join(written)}"] if written else [])]))


@contextlib.contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[None]:
    """Let an error of the system while a file is read be one that names it.

    Raises:
        InputError: if the system does not let it be read.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, StyleTransferError) or error.errno is None:  # the latter: what is in the file is no good
            raise
        raise InputError(refused(error, path, "read")) from error


def link_or_copy(source: Path, target: Path) -> None:
    """Put a file at a place where none is, as a hard link where the file system can, else as a copy of the same age."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source.resolve(), target)
    except FileExistsError:
        raise  # to copy would be to write into a file that others may link to
    except OSError:  # another file system, one without links, or a file with too many
        shutil.copy2(source, target)


def encodable(text: str) -> str:
    """Text that can be written as UTF-8: bytes of a file name that is not become \\xe9, as a shell writes them.

    Python holds such a byte as half of a pair of surrogates (PEP 383), which no file can.
    """
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # a surrogate that stands for no byte, which no file name gives
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _is_refusal(error: OSError, part: Path) -> bool:
    """Whether the system refused to write a temporary file, rather than that the block went wrong otherwise."""
    names = {os.fspath(name) for name in (error.filename, error.filename2) if isinstance(name, str | os.PathLike)}
    if isinstance(error, StyleTransferError) or error.errno is None or (names and os.fspath(part) not in names):
        return False
    # Where the folder is, a file that is missing is one that the block has not written.
    return error.errno != errno.ENOENT or not part.parent.is_dir()
