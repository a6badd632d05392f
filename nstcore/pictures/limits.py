"""What reading a picture may take, seen from what its file says of itself, before any pixel is decoded.

A few bytes can ask for gigabytes of memory or hours of work: a flat picture of 178 megapixels, a tile far larger than
its picture, a deflated strip that never ends, a JPEG of a hundred thousand passes.
"""

from __future__ import annotations

import math
import zlib
from typing import Any, BinaryIO

from PIL import Image, JpegImagePlugin, TiffImagePlugin

from nstcore.pictures.containers.view import read_at, size_of
from nstcore.pictures.undecodable import TooLargeError, UndecodableError
from nstcore.system.free_memory import binary_size, free_main_memory

# Bytes that reading takes for each pixel of the picture: Pillow's own, 4 for all other modes, and what the decoders of
# some formats hold besides. Measured, see benchmarks/reading.py.
_BYTES_PER_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}
_BYTES_OF_DECODER = {"WEBP": 12, "AVIF": 8}
# Of every coefficient of a JPEG of several passes, which all of them together make.
_BYTES_PER_COEFFICIENT = 2

#: What a file of few bytes may take, so that one sent by a stranger does not fill a machine.
_SMALL_FILE, _MOST_FOR_A_SMALL_FILE = 10 * 2**20, 7 * 2**28
# A progressive JPEG has some ten; each takes a pass over all the picture.
_MOST_PASSES = 200
_START_OF_SCAN = b"\xff\xda"
# TIFF 6.0, sections 8 and 15
ORIENTATION = 274
_TILE_WIDTH, _TILE_LENGTH = 322, 323
# Tiles are some 256 pixels a side, and a picture that is smaller than its tile is one.
_LARGEST_SPARE_TILE = 2**24
# TIFF 6.0, section 3, and its supplement of 2002: deflated; and plain or PackBits, at most 64 times its size.
_DEFLATE, _BOUNDED = (8, 32946), (1, 32773)
_BLOCK = 2**20


def require_memory(required: float, file: BinaryIO) -> None:
    """See that a picture can be read, before memory is taken for it.

    Args:
        required: bytes.
        file: the picture's; one of less than 10 MiB may not take more than 1.75 GiB.

    Raises:
        TooLargeError: if there is not as much memory.
        UndecodableError: if it is more than a file of that size may take.
    """
    free = free_main_memory()
    if free is not None and required > free:
        raise TooLargeError(
            f"takes about {binary_size(int(required))} of memory to be read, {binary_size(free)} are free; "
            "scale it down first, or make room"
        )
    size = size_of(file)
    if required > _MOST_FOR_A_SMALL_FILE and size < _SMALL_FILE:
        raise UndecodableError(
            f"takes about {binary_size(int(required))} of memory to be read, and is a file of {size} bytes, which is "
            "too little to be trusted with that; scale it down first"
        )


def bytes_to_load(opened: Image.Image, pixels: int) -> float:
    """Estimate what Pillow takes to load a picture of so many pixels, which `opened` may give reduced."""
    held = opened.width * opened.height * _BYTES_PER_PIXEL.get(opened.mode, 4)
    if isinstance(opened, JpegImagePlugin.JpegImageFile) and opened.info.get("progressive"):
        sampled = [across * down for _, down, across, _ in opened.layer]
        return held + pixels * _BYTES_PER_COEFFICIENT * sum(sampled) / max(sampled)
    if isinstance(opened, TiffImagePlugin.TiffImageFile) and opened.tag_v2.get(ORIENTATION, 1) != 1:
        return 2 * held  # Pillow turns it as it loads it
    return held + pixels * _BYTES_OF_DECODER.get(opened.format or "", 0)


def require_reasonable(opened: Image.Image, file: BinaryIO) -> None:
    """See that an opened picture is decoded in few passes, and in pieces that are no larger than it needs.

    Raises:
        UndecodableError: if it is not.
    """
    if isinstance(opened, JpegImagePlugin.JpegImageFile):
        passes = _count(file, _START_OF_SCAN)
        if passes > _MOST_PASSES:
            raise UndecodableError(f"is a JPEG of {passes} passes, where ten are usual; save it anew")
    if isinstance(opened, TiffImagePlugin.TiffImageFile):
        across, down = (opened.tag_v2.get(tag, 0) for tag in (_TILE_WIDTH, _TILE_LENGTH))
        if isinstance(across, int) and isinstance(down, int):
            require_tile(across * down, opened.width * opened.height)


def require_tile(tile: int, picture: int) -> None:
    """See that the tiles of a TIFF are not much larger than the picture; both in pixels.

    Raises:
        UndecodableError: if they are.
    """
    if tile > max(4 * picture, _LARGEST_SPARE_TILE):
        raise UndecodableError(f"is a TIFF in tiles of {tile} pixels, far larger than the picture; save it anew")


def require_segments(file: BinaryIO, page: Any) -> None:
    """See that the strips or tiles of a TIFF's page, as tifffile gives it, unpack to what they should.

    A deflated one is unpacked for that, but nothing is kept.

    Raises:
        UndecodableError: if one unpacks to more, or is packed in a way of which that cannot be told.
    """
    most = math.prod(map(int, page.chunks)) * page.dtype.itemsize
    if page.compression not in (*_DEFLATE, *_BOUNDED):
        raise UndecodableError(f"is a TIFF packed in an unusual way ({page.compression}); save it as PNG")
    for start, length in zip(page.dataoffsets, page.databytecounts, strict=True):
        if page.compression in _DEFLATE and _inflates_beyond(most, read_at(file, start, length)):
            raise UndecodableError("is a TIFF that unpacks to more than its picture holds; get a whole copy")


def _inflates_beyond(most: int, data: bytes) -> bool:
    unpacking, unpacked = zlib.decompressobj(), 0
    while data and not unpacking.eof and unpacked <= most:
        try:
            unpacked += len(unpacking.decompress(data, _BLOCK))
        except zlib.error:  # the decoder says so
            return False
        data = unpacking.unconsumed_tail
    return unpacked > most


def _count(file: BinaryIO, what: bytes) -> int:
    """How often two bytes stand in a file; its position stays."""
    position = file.tell()
    file.seek(0)
    found, last = 0, b""
    while block := file.read(_BLOCK):
        found += block.count(what) + (last + block[:1] == what)
        last = block[-1:]
    file.seek(position)
    return found
