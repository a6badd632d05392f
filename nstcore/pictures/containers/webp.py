"""The chunks of a WebP that its pixels need. RFC 9649, 2.3: a type, a length, as many bytes, and one more if odd."""

from __future__ import annotations

from typing import BinaryIO

from nstcore.pictures.containers.view import Parts, Span, read_at, require_few_parts, size_of

SIGNATURE = b"RIFF"

# The pixels, their frames, and what says how to show them: RFC 9649, 2.7.
_PIXELS = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"}
_IF_WHOLE = {b"ICCP", b"EXIF", b"XMP "}


def essential_parts(file: BinaryIO) -> Parts:
    """What is kept of a WebP, under a header that says how long that is."""
    size = size_of(file)
    head = read_at(file, 0, 12)
    if head[8:] != b"WEBP":
        return [Span(0, size)]
    claimed = 8 + int.from_bytes(head[4:8], "little")
    parts: list[Span] = []
    start, count, pixels_cut_short = 12, 0, False
    while start + 8 <= min(size, claimed):
        count += 1
        require_few_parts(count, start)
        chunk = read_at(file, start, 8)
        kind, length = chunk[:4], int.from_bytes(chunk[4:], "little")
        stop = start + 8 + length + length % 2
        if kind in _PIXELS or (kind in _IF_WHOLE and stop <= size):
            parts.append(Span(start, min(stop, size)))
            pixels_cut_short = stop > size
        start = stop
    kept = sum(part.stop - part.start for part in parts)
    if pixels_cut_short or 12 + kept == size == claimed:
        return [Span(0, size)]
    return [b"RIFF" + (4 + kept).to_bytes(4, "little") + b"WEBP", *parts]
