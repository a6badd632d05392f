"""PBM, PGM and PPM as text: numbers with blanks between, and comments (Netpbm's ppm(5), "Plain PPM")."""

from __future__ import annotations

import itertools
from typing import BinaryIO

from nstcore.pictures.containers.view import Parts, Span, read_at, size_of
from nstcore.pictures.undecodable import UndecodableError

SIGNATURES = (b"P1", b"P2", b"P3")

_BLOCK = 2**20
# Programs write their comments here, before the size or after it.
_HEAD = 4096


def essential_parts(file: BinaryIO) -> Parts:
    """What is kept: all of it.

    Raises:
        UndecodableError: there are comments among the pixels, which no program writes, and which a decoder takes out
            one by one, each time moving all that follows.
    """
    size = size_of(file)
    for start in itertools.takewhile(lambda start: start < size, itertools.count(_HEAD, _BLOCK)):
        if b"#" in read_at(file, start, _BLOCK):
            raise UndecodableError("has comments among its pixels; save it as PNG")
    return [Span(0, size)]
