"""Files of every kind against pixels worked out by hand."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from nstcore.errors import PictureError
from nstcore.pictures.decoding import UndecodableError, decode
from nstcore.pictures.images import Picture, read_picture

RED, GREEN, BLUE, WHITE, BLACK = [255, 0, 0], [0, 255, 0], [0, 0, 255], [255] * 3, [0] * 3
RGB = np.array([[RED, GREEN, BLUE], [WHITE, BLACK, [12, 34, 56]]], np.uint8)
GRAY = np.array([[0, 100, 255], [1, 2, 3]], np.uint8)
GRAY_AS_RGB = np.repeat(GRAY[..., None], 3, axis=2)
ALPHA = np.array([[255, 0, 128], [0, 51, 255]], np.uint8)
# colour · a/255 + 255 · (1 − a/255), by hand
RGB_ON_WHITE = np.array([[RED, WHITE, [127, 127, 255]], [WHITE, [204] * 3, [12, 34, 56]]], np.uint8)
GRAY_ON_WHITE = np.array([[0, 255, 255], [255, round(2 * 0.2 + 255 * 0.8), 3]], np.uint8)[..., None].repeat(3, axis=2)


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def decoded(data: bytes) -> Picture:
    return decode(io.BytesIO(data))


def png(samples: np.ndarray[Any, Any], color_type: int, *, transparent: tuple[int, ...] = ()) -> bytes:
    """A PNG of 8 or 16 bits written by hand, for kinds Pillow cannot write. colour_type: PNG specification, 11.2.1."""
    rows = samples.reshape(samples.shape[0], -1).astype(samples.dtype.newbyteorder(">"))
    header = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], samples.itemsize * 8, color_type, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows)))]
    if transparent:
        chunks.insert(1, (b"tRNS", struct.pack(f">{len(transparent)}H", *transparent)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + tag + body + struct.pack(">I", zlib.crc32(tag + body))
        for tag, body in [*chunks, (b"IEND", b"")]
    )


def tiff(samples: np.ndarray[Any, Any], photometric: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, photometric=photometric, **options)
    return buffer.getvalue()


def wide(samples: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return samples.astype(np.uint16) * 257  # 255 becomes 65535


def stacked(color: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.concatenate([color.reshape(2, 3, -1), ALPHA[..., None]], axis=2)


def palette_image() -> Image.Image:
    image = Image.fromarray(np.array([[0, 1, 2], [3, 4, 5]], np.uint8))
    image.putpalette([*RED, *GREEN, *BLUE, *WHITE, *BLACK, 12, 34, 56])
    return image


def black_and_white() -> Image.Image:
    return Image.fromarray(np.array([[0, 255, 0], [255, 255, 0]], np.uint8)).convert("1")


BLACK_AND_WHITE = np.array([[BLACK, WHITE, BLACK], [WHITE, WHITE, BLACK]], np.uint8)
RED_IS_WHITE = np.where((RGB == RED).all(axis=2, keepdims=True), 255, RGB)
HUNDRED_IS_WHITE = np.where(GRAY_AS_RGB == 100, 255, GRAY_AS_RGB)

EXACT: dict[str, tuple[bytes, Any]] = {
    "png rgb": (saved(Image.fromarray(RGB)), RGB),
    "png grey": (saved(Image.fromarray(GRAY)), GRAY_AS_RGB),
    "png grey, one value transparent": (saved(Image.fromarray(GRAY), transparency=100), HUNDRED_IS_WHITE),
    "png rgb, one colour transparent": (saved(Image.fromarray(RGB), transparency=tuple(RED)), RED_IS_WHITE),
    "png grey and alpha": (saved(Image.fromarray(stacked(GRAY))), GRAY_ON_WHITE),
    "png rgba": (saved(Image.fromarray(stacked(RGB))), RGB_ON_WHITE),
    "png palette": (saved(palette_image()), RGB),
    "png palette, first transparent": (saved(palette_image(), transparency=0), RED_IS_WHITE),
    "png palette, half transparent": (
        saved(palette_image(), transparency=bytes([255, 0, 128, 0, 51, 255])),
        RGB_ON_WHITE,
    ),
    "png 1 bit": (saved(black_and_white()), BLACK_AND_WHITE),
    "png 16-bit grey": (png(wide(GRAY), 0), GRAY_AS_RGB),
    "png 16-bit grey, one value transparent": (png(wide(GRAY), 0, transparent=(25700,)), HUNDRED_IS_WHITE),
    "png 16-bit grey and alpha": (png(wide(stacked(GRAY)), 4), GRAY_ON_WHITE),
    "png 16-bit rgb": (png(wide(RGB), 2), RGB),
    "png 16-bit rgb, one colour transparent": (png(wide(RGB), 2, transparent=(65535, 0, 0)), RED_IS_WHITE),
    "png 16-bit rgba": (png(wide(stacked(RGB)), 6), RGB_ON_WHITE),
    "gif, transparent": (saved(palette_image(), "GIF", transparency=0), RED_IS_WHITE),
    "gif, first of two frames": (
        saved(Image.fromarray(RGB), "GIF", save_all=True, append_images=[Image.new("RGB", (3, 2))]),
        RGB,
    ),
    "png, first of two frames": (
        saved(Image.fromarray(RGB), save_all=True, append_images=[Image.new("RGB", (3, 2))]),
        RGB,
    ),
    "webp lossless, alpha": (saved(Image.fromarray(stacked(RGB)), "WEBP", lossless=True, exact=True), RGB_ON_WHITE),
    "bmp": (saved(Image.fromarray(RGB), "BMP"), RGB),
    "ppm": (b"P6 3 2 255\n" + RGB.tobytes(), RGB),
    "pgm 16-bit": (b"P5 3 2 65535\n" + wide(GRAY).astype(">u2").tobytes(), GRAY_AS_RGB),
    "tiff rgb": (saved(Image.fromarray(RGB), "TIFF"), RGB),
    "tiff 1 bit": (saved(black_and_white(), "TIFF"), BLACK_AND_WHITE),
    "tiff white is zero": (tiff(255 - GRAY, "miniswhite"), GRAY_AS_RGB),
    "tiff planes": (tiff(np.moveaxis(RGB, 2, 0).copy(), "rgb", planarconfig="separate"), RGB),
    "tiff 16-bit grey": (tiff(wide(GRAY), "minisblack"), GRAY_AS_RGB),
    "tiff 16-bit grey, big-endian": (tiff(wide(GRAY), "minisblack", byteorder=">"), GRAY_AS_RGB),
    "tiff 16-bit white is zero": (tiff(wide(255 - GRAY), "miniswhite"), GRAY_AS_RGB),
    "tiff 16-bit rgb": (tiff(wide(RGB), "rgb"), RGB),
    "tiff 16-bit rgba": (tiff(wide(stacked(RGB)), "rgb", extrasamples=["unassalpha"]), RGB_ON_WHITE),
    "tiff 16-bit planes": (tiff(wide(np.moveaxis(RGB, 2, 0).copy()), "rgb", planarconfig="separate"), RGB),
    "tiff 16-bit grey and alpha": (
        tiff(wide(stacked(GRAY)), "minisblack", extrasamples=["unassalpha"], planarconfig="contig"),
        GRAY_ON_WHITE,
    ),
    "tiff, first of two pages": (
        saved(Image.fromarray(RGB), "TIFF", save_all=True, append_images=[Image.new("RGB", (9, 9))]),
        RGB,
    ),
    "tiff cmyk": (
        saved(Image.frombytes("CMYK", (2, 1), bytes([0, 255, 255, 0, 0, 0, 0, 255])), "TIFF"),
        [[RED, BLACK]],
    ),
}


@pytest.mark.parametrize("kind", EXACT)
def test_every_kind_of_file(kind: str) -> None:
    data, expected = EXACT[kind]
    picture = decoded(data)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, expected)


def test_sixteen_bits_are_rounded() -> None:
    gray = np.array([[0, 128, 129, 65406, 65407, 65535]], np.uint16)  # a step of 8 bits is 257; half of it 128.5
    np.testing.assert_array_equal(decoded(png(gray, 0))[0, :, 0], [0, 0, 1, 254, 255, 255])


@pytest.mark.parametrize("kind", ["float32", "int32", "uint32"])
def test_values_without_an_agreed_white_are_refused(kind: str) -> None:
    with pytest.raises(UndecodableError, match=r"8 or 16 bits|unusual"):
        decoded(tiff(np.array([[0, 70000]], kind), "minisblack"))


# --- orientation ----------------------------------------------------------------------------------------------------

# How a viewer puts each stored picture upright: EXIF 2.32, 4.6.4, tag 274.
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        *((kind, mode) for kind in ("PNG", "TIFF", "WEBP", "JPEG") for mode in ("RGB", "L")),
        *(("PNG", "I;16"), ("TIFF", "I;16")),
    ],
)
def test_exif_orientation(orientation: int, kind: str, mode: str) -> None:
    blocks = np.kron(GRAY, np.ones((16, 16), np.uint8))  # whole JPEG blocks, so that the colours come back
    image = Image.fromarray(wide(blocks)) if mode == "I;16" else Image.fromarray(blocks).convert(mode)
    exif = Image.Exif()
    exif[274] = orientation
    picture = decoded(saved(image, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {})))
    expected = UPRIGHT[orientation](np.repeat(blocks[..., None], 3, axis=2))
    assert picture.shape == expected.shape
    assert abs(picture.astype(int) - expected).max() <= (2 if kind == "JPEG" else 0)


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_orientation_of_a_tiff_pillow_cannot_read(orientation: int) -> None:
    planes = wide(np.moveaxis(RGB, 2, 0).copy())
    data = tiff(planes, "rgb", planarconfig="separate", extratags=[(274, 3, 1, orientation, True)])
    np.testing.assert_array_equal(decoded(data), UPRIGHT[orientation](RGB))


def test_broken_exif_is_no_reason_to_refuse() -> None:
    data = saved(Image.fromarray(RGB), exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff garbage")
    np.testing.assert_array_equal(decoded(data), RGB)


# --- colour ---------------------------------------------------------------------------------------------------------


def flat(mode: str, color: Any) -> Image.Image:
    return Image.new(mode, (16, 16), color)


def adobe_marker(data: bytes) -> bytes:
    """Put an Adobe APP14 marker (no colour transform) after the start of a JPEG: CMYK is then stored inverted."""
    return data[:2] + b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00" + data[2:]


def test_cmyk_jpeg_inverted_as_adobe_writes_it() -> None:
    ink = (0, 255, 255, 0)  # red
    data = saved(flat("CMYK", ink), "JPEG", quality=100)
    assert b"Adobe" in data  # Pillow writes what Adobe does
    assert abs(decoded(data).astype(int) - RED).max() <= 3


def profile_with_gamma_one() -> bytes:
    """sRGB's primaries with linear light: the tone curves (rTRC …) of Pillow's sRGB replaced by the identity."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack_from(">I", data, 128)
    for index in range(count):
        tag, offset, _ = struct.unpack_from(">4sII", data, 132 + 12 * index)
        if tag in (b"rTRC", b"gTRC", b"bTRC"):
            data[offset : offset + 12] = b"curv" + bytes(8)  # a curve of no points is the identity (ICC.1, 10.6)
    return bytes(data)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_icc_profile_is_converted_to_srgb(mode: str) -> None:
    image = flat("RGB", (55, 55, 55)).convert(mode)
    # IEC 61966-2-1: linear 55/255 = 0.2157 is 1.055 · 0.2157^(1/2.4) − 0.055 = 0.5020 in sRGB, that is 128
    picture = decoded(saved(image, icc_profile=profile_with_gamma_one()))
    assert abs(picture.astype(int) - 128).max() <= 1


def test_srgb_profile_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = decoded(saved(Image.fromarray(RGB), icc_profile=profile))
    assert abs(picture.astype(int) - RGB).max() <= 1


@pytest.mark.parametrize("profile", [b"garbage", bytes(200)])
def test_broken_profile_is_ignored(profile: bytes) -> None:
    np.testing.assert_array_equal(decoded(saved(Image.fromarray(RGB), icc_profile=profile)), RGB)


def test_profile_of_another_color_model_is_ignored() -> None:
    data = saved(Image.fromarray(GRAY), icc_profile=profile_with_gamma_one())  # an RGB profile in a grey picture
    np.testing.assert_array_equal(decoded(data), GRAY_AS_RGB)


# --- damage ---------------------------------------------------------------------------------------------------------

_NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8))
WHOLE = {
    "png": saved(_NOISE),
    "jpeg": saved(_NOISE, "JPEG"),
    "progressive jpeg": saved(_NOISE, "JPEG", progressive=True),
    "gif": saved(_NOISE, "GIF"),
    "bmp": saved(_NOISE, "BMP"),
    "tiff": saved(_NOISE, "TIFF"),
    "tiff lzw": saved(_NOISE, "TIFF", compression="tiff_lzw"),
    "tiff 16-bit planes": tiff(wide(np.moveaxis(np.asarray(_NOISE), 2, 0).copy()), "rgb", planarconfig="separate"),
    "webp": saved(_NOISE, "WEBP"),
    "ppm": saved(_NOISE, "PPM"),
}


def attempt(data: bytes) -> Picture | None:
    """The picture, or None where it was refused properly."""
    message = ""
    try:
        picture = decoded(data)
    except UndecodableError as error:
        message = str(error)
    if message:
        assert "\n" not in message
        return None
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert picture.shape[2] == 3
    return picture


@pytest.mark.parametrize("kind", WHOLE)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_file_cut_short_is_refused_or_whole(kind: str, data: st.DataObject) -> None:
    content = WHOLE[kind]
    length = data.draw(st.integers(1, len(content) - 1))
    picture = attempt(content[:length])
    if picture is not None:  # only an end mark was missing
        np.testing.assert_array_equal(picture, decoded(content))


@pytest.mark.parametrize("kind", WHOLE)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_changed_bytes_give_a_picture_or_our_error(kind: str, data: st.DataObject) -> None:
    content = bytearray(WHOLE[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, min(len(content), 400) - 1))] = data.draw(st.integers(0, 255))
    attempt(bytes(content))


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes(data: bytes) -> None:
    attempt(data)


def test_errors_carry_the_path(tmp_path: Path) -> None:
    path = tmp_path / "half.jpg"
    path.write_bytes(WHOLE["jpeg"][:600])
    with pytest.raises(PictureError, match=r"half\.jpg is damaged or cut short .*; get a whole copy"):
        read_picture(path)
