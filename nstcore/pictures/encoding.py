"""Pictures as files: PNG, JPEG and TIFF, of 8 or 16 bits a channel, with or without opacity."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any, Literal, cast, get_args

import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray

from nstcore.checks import expected
from nstcore.errors import ConfigError, PictureError
from nstcore.pictures.picture_files import file_name

#: Bits of each channel of a file.
Bits = Literal[8, 16]

# 4:4:4 at quality 95: style transfer makes fine coloured texture, which the usual 4:2:0 blurs.
_JPEG: dict[str, Any] = {"quality": 95, "subsampling": 0}
#: Suffixes that can be written, and whether such a file can have 16 bits, or opacity.
_HOLDS_MORE = {".png": True, ".jpg": False, ".jpeg": False, ".tif": True, ".tiff": True}


def writable_suffix(path: str | os.PathLike[str], bits: Bits = 8, *, opacity: bool = False) -> str:
    """The suffix of a path, lower case.

    Raises:
        PictureError: if no such file can be written, or none with so many bits, or with opacity.
        ConfigError: if there can be no such number of bits.
    """
    if bits not in get_args(Bits):
        raise ConfigError(expected("bits", "8 or 16", bits))
    suffix = Path(path).suffix.lower()
    if suffix not in _HOLDS_MORE:
        raise PictureError(f"{file_name(path)} has no suffix that can be written; end it in {', '.join(_HOLDS_MORE)}")
    if not _HOLDS_MORE[suffix] and (bits == 16 or opacity):
        what = "16 bits" if bits == 16 else "opacity"
        able = ", ".join(each for each, more in _HOLDS_MORE.items() if more)
        raise PictureError(f"{file_name(path)}: a {suffix} file cannot hold {what}; end it in {able}")
    return suffix


def encode_file(pixels: NDArray[Any], suffix: str, bits: Bits = 8, opacity: NDArray[np.uint8] | None = None) -> bytes:
    """The bytes of a picture's file.

    Args:
        pixels: (H, W, 3), RGB, 0 to 255; numbers between those of the file's bits are rounded.
        suffix: one that `writable_suffix` gave for these.
        bits: of each channel.
        opacity: uint8 (H, W), 0 to 255; None for a file without.

    Raises:
        PictureError: for a picture that such a file cannot hold.
    """
    samples = pixels if opacity is None else np.dstack([pixels, opacity])
    if bits == 16 or samples.dtype != np.uint8:  # else they are what the file holds, and nothing larger is made of them
        most = 2**bits - 1
        scaled = np.rint(np.asarray(samples, np.float64) * (most / 255))
        samples = np.clip(scaled, 0, most).astype(np.uint8 if bits == 8 else np.uint16)
    try:
        if suffix in (".tif", ".tiff"):
            return _tiff(samples)
        if bits == 16:
            return _png_of_16_bits(samples)
        settings = _JPEG if suffix in (".jpg", ".jpeg") else {}
        return cast(bytes, imageio.imwrite("<bytes>", samples, extension=suffix, **settings))
    except (OSError, ValueError) as error:  # a JPEG has at most 65535 pixels a side
        raise PictureError(f"a picture {pixels.shape} cannot be stored as {suffix} ({error}); use .png") from None


def _tiff(samples: NDArray[Any]) -> bytes:
    import tifffile

    file = io.BytesIO()
    more: dict[str, Any] = {"extrasamples": ["unassalpha"]} if samples.shape[2] == 4 else {}
    tifffile.imwrite(file, samples, photometric="rgb", compression="zlib", software="nst", **more)
    return file.getvalue()


def _png_of_16_bits(samples: NDArray[Any]) -> bytes:
    """By hand, because Pillow has no colors of 16 bits (PNG, third edition, 2025: sections 5, 9 and 11.2)."""
    height, width, channels = samples.shape
    rows = samples.astype(">u2").view(np.uint8).reshape(height, -1)
    # Each byte less the one above it ("up", 2), which packs better than the bytes themselves.
    above = np.vstack([np.zeros_like(rows[:1]), rows[:-1]])
    filtered = np.hstack([np.full((height, 1), 2, np.uint8), rows - above])
    header = struct.pack(">IIBBBBB", width, height, 16, 6 if channels == 4 else 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
