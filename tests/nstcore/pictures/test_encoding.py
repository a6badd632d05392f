"""Files of 16 bits and with opacity, read back by other programs' readers; and what their opacity was."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tensorflow as tf
import tifffile
from PIL import Image

from nstcore.errors import ConfigError, PictureError
from nstcore.pictures.encoding import encode_file, writable_suffix
from nstcore.pictures.images import read_opacity, read_picture


@pytest.fixture
def pixels():
    """Numbers between those of 8 bits, and a few beyond black and white."""
    return np.random.default_rng(0).uniform(-5, 260, (7, 9, 3)).astype(np.float32)


@pytest.fixture
def opacity():
    return np.random.default_rng(1).integers(0, 256, (7, 9), np.uint8)


def read_back(content: bytes, suffix: str, bits: int) -> np.ndarray:
    """By TensorFlow's PNG reader, which is libpng, and tifffile."""
    if suffix == ".png":
        return tf.io.decode_png(content, dtype=tf.uint16 if bits == 16 else tf.uint8).numpy()
    return tifffile.imread(io.BytesIO(content))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("transparent", [False, True])
def test_a_file_holds_what_was_given_rounded_to_its_bits(pixels, opacity, suffix, bits, transparent):
    content = encode_file(pixels, suffix, bits, opacity if transparent else None)
    found, most = read_back(content, suffix, bits), 2**bits - 1
    expected = np.clip(np.rint(pixels.astype(float) / 255 * most), 0, most)
    assert found.dtype == (np.uint16 if bits == 16 else np.uint8)
    assert np.array_equal(found[..., :3], expected)
    if transparent:
        assert np.array_equal(found[..., 3], opacity.astype(int) * (most // 255))
    else:
        assert found.shape[2] == 3


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_file_is_read_as_a_picture_with_its_opacity(tmp_path, pixels, opacity, suffix, bits):
    path = tmp_path / f"picture{suffix}"
    path.write_bytes(encode_file(pixels, suffix, bits, opacity))
    assert np.array_equal(read_opacity(path, 7, 9), opacity)
    alpha = opacity[..., None] / 255
    expected = np.clip(pixels, 0, 255) * alpha + 255 * (1 - alpha)
    assert np.abs(read_picture(path) - expected).max() <= 2
    path.write_bytes(encode_file(pixels, suffix, bits))
    assert read_opacity(path, 7, 9) is None


def test_opacity_is_turned_upright_and_resized_as_the_picture_is(tmp_path):
    opacity = np.zeros((40, 60), np.uint8)
    opacity[:, :30] = 255
    picture = Image.fromarray(np.dstack([np.full((40, 60, 3), 90, np.uint8), opacity]))
    exif = Image.Exif()
    exif[274] = 6  # a quarter turn clockwise: what was left is on top
    picture.save(tmp_path / "turned.png", exif=exif)
    found = read_opacity(tmp_path / "turned.png", 30, 20)
    assert found.shape == (30, 20)
    assert found[:13].min() >= 250
    assert found[17:].max() <= 5


def test_opacity_of_a_palette_of_one_transparent_color_and_of_arrays(tmp_path):
    palette = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8), "P")
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.save(tmp_path / "palette.png", transparency=1)
    assert np.array_equal(read_opacity(tmp_path / "palette.png", 2, 2), [[255, 0], [0, 255]])
    array = np.random.default_rng(2).integers(0, 256, (4, 5, 4), np.uint8)
    assert np.array_equal(read_opacity(array, 4, 5), array[..., 3])
    assert read_opacity(array[..., :3], 4, 5) is None


def test_what_a_file_cannot_hold_is_refused():
    assert writable_suffix("OUT.TIFF", 16, opacity=True) == ".tiff"
    for arguments in ({"bits": 16}, {"opacity": True}):
        with pytest.raises(
            PictureError, match=r"out\.jpg: a \.jpg file cannot hold .*; end it in \.png, \.tif, \.tiff"
        ):
            writable_suffix("out.jpg", **arguments)
    with pytest.raises(PictureError, match=r"out\.webp has no suffix that can be written"):
        writable_suffix("out.webp")
    with pytest.raises(ConfigError, match="bits must be 8 or 16"):
        writable_suffix("out.png", 12)


def test_heic_is_read_upright_where_its_package_is(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    picture = np.full((48, 64, 3), (200, 30, 30), np.uint8)
    picture[:, 32:] = (30, 30, 200)
    heif.from_pillow(Image.fromarray(picture)).save(tmp_path / "picture.heic", quality=95)
    found = read_picture(tmp_path / "picture.heic")
    assert found.shape == picture.shape
    assert np.abs(found.astype(int) - picture)[:, [4, -5]].max() < 12


def test_heic_without_its_package_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    (tmp_path / "picture.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 100)
    with pytest.raises(PictureError, match=r"picture\.heic is a HEIC picture, .*pip install 'nst-grid\[heic\]'"):
        read_picture(tmp_path / "picture.heic")
