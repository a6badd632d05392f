"""The tags of a TIFF that can be read or must be. TIFF 6.0, section 2: a header, a directory of entries, their values.

An entry has 12 bytes, in a BigTIFF 20. Values lie anywhere in the file, so nothing is moved: the directory alone is
replaced.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from nstcore.pictures.containers.view import Parts, Span, read_at, size_of

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

# How samples are stored, and what colours they are: sections 3 to 23 of TIFF 6.0, and Adobe's JPEG tables (347).
_STORAGE = {
    *(254, 255, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 280, 281, 284, 292, 293, 317, 318, 319, 320),
    *(322, 323, 324, 325, 332, 336, 338, 339, 340, 341, 342, 347, *range(512, 522), 529, 530, 531, 532),
}
# The colour profile (ICC.1, B.4) and XMP, which decoders take for plain bytes without asking.
_TAKEN_FOR_BYTES, _BYTES = {34675, 700}, (1, 7)
# Bytes per value of each type: TIFF 6.0, section 2, and BigTIFF's 8-byte ones.
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}


def essential_parts(file: BinaryIO) -> Parts:
    """What is kept of a TIFF: its first directory without what cannot be read and pixels do not need, and all values.

    What can be read stays, because a file as it is can be read from the disk by libtiff, and any other has to be given
    it whole. A directory that cannot be read is kept as it is, for the decoder to say what is wrong.
    """
    size = size_of(file)
    head = read_at(file, 0, 16)
    order, big = ("<" if head.startswith(b"I") else ">"), head[:4] in SIGNATURES[2:]
    count_format, entry_format, offset_format, inline = ("Q", "HHQ8s", "Q", 8) if big else ("H", "HHL4s", "L", 4)
    try:
        (directory,) = struct.unpack_from(order + offset_format, head, 8 if big else 4)
        count_size, entry_size = struct.calcsize("=" + count_format), struct.calcsize("=" + entry_format)
        (count,) = struct.unpack(order + count_format, read_at(file, directory, count_size))
        entries = read_at(file, directory + count_size, count * entry_size) if count <= 2**16 else b""
        found = list(struct.iter_unpack(order + entry_format, entries))
    except struct.error:
        found, count = [], 1
    if len(found) != count:
        return [Span(0, size)]
    kept = b""
    for place, (tag, kind, length, value) in enumerate(found):
        bytes_taken = _SIZES.get(kind, 0) * length
        offset = struct.unpack(order + offset_format, value)[0] if bytes_taken > inline else 0
        readable = offset + bytes_taken <= size and (tag not in _TAKEN_FOR_BYTES or kind in _BYTES)
        if tag in _STORAGE or readable:
            kept += entries[place * entry_size : (place + 1) * entry_size]
    if kept == entries:
        return [Span(0, size)]
    # What follows the entries is where the next directory lies; none, because only the first picture is wanted.
    new = struct.pack(order + count_format, len(kept) // entry_size) + kept + bytes(inline)
    return [Span(0, directory), new, Span(min(directory + len(new), size), size)]
