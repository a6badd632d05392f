"""Picture files without the metadata that pixels do not need, so that broken metadata is no reason to refuse a picture.

A decoder reads every text and every table of a file, and gives up where one of them is broken, too long or just odd.
What this package gives it in place of the file holds what says how the pixels are stored and shown (size, palette,
transparency, colour profile, orientation) and, but for TIFF, nothing else; a profile or an orientation that cannot be
read is left out too. What is left is judged by the decoder alone: nothing here looks at pixels or mends them.

One file per format; BMP, which has none, has no metadata.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from nstcore.pictures.containers import avif, gif, jpeg, png, ppm, tiff, webp
from nstcore.pictures.containers.view import Parts, view

#: The first bytes of a format -> what lists the parts of such a file that are to be kept.
_FORMATS: tuple[tuple[tuple[bytes, ...], Callable[[BinaryIO], Parts]], ...] = (
    ((png.SIGNATURE,), png.essential_parts),
    ((jpeg.SIGNATURE,), jpeg.essential_parts),
    (tiff.SIGNATURES, tiff.essential_parts),
    ((webp.SIGNATURE,), webp.essential_parts),
    ((gif.SIGNATURE,), gif.essential_parts),
    (ppm.SIGNATURES, ppm.essential_parts),
)


def without_metadata(file: BinaryIO) -> BinaryIO:
    """An open, seekable picture file without what pixels do not need; the file itself if it holds nothing else.

    It reads from the file as it is read, and copies no pixels.
    """
    file.seek(0)
    head = file.read(16)
    if head[4:8] == avif.BRAND:
        return view(file, avif.essential_parts(file))
    for signatures, essential_parts in _FORMATS:
        if head.startswith(signatures):
            return view(file, essential_parts(file))
    file.seek(0)
    return file
