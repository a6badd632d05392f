"""Files that may be pictures: opened if they are ordinary ones, decoded, and called by their names in every message."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from nstcore.errors import MemoryShortageError, PictureError
from nstcore.pictures.decoding import FORMATS, Wanted, decode, decode_opacity
from nstcore.pictures.undecodable import TooLargeError, UndecodableError
from nstcore.system.files import encodable
from nstcore.system.refusals import refused

#: Suffixes (lower case) of the files in a folder that are regarded as pictures: of every format that can be read.
PICTURE_SUFFIXES = tuple(suffix for suffixes in FORMATS.values() for suffix in suffixes)


def read_file(source: str | os.PathLike[str], wanted: Wanted | None) -> NDArray[np.uint8]:
    """Read a picture's file as `nstcore.pictures.decoding.decode` does.

    Raises:
        PictureError: if it is missing, unreadable, damaged, cut short or no picture; in one line.
        MemoryShortageError: if it takes more memory to read than is free.
    """
    with open_file(source) as file, _named(source):
        return decode(file, wanted)


def read_opacity_of(source: str | os.PathLike[str], wanted: Wanted | None) -> NDArray[np.uint8] | None:
    """Read a picture's file as `nstcore.pictures.decoding.decode_opacity` does. Raises what `read_file` does."""
    with open_file(source) as file, _named(source):
        return decode_opacity(file, wanted)


@contextlib.contextmanager
def _named(source: str | os.PathLike[str]) -> Iterator[None]:
    """Let what is wrong with a file be told with its name."""
    name = file_name(source)
    try:
        yield
    except TooLargeError as error:
        raise MemoryShortageError(f"{name} {error}") from None
    except UndecodableError as error:
        raise PictureError(f"{name} {error}") from None


def open_file(source: str | os.PathLike[str]) -> BinaryIO:
    """Open an ordinary file.

    Raises:
        PictureError: for anything else, and where that is not possible.
    """
    name = file_name(source)
    try:
        # Asked before opening, because opening a pipe waits for its writer.
        status = os.stat(source)
        if stat.S_ISDIR(status.st_mode):
            raise PictureError(f"{name} is a folder; give the path of one picture in it")
        if not stat.S_ISREG(status.st_mode):
            raise PictureError(f"{name} is a pipe or a device; give the path of an ordinary file")
        if status.st_size == 0:
            raise PictureError(f"{name} is an empty file; get a whole copy")
        return open(source, "rb")
    except PictureError:
        raise
    except FileNotFoundError:
        raise PictureError(
            f"{name} does not exist; check the path (working folder: {file_name(os.getcwd())})"
        ) from None
    except PermissionError:
        raise PictureError(f"{name} may not be read (permission denied); change its permissions") from None
    except OSError as error:
        raise PictureError(refused(error, name, "opened")) from None
    except ValueError:
        raise PictureError(f"{name} is not a possible path; check it") from None


def file_name(source: object) -> str:
    """How messages call a picture: always on one line, and in characters that can be written."""
    if not isinstance(source, str | os.PathLike):
        raise PictureError(f"a picture must be a path or a uint8 array. Received: {type(source).__name__}")
    text = os.fspath(source)
    if isinstance(text, str):
        text = encodable(text)
    return text if isinstance(text, str) and text and text.isprintable() else repr(text)
