"""Reading a picture at the size that is wanted: the same pixels as reading and then resizing, in less memory."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from nstcore.errors import MemoryShortageError, PictureError
from nstcore.pictures import decoding, images, limits, strips
from nstcore.pictures.decoding import decode, reading_scale
from nstcore.pictures.images import load, reading_scale_of
from nstcore.pictures.resizing import resize, size_at

_NOISE = np.random.default_rng(0).integers(0, 256, (31, 47, 4), dtype=np.uint8)
_SIZES = (5, 30, 47, 90)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def at(data: bytes, longest_side: int) -> np.ndarray[Any, Any]:
    return decode(io.BytesIO(data), lambda height, width: size_at((height, width), longest_side))


@pytest.fixture(params=[1, 150, strips._PIXELS_OF_A_STRIP], ids=["a row", "three rows", "all"])
def strip(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How much is converted at a time must not matter."""
    monkeypatch.setattr(strips, "_PIXELS_OF_A_STRIP", request.param)


@pytest.mark.usefixtures("strip")
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_every_orientation(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    data = saved(Image.fromarray(_NOISE[..., :3]), kind, exif=exif)
    whole = decode(io.BytesIO(data))
    assert whole.shape[:2] == ((31, 47) if orientation < 5 else (47, 31))
    for size in _SIZES:
        np.testing.assert_array_equal(at(data, size), resize(whole, size))


@pytest.mark.usefixtures("strip")
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"])
def test_every_mode(mode: str) -> None:
    wide = _NOISE[..., 0].astype(np.uint16) * 257
    image = Image.fromarray(wide) if mode == "I;16" else Image.fromarray(_NOISE).convert("RGB").convert(mode)
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.fromarray(_NOISE[..., 3]))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = saved(image, "TIFF" if mode == "CMYK" else "PNG", icc_profile=profile)
    whole = decode(io.BytesIO(data))
    for size in _SIZES:
        np.testing.assert_array_equal(at(data, size), resize(whole, size))


def test_load_says_what_reading_and_resizing_would(tmp_path: Path) -> None:
    path = tmp_path / "narrow.png"
    images.write_picture(path, _NOISE[:, :, :3])
    np.testing.assert_array_equal(load(path, 40, smallest_side=20, backbone="vgg16"), resize(_NOISE[..., :3], 40))
    with pytest.raises(PictureError, match=r"narrow\.png is 47 x 31 pixels .* vgg16 needs at least 32"):
        load(path, 40, smallest_side=32, backbone="vgg16")
    with pytest.raises(PictureError, match=r"resized to a longest side of 30, is 30 x 20 pixels"):
        load(path, 30, smallest_side=31, backbone="vgg16")


# --- very large JPEGs -----------------------------------------------------------------------------------------------


def _photograph() -> Image.Image:
    """Smooth shapes with a grain, of sides that eight does not divide."""
    shapes = Image.fromarray(_NOISE[:14, :18, :3]).resize((533, 421), Image.Resampling.BICUBIC)
    grain = np.random.default_rng(1).normal(0, 8, (421, 533, 1))
    return Image.fromarray(np.clip(np.asarray(shapes) + grain, 0, 255).astype(np.uint8))


PHOTOGRAPH = _photograph()


@pytest.mark.parametrize(("longest_side", "scale"), [(10, 8), (16, 8), (25, 4), (60, 2), (100, 1), (533, 1)])
@pytest.mark.parametrize("orientation", [1, 6, 7])
def test_a_very_large_jpeg_is_read_reduced_and_hardly_differs(
    monkeypatch: pytest.MonkeyPatch, longest_side: int, scale: int, orientation: int
) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    data = saved(PHOTOGRAPH, "JPEG", quality=90, exif=exif)
    expected = at(data, longest_side).astype(int)
    monkeypatch.setattr(decoding, "LARGE", 421 * 533 - 1)
    assert reading_scale(io.BytesIO(data), lambda *sides: size_at(sides, longest_side)) == scale
    difference = abs(at(data, longest_side) - expected)
    assert difference.mean() < 1
    assert difference.max() <= 10
    assert (difference.max() > 0) == (scale > 1)


def test_everything_else_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    jpeg, png = (saved(PHOTOGRAPH, kind) for kind in ("JPEG", "PNG"))
    assert reading_scale(io.BytesIO(jpeg), lambda *_: (8, 10)) == 1
    monkeypatch.setattr(decoding, "LARGE", 1)
    for data in (png, jpeg[:40], b"no picture"):
        assert reading_scale(io.BytesIO(data), lambda *_: (8, 10)) == 1
    assert 40_000_000 > 7000 * 5000  # photographs of most cameras keep their pixels


def test_a_file_tells_how_it_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(decoding, "LARGE", 1)
    PHOTOGRAPH.save(tmp_path / "a.jpg")
    assert [reading_scale_of(tmp_path / "a.jpg", side) for side in (10, 25, 533)] == [8, 4, 1]


# --- memory ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "options", "bytes_per_pixel"),
    [
        ("PNG", {}, 4),
        ("JPEG", {}, 4),
        ("JPEG", {"progressive": True, "subsampling": 0}, 4 + 2 * 3),
        ("JPEG", {"progressive": True, "subsampling": 2}, 4 + 2 * 1.5),
        ("WEBP", {}, 4 + 12),
        ("TIFF", {}, 4),
    ],
)
def test_what_does_not_fit_is_refused_before_it_is_read(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    options: dict[str, Any],
    bytes_per_pixel: float,
) -> None:
    path = tmp_path / "large.picture"
    path.write_bytes(saved(Image.fromarray(_NOISE[..., :3]), kind, **options))
    required = 31 * 47 * bytes_per_pixel
    monkeypatch.setattr(limits, "free_main_memory", lambda: int(required))
    load(path, 20, smallest_side=1, backbone="vgg16")
    monkeypatch.setattr(limits, "free_main_memory", lambda: int(required) - 1)
    with pytest.raises(MemoryShortageError, match=r"large\.picture takes about .* MiB are free; scale it down first"):
        load(path, 20, smallest_side=1, backbone="vgg16")
    monkeypatch.setattr(limits, "free_main_memory", lambda: None)
    load(path, 20, smallest_side=1, backbone="vgg16")


_PEAK = """
import sys
from nstcore.pictures.images import load

def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) / 1024

before = peak()
load(sys.argv[1], 64, smallest_side=1, backbone="vgg16")
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak")
def test_a_large_picture_is_in_memory_once(tmp_path: Path) -> None:
    Image.new("RGB", (4000, 3000), (200, 100, 50)).save(tmp_path / "large.png", compress_level=1)
    finished = subprocess.run(
        [sys.executable, "-c", _PEAK, str(tmp_path / "large.png")], capture_output=True, text=True, check=True
    )
    stored = 4000 * 3000 * 4 / 2**20
    assert (
        stored * 0.9 < float(finished.stdout) < stored + 64
    )  # MiB; a copy as an array is 34 more, and resizing made several
