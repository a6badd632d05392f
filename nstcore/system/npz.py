"""Arrays of a file of our own, .npz as `numpy.savez` writes it, read so that it takes no more than its own size."""

from __future__ import annotations

import math
import os
import struct
import zipfile
import zlib
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from nstcore.errors import InputError
from nstcore.system.refusals import refused, why

_SUFFIX = ".npy"
# NumPy evaluates what a header says, which takes ever longer for longer ones.
_LONGEST_HEADER = 10_000


def read_npz(path: str | os.PathLike[str]) -> dict[str, npt.NDArray[Any]]:
    """Read all arrays of a file, by name.

    Beyond what `numpy.load` does, it sees before it takes memory that the file holds all that its headers announce, and
    takes neither what is compressed nor arrays of objects.

    Raises:
        InputError: naming the file, if it is missing, cut short, damaged or no such file.
    """
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
            return {member.filename.removesuffix(_SUFFIX): _read(archive, member) for member in archive.infolist()}
    except (ValueError, KeyError, EOFError, RuntimeError, TypeError, SyntaxError) as error:
        reason: object = error
    except (zipfile.BadZipFile, zlib.error, struct.error, MemoryError, OverflowError) as error:
        reason = error
    except OSError as error:
        if error.errno is not None:
            raise InputError(refused(error, path, "read")) from error
        reason = why(error)
    raise InputError(f"{os.fspath(path)}: is damaged or no file of arrays ({_short(reason)})") from None


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> npt.NDArray[Any]:
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{member.filename} is compressed")
    with archive.open(member) as stream:
        shape, in_columns, dtype = _header(stream)
        size = math.prod(shape) * dtype.itemsize
        if dtype.hasobject or min(shape, default=0) < 0 or size > member.file_size:
            raise ValueError(f"{member.filename} says it holds {shape} of {dtype}, which it does not")
        content = stream.read(size)
        # To the end, where the checksum is looked at.
        if len(content) != size or stream.read(1):
            raise ValueError(f"{member.filename} is cut short or too long")
    array = np.frombuffer(bytearray(content), dtype)
    return array.reshape(shape[::-1]).T if in_columns else array.reshape(shape)


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(npy.read_magic(stream))
    if read is None:
        raise ValueError("another version of NumPy's format")
    shape, in_columns, dtype = read(stream, max_header_size=_LONGEST_HEADER)
    return shape, in_columns, dtype


def _short(reason: object) -> str:
    return " ".join(str(reason).split())[:200] or type(reason).__name__
