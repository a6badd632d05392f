"""The segments of a JPEG that its pixels need. ITU T.81, B.1.1: a marker, and for most a length and as many bytes."""

from __future__ import annotations

from typing import BinaryIO

from nstcore.pictures.containers.view import Parts, Span, read_at, require_few_parts, size_of

SIGNATURE = b"\xff\xd8\xff"

_START_OF_SCAN, _COMMENT = 0xDA, 0xFE
_APPLICATION = range(0xE0, 0xF0)
# Exif and XMP. Some cameras take several segments for them; a decoder joins all, which takes ever longer.
_EXIF, _MOST_EXIFS = 0xE1, 16
# Markers without a length: a plain byte of 0xFF, temporary, restarts, start and end.
_BARE = {0x00, 0x01, *range(0xD0, 0xDA)}
# What an application segment is told by, and the fewest bytes that one needs to be read: JFIF and Adobe say what the
# components are, Exif and XMP which way is up. All others (thumbnails, Photoshop's resources, further pictures,
# comments) have no bearing on these pixels.
_KEPT = {
    (0xE0, b"JFIF\0"): 14,
    (0xE1, b"Exif\0\0"): 14,
    (0xE1, b"http://ns.adobe.com/xap/1.0/\0"): 29,
    (0xE2, b"ICC_PROFILE\0"): 14,
    (0xEE, b"Adobe"): 12,
}


def essential_parts(file: BinaryIO) -> Parts:
    """What is kept of a JPEG: all but the application segments and comments before its first scan, unless needed.

    From where it is no sequence of segments any more on, everything, for the decoder to say what is wrong.
    """
    size = size_of(file)
    parts: Parts = [Span(0, 2)]
    start = 2
    count = exifs = 0
    while start < size:
        count += 1
        require_few_parts(count, start)
        head = read_at(file, start, 4)
        marker, length = head[1:2], int.from_bytes(head[2:4], "big")
        if head[:2] == b"\xff\xff":
            parts.append(Span(start, start + 1))
            start += 1
            continue
        framed = len(head) == 4 and head[0] == 0xFF and length >= 2 and marker[0] not in _BARE
        stop = start + 2 + length
        if not framed or marker[0] == _START_OF_SCAN or stop > size:
            break
        if marker[0] in _APPLICATION or marker[0] == _COMMENT:
            if _is_essential(marker[0], read_at(file, start + 4, min(length - 2, 32)), length - 2):
                exifs += marker[0] == _EXIF
                if marker[0] != _EXIF or exifs <= _MOST_EXIFS:
                    parts.append(Span(start, stop))
        else:
            parts.append(Span(start, stop))
        start = stop
    return [*parts, Span(start, size)]


def _is_essential(marker: int, data: bytes, length: int) -> bool:
    return any(kind == marker and data.startswith(name) and length >= least for (kind, name), least in _KEPT.items())
