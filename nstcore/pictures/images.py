"""Pictures: read, at a size, and write. Everywhere uint8 (H, W, 3), RGB, 0 to 255, upright, no alpha."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nstcore.errors import MemoryShortageError, PictureError
from nstcore.pictures.decoding import reading_scale
from nstcore.pictures.encoding import encode_file
from nstcore.pictures.encoding import writable_suffix as writable_suffix
from nstcore.pictures.picture_files import PICTURE_SUFFIXES as PICTURE_SUFFIXES
from nstcore.pictures.picture_files import file_name, open_file, read_file, read_opacity_of
from nstcore.pictures.resizing import Picture as Picture
from nstcore.pictures.resizing import require_side, resize_to, sides_of, size_at
from nstcore.pictures.rgb import rgb_of
from nstcore.system.files import write_whole
from nstcore.system.free_memory import binary_size, free_main_memory

#: Where a picture may come from: a path, or an array (H, W), (H, W, 1 to 4) of uint8.
PictureSource = str | os.PathLike[str] | NDArray[Any]


def read_picture(source: PictureSource) -> Picture:
    """Read a picture as a person sees it.

    Transparency is laid on white, the EXIF orientation applied, an embedded ICC profile converted to sRGB, 16 bits
    reduced to 8, and the first frame of an animation taken. The format is found from the content, not the suffix.

    Args:
        source: a path; or a uint8 array (H, W) or (H, W, 1) grey, (H, W, 2) grey and alpha, (H, W, 3) RGB, which is
            returned as it is, or (H, W, 4) RGB and alpha.

    Returns:
        uint8 (H, W, 3), RGB, 0 to 255.

    Raises:
        PictureError: if it is missing, unreadable, damaged, cut short or no picture; in one line.
        MemoryShortageError: if it takes more memory to read than is free.
    """
    return rgb_of(source) if isinstance(source, np.ndarray) else read_file(source, None)


def load(
    source: PictureSource,
    longest_side: int,
    *,
    smallest_side: int,
    backbone: str,
    on_enlarging: Callable[[str], None] | None = None,
) -> Picture:
    """Read a picture, resize it to `longest_side` and check that `backbone` can take it.

    The picture is checked as it comes, because enlarging one of a few pixels makes no picture, and after resizing,
    because a long strip gets too narrow.

    Args:
        on_enlarging: told in a few words if the picture has fewer pixels than are asked for.

    Returns:
        uint8 (H, W, 3), RGB, with max(H, W) == longest_side and min(H, W) >= smallest_side.

    Raises:
        PictureError: if it cannot be read, or its height or width is below `smallest_side`.
        MemoryShortageError: if it takes more memory to read than is free.
        ConfigError: if `longest_side` is less than 1.
    """
    name = "array" if isinstance(source, np.ndarray) else file_name(source)

    def wanted(height: int, width: int) -> tuple[int, int]:
        require_side((height, width), smallest_side, name=name, backbone=backbone)
        resized = size_at((height, width), longest_side)
        resized_name = f"{name}, resized to a longest side of {longest_side},"
        require_side(resized, smallest_side, name=resized_name, backbone=backbone)
        if max(resized) > max(height, width):
            _require_room(resized, resized_name)
            if on_enlarging is not None:
                on_enlarging(f"{name} has {width} x {height} pixels and is enlarged to {resized[1]} x {resized[0]}")
        return resized

    if not isinstance(source, np.ndarray):
        return read_file(source, wanted)  # which never holds the whole picture as an array
    picture = rgb_of(source)
    return resize_to(picture, *wanted(*sides_of(picture)))


def _require_room(size: tuple[int, int], name: str) -> None:
    """See that an enlarged picture fits, before memory is taken for it: it can be of any size, whatever its file."""
    required, free = 2 * 3 * math.prod(size), free_main_memory()
    if free is not None and required > free:
        raise MemoryShortageError(
            f"{name} takes about {binary_size(required)} of memory, {binary_size(free)} are free; choose a smaller size"
        )


def reading_scale_of(path: str | os.PathLike[str], longest_side: int) -> int:
    """How many times smaller than it is `load` reads a picture: 1, or 2, 4 or 8 for very large JPEGs.

    Those pixels are not quite the ones that reading all of it gives.

    Raises:
        PictureError: if it cannot be opened.
    """
    with open_file(path) as file:
        return reading_scale(file, lambda height, width: size_at((height, width), longest_side))


def read_opacity(source: PictureSource, height: int, width: int) -> NDArray[np.uint8] | None:
    """How opaque a picture is, resized: uint8 (height, width), 0 to 255; None for one without transparency.

    Raises what `read_picture` does.
    """
    if not isinstance(source, np.ndarray):
        return read_opacity_of(source, lambda *_: (height, width))
    if source.ndim != 3 or source.shape[2] not in (2, 4):
        return None
    return resize_to(np.repeat(source[..., -1:], 3, axis=2), height, width)[..., 0]


def to_uint8(image: NDArray[Any]) -> Picture:
    """Round (halves to even) and clip a real (H, W, 3) picture to 0 to 255.

    Raises:
        PictureError: if the shape is another, or a value is NaN.
    """
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[2] != 3 or np.isnan(image).any():
        raise PictureError(f"expected a picture (height, width, 3) without NaN. Received: shape={image.shape}")
    clipped: NDArray[Any] = np.clip(np.rint(image), 0, 255)
    return clipped.astype(np.uint8)


def encode_png(picture: Picture) -> bytes:
    """The picture, uint8 (H, W, 3), as a PNG file."""
    return encode(picture, ".png")


def encode(picture: Picture, suffix: str) -> bytes:
    """The bytes that `write_picture` writes for a suffix that it knows.

    Raises:
        PictureError: if it is no picture, or one that such a file cannot hold.
    """
    return encode_file(rgb_of(picture), suffix)


def write_picture(path: str | os.PathLike[str], picture: Picture) -> None:
    """Write uint8 (H, W, 3) as PNG, JPEG (quality 95, 4:4:4) or TIFF, by the suffix of `path`.

    The file is whole or absent. Its folder must exist.

    Raises:
        PictureError: for another suffix, or an array that is no picture.
        OutputError: if the place cannot be written.
    """
    write_whole(path, encode(picture, writable_suffix(path)))
