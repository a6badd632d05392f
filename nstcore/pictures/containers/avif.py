"""An AVIF without Exif. ISO/IEC 14496-12, 8.11: a box "meta" lists the items of a file, each with its type.

Which way is up is a property of the picture there (irot, imir), and Exif must not be asked (AVIF 1.1, 2.1 and HEIF).
"""

from __future__ import annotations

import re
from typing import BinaryIO

from nstcore.pictures.containers.view import Parts, Span, read_at, size_of

BRAND = b"ftyp"

# An entry of the list (8.11.6): name, version 2 or 3, flags, an identity of 2 or 4 bytes, protection, type.
_EXIF_ENTRY = re.compile(rb"(infe(?:\x02.{3}.{2}|\x03.{3}.{4}).{2})Exif", re.DOTALL)
# No such type: a decoder passes over it, and nothing has to be moved.
_HIDDEN = rb"\1free"
# More than any picture's list takes; a longer one is left as it is.
_LONGEST_LIST = 2**20


def essential_parts(file: BinaryIO) -> Parts:
    """What is kept of an AVIF: all of it, under a list in which Exif has another type."""
    size = size_of(file)
    start = 0
    while start + 8 <= size:
        head = read_at(file, start, 8)
        length = int.from_bytes(head[:4], "big")
        if length < 8:  # the rest of the file, or one of the 64-bit lengths that only films need
            break
        if head[4:] == b"meta" and length <= _LONGEST_LIST:
            box = read_at(file, start, length)
            hidden = _EXIF_ENTRY.sub(_HIDDEN, box)
            return [Span(0, start), hidden, Span(start + len(box), size)] if hidden != box else [Span(0, size)]
        start += length
    return [Span(0, size)]
