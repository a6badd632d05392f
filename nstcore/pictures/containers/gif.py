"""The blocks of a GIF that its first picture needs. GIF89a, 15 to 26: a screen, then extensions and pictures."""

from __future__ import annotations

from typing import BinaryIO

from nstcore.pictures.containers.view import Parts, Span, read_at, require_few_parts, size_of

SIGNATURE = b"GIF8"

_SCREEN_SIZE = 13
_EXTENSION, _GRAPHIC_CONTROL = 0x21, 0xF9
# Of the one extension that is needed, which says what is transparent.
_GRAPHIC_CONTROL_SIZE = 4


def essential_parts(file: BinaryIO) -> Parts:
    """What is kept of a GIF: all but the extensions before its first picture that say nothing of transparency."""
    size = size_of(file)
    screen = read_at(file, 0, _SCREEN_SIZE)
    has_palette = len(screen) == _SCREEN_SIZE and screen[10] & 0x80
    start = _SCREEN_SIZE + (3 << (screen[10] & 7) + 1 if has_palette else 0)
    if start >= size:
        return [Span(0, size)]
    parts: Parts = [Span(0, start)]
    count = 0
    while True:
        count += 1
        require_few_parts(count, start)
        head = read_at(file, start, 3)
        if len(head) < 3 or head[0] != _EXTENSION:
            return [*parts, Span(start, size)]
        stop = _end_of_blocks(file, start + 2)
        if stop > size:
            return [*parts, Span(start, size)]
        if head[1] == _GRAPHIC_CONTROL and head[2] >= _GRAPHIC_CONTROL_SIZE:
            parts.append(Span(start, stop))
        start = stop


def _end_of_blocks(file: BinaryIO, start: int) -> int:
    """Where a sequence of blocks ends, each with its length before it and the last one empty."""
    file.seek(start)
    position = start
    while length := file.read(1):
        position += 1 + length[0]
        if length == b"\0":
            return position
        file.seek(position)
    return position + 1  # beyond the file
