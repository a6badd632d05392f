"""Some parts of a file as a file of their own."""

from __future__ import annotations

import io
import itertools
import os
from bisect import bisect_right
from collections.abc import Iterable
from typing import Any, BinaryIO, NamedTuple, cast

from nstcore.pictures.undecodable import UndecodableError


class Span(NamedTuple):
    """The bytes of a file from `start` up to, but not including, `stop`."""

    start: int
    stop: int


#: What a view shows, one after the other: parts of its file, and bytes in place of others.
Parts = list[Span | bytes]


# Of as many parts as this any file may be made; more of them have to hold something.
_FREE_PARTS, _LEAST_MEAN_LENGTH = 10_000, 256


def require_few_parts(count: int, stop: int) -> None:
    """See that a file of millions of empty parts, each of which takes time, is not read to its end.

    Args:
        count: how many parts there are up to now.
        stop: where the last of them ends.

    Raises:
        UndecodableError: if they are too many for what they hold.
    """
    if count > _FREE_PARTS and stop < count * _LEAST_MEAN_LENGTH:
        raise UndecodableError(f"is cut into more than {_FREE_PARTS} parts that hold next to nothing; save it anew")


def view(file: BinaryIO, parts: Parts) -> BinaryIO:
    """A file of these parts of another; that file itself, at its start, if they are all of it."""
    parts = _joined(parts)
    if parts == [Span(0, size_of(file))]:
        file.seek(0)
        return file
    return cast(BinaryIO, io.BufferedReader(_View(file, parts), buffer_size=1 << 16))


def size_of(file: BinaryIO) -> int:
    """The length of an open file in bytes; its position stays."""
    position = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(position)
    return size


def read_at(file: BinaryIO, start: int, length: int) -> bytes:
    """Up to `length` bytes from `start` on."""
    file.seek(start)
    return file.read(length)


def _joined(parts: Iterable[Span | bytes]) -> Parts:
    """The same bytes in as few parts as can be, none of them empty."""
    joined: Parts = []
    for part in parts:
        last = joined[-1] if joined else None
        if isinstance(part, Span) and isinstance(last, Span) and last.stop == part.start:
            joined[-1] = Span(last.start, part.stop)
        elif _length(part):
            joined.append(part)
    return joined


def _length(part: Span | bytes) -> int:
    return part.stop - part.start if isinstance(part, Span) else len(part)


class _View(io.RawIOBase):
    """It is never closed by itself: the file below belongs to whoever opened it."""

    def __init__(self, file: BinaryIO, parts: Parts) -> None:
        self._file = file
        self._parts = parts
        self._starts = [0, *itertools.accumulate(map(_length, parts))]
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._starts[-1]}[whence]
        if base + offset < 0:
            raise ValueError(f"negative position {base + offset}")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from the part at hand, which may be less than it takes; 0 at the end."""
        if self._position >= self._starts[-1]:
            return 0
        index = bisect_right(self._starts, self._position) - 1
        part, skip = self._parts[index], self._position - self._starts[index]
        wanted = min(len(buffer), _length(part) - skip)
        data = part[skip : skip + wanted] if isinstance(part, bytes) else read_at(self._file, part.start + skip, wanted)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
