"""Writing files that are whole or absent."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from nstcore.errors import OutputError

#: What the temporary files look like that a killed process leaves behind.
PART_PATTERN = ".*.part*"


@contextlib.contextmanager
def whole_or_absent(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path in the folder of `path`; what is written there takes its name when the block ends.

    If the block raises, nothing is left and a file that was there before stays as it was. The temporary name ends in
    the suffix of `path`, for writers that go by it.
    """
    target = Path(path)
    part = target.with_name(f".{uuid.uuid4().hex}.part{target.suffix}")
    try:
        yield part
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file that is whole or absent. Its folder must exist.

    Raises:
        OutputError: if it cannot be written; a file that was there before stays as it was.
    """
    try:
        with whole_or_absent(path) as part:
            part.write_bytes(content)
    except OSError as error:
        # The error itself names the temporary file, which means nothing to a person.
        raise OutputError(f"{path}: cannot be written ({error.strerror or error}); check its folder") from None


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
