"""Whole pictures with broken or enormous metadata, in every format that has any; and damage that is still refused."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nstcore.pictures.containers import png, without_metadata
from nstcore.pictures.containers.view import Span, view
from nstcore.pictures.decoding import decode
from nstcore.pictures.undecodable import UndecodableError

Image.init()
_PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8))
_UNPACKS_TO_2_MIB = zlib.compress(bytes(2 * png.UNPACKED_LIMIT))
_UPSIDE_DOWN = Image.Exif()
_UPSIDE_DOWN[274] = 3


def saved(kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    _PICTURE.save(buffer, format=kind, **options)
    return buffer.getvalue()


def decoded(data: bytes) -> np.ndarray[Any, Any]:
    return decode(io.BytesIO(data))


def kept(data: bytes) -> bytes:
    """What a decoder is given of a file."""
    return without_metadata(io.BytesIO(data)).read()


# --- PNG ------------------------------------------------------------------------------------------------------------

PNG = saved("PNG")


def chunk(kind: str, body: bytes = b"", checksum: int | None = None) -> bytes:
    tag = kind.encode()
    right = zlib.crc32(tag + body)
    return struct.pack(">I", len(body)) + tag + body + struct.pack(">I", right if checksum is None else checksum)


def png_with(*chunks: bytes, before: bytes = b"IDAT") -> bytes:
    place = PNG.index(before) - 4
    return PNG[:place] + b"".join(chunks) + PNG[place:]


_WRONG = 7
PNGS = {
    "compressed text of 2 MiB": png_with(chunk("zTXt", b"parameters\0\0" + _UNPACKS_TO_2_MIB)),
    "the same after the pixels": png_with(chunk("zTXt", b"parameters\0\0" + _UNPACKS_TO_2_MIB), before=b"IEND"),
    "international text of 2 MiB": png_with(chunk("iTXt", b"workflow\0\1\0\0\0" + _UNPACKS_TO_2_MIB)),
    "XMP of 2 MiB": png_with(chunk("iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + _UNPACKS_TO_2_MIB)),
    "70 texts of 1 MiB": png_with(*[chunk("zTXt", b"a\0\0" + zlib.compress(bytes(2**20)))] * 70),
    "profile of 2 MiB": png_with(chunk("iCCP", b"a\0\0" + _UNPACKS_TO_2_MIB)),
    "profile, unknown compression": png_with(chunk("iCCP", b"a\0\5abc")),
    "profile, empty": png_with(chunk("iCCP")),
    "Exif, junk": png_with(chunk("eXIf", b"junk")),
    "Exif in a text, junk": png_with(chunk("zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"a\nb\nc\nxyz"))),
    "text, unknown compression": png_with(chunk("zTXt", b"a\0\5abc")),
    "text, cut short": PNG[: PNG.index(b"IEND") - 4] + chunk("tEXt", b"Comment\0abcdefgh")[:20],
    "text, impossible length": PNG[: PNG.index(b"IEND") - 4] + b"\x7f\xff\xff\xfftEXtabc",
    **{f"{kind}, wrong checksum": png_with(chunk(kind, b"a\0b", _WRONG)) for kind in ("tEXt", "zTXt", "iTXt", "prVt")},
    **{f"{kind}, wrong checksum": png_with(chunk(kind, b"a\0\0b", _WRONG)) for kind in ("eXIf", "iCCP", "tIME")},
    **{f"{kind}, empty": png_with(chunk(kind)) for kind in ("gAMA", "cHRM", "sRGB", "pHYs", "sBIT", "hIST", "acTL")},
    **{f"{kind}, empty": png_with(chunk(kind)) for kind in ("fcTL", "fdAT", "bKGD", "cICP")},
    # Pillow keeps texts where it keeps what it knows of a picture, under their own names.
    **{
        f"a text named {name}": png_with(chunk("tEXt", name.encode() + b"\0x"))
        for name in ("transparency", "interlace", "bbox", "icc_profile", "exif", "default_image")
    },
}


@pytest.mark.parametrize("kind", PNGS)
def test_metadata_of_a_png(kind: str) -> None:
    np.testing.assert_array_equal(decoded(PNGS[kind]), np.asarray(_PICTURE))


def test_no_more_than_the_limit_is_unpacked() -> None:
    """A text that would unpack to a hundred times the limit reaches no decoder."""
    data = png_with(chunk("zTXt", b"Raw profile type exif\0\0" + zlib.compress(bytes(100 * png.UNPACKED_LIMIT), 1)))
    assert kept(data) == PNG


@pytest.mark.parametrize(
    "data",
    [
        png_with(chunk("tRNS", b"\0\1")),  # it needs six bytes; without it, the picture is another
        png_with(chunk("tRNS", bytes(6), _WRONG)),
        PNG.replace(b"IHDR", b"IHDS"),
        PNG[: PNG.index(b"IDAT") + 40],
        PNG[: PNG.index(b"IDAT") + 4] + bytes(200) + PNG[PNG.index(b"IDAT") + 204 :],
        PNG[:16] + b"\0\0\0\x19" + PNG[20:],  # the checksum of the header is wrong
    ],
    ids=["transparency", "transparency's checksum", "no header", "cut short", "zeros", "header's checksum"],
)
def test_damage_of_a_png_is_refused(data: bytes) -> None:
    with pytest.raises(UndecodableError):
        decoded(data)


# --- JPEG -----------------------------------------------------------------------------------------------------------

JPEG = saved("JPEG")


def segment(marker: int, body: bytes = b"") -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def jpeg_with(*segments: bytes) -> bytes:
    return JPEG[:2] + b"".join(segments) + JPEG[2:]


JPEGS = {
    "JFIF, short": jpeg_with(segment(0xE0, b"JFIF\0")),
    "Adobe, short": jpeg_with(segment(0xEE, b"Adobe")),
    "Photoshop, cut short": jpeg_with(segment(0xED, b"Photoshop 3.0\0" + b"8BIM\x03\xed")),
    "profile, empty": jpeg_with(segment(0xE2, b"ICC_PROFILE\0")),
    "profile, part of one": jpeg_with(segment(0xE2, b"ICC_PROFILE\0\1\5abc")),
    "further pictures, junk": jpeg_with(segment(0xE2, b"MPF\0junkjunk")),
    "Exif, empty": jpeg_with(segment(0xE1, b"Exif\0\0")),
    "Exif, junk": jpeg_with(segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff")),
    "XMP, orientation 99": jpeg_with(segment(0xE1, b'http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation="99"')),
    "comment, empty": jpeg_with(segment(0xFE)),
    "comment, not text": jpeg_with(segment(0xFE, bytes(range(256)))),
    "fill bytes": jpeg_with(b"\xff\xff\xff"),
}


@pytest.mark.parametrize("kind", JPEGS)
def test_metadata_of_a_jpeg(kind: str) -> None:
    np.testing.assert_array_equal(decoded(JPEGS[kind]), decoded(JPEG))


@pytest.mark.parametrize("cut", [30, len(JPEG) // 2])
def test_damage_of_a_jpeg_is_refused(cut: int) -> None:
    with pytest.raises(UndecodableError):
        decoded(JPEG[:cut])


# --- TIFF -----------------------------------------------------------------------------------------------------------


def tiff_with(order: str, tag: int, kind: int, count: int, value: int, **options: Any) -> bytes:
    """A TIFF whose directory has one more entry."""
    data = saved("TIFF", **options) + b"\0"
    if order == ">":
        data = _big_endian()
    (directory,) = struct.unpack_from(f"{order}L", data, 4)
    (entries,) = struct.unpack_from(f"{order}H", data, directory)
    found = [data[directory + 2 + 12 * index :][:12] for index in range(entries)]
    found.append(struct.pack(f"{order}HHLL", tag, kind, count, value))
    found.sort(key=lambda entry: struct.unpack(f"{order}H", entry[:2]))
    new = struct.pack(f"{order}H", len(found)) + b"".join(found) + bytes(4)
    return data[:4] + struct.pack(f"{order}L", len(data)) + data[8:] + new


def _big_endian() -> bytes:
    import tifffile

    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.asarray(_PICTURE), photometric="rgb", byteorder=">", metadata=None, software=False)
    return buffer.getvalue()


_BEYOND = 10**6
TAGS = {
    "description beyond the end": (270, 2, 100, _BEYOND),
    "description of 4 GiB": (270, 2, 2**32 - 1, 100),
    "resolution beyond the end": (282, 5, 1, _BEYOND),
    "profile beyond the end": (34675, 7, 500, _BEYOND),
    "profile, junk": (34675, 7, 20, 8),
    "XMP as a text": (700, 2, 100, 8),
    "Exif beyond the end": (34665, 4, 1, _BEYOND),
    "Photoshop beyond the end": (34377, 7, 10**5, _BEYOND),
    "date of an unknown type": (306, 99, 5, 5),
    "private": (65000, 12, 9, _BEYOND),
}


@pytest.mark.parametrize("options", [{}, {"compression": "tiff_lzw"}], ids=["plain", "lzw"])
@pytest.mark.parametrize("kind", TAGS)
def test_metadata_of_a_tiff(kind: str, options: dict[str, str]) -> None:
    np.testing.assert_array_equal(decoded(tiff_with("<", *TAGS[kind], **options)), np.asarray(_PICTURE))


def test_metadata_of_a_big_endian_tiff() -> None:
    np.testing.assert_array_equal(decoded(tiff_with(">", *TAGS["description beyond the end"])), np.asarray(_PICTURE))


def test_metadata_of_a_big_tiff() -> None:
    import tifffile

    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.asarray(_PICTURE), photometric="rgb", bigtiff=True, description="x" * 100)
    data = buffer.getvalue()
    place = data.index(struct.pack("<HHQ", 270, 2, 101)) + 12
    data = data[:place] + struct.pack("<Q", _BEYOND) + data[place + 8 :]
    np.testing.assert_array_equal(decoded(data), np.asarray(_PICTURE))
    assert len(kept(data)) == len(data)  # nothing is moved, because the pixels' offsets are absolute


# --- WebP, GIF, AVIF ------------------------------------------------------------------------------------------------

WEBP = saved("WEBP", lossless=True, exif=_UPSIDE_DOWN)
_EXIF = WEBP.index(b"EXIF")


def webp_with(added: bytes) -> bytes:
    return WEBP[:4] + struct.pack("<I", len(WEBP) + len(added) - 8) + WEBP[8:_EXIF] + added + WEBP[_EXIF:]


def test_metadata_of_a_webp() -> None:
    upright, turned = np.asarray(_PICTURE), np.asarray(_PICTURE)[::-1, ::-1]
    np.testing.assert_array_equal(decoded(WEBP), turned)
    np.testing.assert_array_equal(decoded(webp_with(b"ABCD\5\0\0\0hello\0")), turned)
    np.testing.assert_array_equal(decoded(WEBP[:-3]), upright)  # Exif is cut short, and counts as none
    np.testing.assert_array_equal(decoded(WEBP[: _EXIF + 4] + b"\xff\xff\0\0" + WEBP[_EXIF + 8 :]), upright)
    np.testing.assert_array_equal(decoded(saved("WEBP", lossless=True, icc_profile=b"junk")), upright)
    with pytest.raises(UndecodableError):
        decoded(WEBP[: _EXIF - 30])


_PALETTED = _PICTURE.quantize(8)


def gif_with(*extensions: bytes) -> bytes:
    buffer = io.BytesIO()
    _PALETTED.save(buffer, format="GIF", transparency=1, comment=b"comment")
    data = buffer.getvalue()
    place = data.index(b"!")
    return data[:place] + b"".join(extensions) + data[place:]


@pytest.mark.parametrize(
    "extension",
    [b"!\xfe\0", b"!\x77\0", b"!\xff\x0bNETSCAPE2.0\0", b"!\xff\x03abc\0", b"!\xf9\1\0\0", b"!\1\x0c" + bytes(13)],
    ids=["empty comment", "unknown, empty", "loop without a count", "application, short", "control, short", "text"],
)
def test_metadata_of_a_gif(extension: bytes) -> None:
    expected = np.asarray(_PALETTED.convert("RGB")).copy()
    expected[np.asarray(_PALETTED) == 1] = 255  # what is transparent stays so
    np.testing.assert_array_equal(decoded(gif_with(extension)), expected)
    np.testing.assert_array_equal(decoded(gif_with(extension, extension)), expected)


@pytest.mark.skipif("AVIF" not in Image.SAVE, reason="this Pillow has no AVIF")
def test_metadata_of_an_avif() -> None:
    plain, turned = saved("AVIF"), saved("AVIF", exif=_UPSIDE_DOWN)
    np.testing.assert_array_equal(decoded(turned), decoded(plain)[::-1, ::-1])  # which its own property says
    np.testing.assert_array_equal(decoded(turned.replace(b"II*\0", b"junk")), decoded(turned))
    with pytest.raises(UndecodableError):
        decoded(plain[:-100])


# --- what is kept ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "PPM"])
def test_a_file_without_metadata_is_read_as_it_is(kind: str) -> None:
    file = io.BytesIO(saved(kind))
    assert without_metadata(file) is file
    assert file.tell() == 0


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_profile_and_orientation_are_kept_among_broken_metadata(kind: str) -> None:
    broken: dict[str, Callable[[bytes], bytes]] = {
        "PNG": lambda data: data.replace(chunk("IEND"), chunk("tEXt", b"a\0b", _WRONG) + chunk("IEND")),
        "JPEG": lambda data: data[:2] + segment(0xE0, b"JFIF\0") + data[2:],
        "TIFF": lambda data: data,
        "WEBP": lambda data: data,
    }
    data = saved(kind, exif=_UPSIDE_DOWN, icc_profile=b"a profile")
    given = kept(broken[kind](data))
    with Image.open(io.BytesIO(given)) as image:
        image.load()
        assert image.info["icc_profile"] == b"a profile"
    np.testing.assert_array_equal(decoded(broken[kind](data)), decoded(data))


_SOURCE = bytes(range(200))


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)).map(lambda ends: Span(*sorted(ends))), max_size=6),
    st.lists(st.tuples(st.integers(0, 900), st.integers(-1, 300)), max_size=6),
)
def test_a_view_reads_like_a_file_of_its_parts(spans: list[Span], reads: list[tuple[int, int]]) -> None:
    whole = b"new" + b"".join(_SOURCE[start:stop] for start, stop in spans)
    file = view(io.BytesIO(_SOURCE), [b"new", *spans])
    assert file.seek(0, os.SEEK_END) == len(whole)
    for position, length in reads:
        assert file.seek(position) == position
        assert file.read(length) == io.BytesIO(whole[position:]).read(length)
        assert file.tell() == max(position, min(position + length, len(whole)) if length >= 0 else len(whole))
    with pytest.raises(ValueError, match="negative"):
        file.seek(-1)
