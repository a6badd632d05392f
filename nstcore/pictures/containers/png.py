"""The chunks of a PNG that its pixels need. PNG (Third Edition), 5.3: length, type, data, checksum."""

from __future__ import annotations

import zlib
from typing import BinaryIO

from nstcore.pictures.containers.view import Parts, Span, read_at, require_few_parts, size_of

SIGNATURE = b"\x89PNG\r\n\x1a\n"

# Of the chunks that a decoder may do without (PNG, 5.4: the first letter is lower case). Transparency is kept whatever
# state it is in, because without it the picture is another. Of texts, only those that may hold an orientation.
_TRANSPARENCY, _END = b"tRNS", b"IEND"
_SHOWN_BY = (b"iCCP", b"eXIf", b"tEXt", b"zTXt", b"iTXt")
_KEYWORDS = (b"XML:com.adobe.xmp", b"Raw profile type exif", b"exif")

#: The most bytes that a compressed text or profile may unpack to, which are a few kilobytes as a rule. It keeps a
#: small file from filling the memory, and is what Pillow refuses a file for.
UNPACKED_LIMIT = 2**20
# Each of the texts and profiles that are looked at may unpack to that much. Those after so many are left out.
_MOST_LOOKED_AT = 64


def essential_parts(file: BinaryIO) -> Parts:
    """What is kept of a PNG. From where it is no PNG any more on, everything, for the decoder to say what is wrong."""
    size = size_of(file)
    parts: Parts = [Span(0, len(SIGNATURE))]
    start = len(SIGNATURE)
    count = looked_at = 0
    while start < size:
        count += 1
        require_few_parts(count, start)
        head = read_at(file, start, 8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if len(head) < 8 or not kind.isalpha():
            return [*parts, Span(start, size)]
        stop = start + 12 + length
        required = not kind[:1].islower() or kind == _TRANSPARENCY
        doubtful = kind in _SHOWN_BY and stop <= size and looked_at < _MOST_LOOKED_AT
        looked_at += doubtful
        if required or (doubtful and _is_readable(kind, read_at(file, start + 4, length + 8))):
            parts.append(Span(start, min(stop, size)))
        if kind == _END:
            break
        start = stop
    return parts


def _is_readable(kind: bytes, chunk: bytes) -> bool:
    """Whether a profile, an Exif or a text of interest is what it should be; `chunk` is all of it but its length."""
    data, checksum = chunk[4:-4], int.from_bytes(chunk[-4:], "big")
    if zlib.crc32(chunk[:-4]) != checksum:
        return False
    keyword, _, rest = data.partition(b"\0")
    match kind:
        case b"iCCP":
            return rest[:1] == b"\0" and _unpacks(rest[1:])
        case b"zTXt":
            return keyword in _KEYWORDS and rest[:1] == b"\0" and _unpacks(rest[1:])
        case b"iTXt" if rest[:1] != b"\0":  # compression flag, method, language, translated keyword, deflated text
            *_, text = rest[2:].split(b"\0", 2)
            return keyword in _KEYWORDS and rest[1:2] == b"\0" and _unpacks(text)
        case b"tEXt" | b"iTXt":
            return keyword in _KEYWORDS
    return True


def _unpacks(data: bytes) -> bool:
    """Whether it is deflated data of a reasonable length."""
    unpacking = zlib.decompressobj()
    try:
        unpacking.decompress(data, UNPACKED_LIMIT)
    except zlib.error:
        return False
    return not unpacking.unconsumed_tail
