"""The face of the pictures: sources, sizes, initial pictures, writing. How each kind of file decodes: test_decoding."""

from __future__ import annotations

import builtins
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nstcore.errors import ConfigError, OutputError, PictureError
from nstcore.pictures import images, resizing
from nstcore.pictures.images import Picture

SIDES = st.integers(1, 60)


def random_picture(height: int, width: int, seed: int = 0) -> Picture:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


# --- reading arrays -------------------------------------------------------------------------------------------------


def test_rgb_array_passes_through_untouched() -> None:
    picture = random_picture(4, 5)
    assert images.read_picture(picture) is picture


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        ([[0, 200]], [[[0, 0, 0], [200, 200, 200]]]),
        ([[[0], [200]]], [[[0, 0, 0], [200, 200, 200]]]),
        ([[[100, 255], [100, 0], [0, 128]]], [[[100, 100, 100], [255, 255, 255], [127, 127, 127]]]),
        ([[[10, 20, 30, 255], [10, 20, 30, 0], [0, 0, 255, 51]]], [[[10, 20, 30], [255, 255, 255], [204, 204, 255]]]),
    ],
    ids=["grey", "grey-1", "grey-alpha", "rgba"],
)
def test_other_arrays_become_rgb_on_white(array: Any, expected: Any) -> None:
    np.testing.assert_array_equal(images.read_picture(np.array(array, np.uint8)), np.array(expected, np.uint8))


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4, 3)),
        np.zeros((4, 4, 3), np.uint16),
        np.zeros((4, 4), bool),
        np.zeros(4, np.uint8),
        np.zeros((1, 4, 4, 3), np.uint8),
        np.zeros((3, 4, 5), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_arrays_that_are_no_pictures(array: Any) -> None:
    with pytest.raises(PictureError) as caught:
        images.read_picture(array)
    assert str(array.shape) in str(caught.value)
    assert str(array.dtype) in str(caught.value)


# --- reading paths: the error table ---------------------------------------------------------------------------------


def _message(source: Any) -> str:
    with pytest.raises(PictureError) as caught:
        images.read_picture(source)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.png", None, "does not exist"),
        ("folder", "folder", "is a folder"),
        ("empty.png", b"", "is an empty file"),
        ("text.jpg", b"dear reader, this is no picture\n" * 9, "not a picture in a known format"),
        ("broken.png", b"\x89PNG\r\n\x1a\n" + b"?" * 40, "is damaged: it begins as a PNG"),
        ("script.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture in a known format"),
        ("stub.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "damaged or cut short"),
        ("stub.tif", b"II*\x00\x08\x00\x00\x00", "TIFF that cannot be read"),
    ],
)
def test_bad_paths(tmp_path: Path, name: str, content: bytes | str | None, words: str) -> None:
    path = tmp_path / name
    if content == "folder":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    message = _message(path)
    assert message.startswith(str(path))
    assert words in message


def test_stray_notes_do_not_reach_stderr(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "stub.tif"
    path.write_bytes(b"II*\x00\x08\x00\x00\x00\x01")
    _message(path)
    assert capfd.readouterr() == ("", "")


def test_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert "pipe" in _message(tmp_path / "pipe.png")


def test_permission_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.png"
    images.write_picture(path, random_picture(2, 2))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(builtins, "open", refuse)
    message = _message(path)
    monkeypatch.undo()
    assert "permission" in message


@pytest.mark.parametrize("source", ["", "nul\0byte.png", "x" * 5000, 7, None, b"bytes.png"])
def test_impossible_sources(source: Any) -> None:
    assert _message(source)


def test_newlines_in_a_name_stay_on_one_line(tmp_path: Path) -> None:
    assert r"two\nlines.png" in _message(tmp_path / "two\nlines.png")


def test_decompression_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.png"
    images.write_picture(path, random_picture(20, 20))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300)
    assert images.read_picture(path).shape == (20, 20, 3)  # over the limit only warns in Pillow, over twice it fails
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 199)
    assert "too large" in _message(path)


# --- sizes ----------------------------------------------------------------------------------------------------------


@given(SIDES, SIDES, st.integers(1, 90))
def test_resize_is_exact_on_the_longest_side_and_keeps_the_aspect(height: int, width: int, target: int) -> None:
    resized = resizing.resize(random_picture(height, width), target)
    assert resized.dtype == np.uint8
    assert max(resized.shape[:2]) == target
    scale = target / max(height, width)
    for new, old in zip(resized.shape[:2], (height, width), strict=True):
        assert new == 1 or abs(new - old * scale) <= 0.5


@given(SIDES, SIDES)
def test_resize_to_the_same_size_is_the_same_object(height: int, width: int) -> None:
    picture = random_picture(height, width)
    assert resizing.resize(picture, max(height, width)) is picture
    assert resizing.resize_to(picture, height, width) is picture


def test_resize_rounds_halves_up() -> None:
    assert resizing.resize(random_picture(10, 5), 3).shape == (3, 2, 3)  # 1.5 pixels


@given(SIDES, SIDES, st.integers(1, 90), st.integers(0, 255))
def test_resizing_one_color_keeps_it(height: int, width: int, target: int, value: int) -> None:
    assert (resizing.resize(np.full((height, width, 3), value, np.uint8), target) == value).all()


def test_shrinking_is_antialiased() -> None:
    checkerboard = np.indices((64, 64)).sum(axis=0) % 2 * np.uint8(255)
    small = resizing.resize(np.repeat(checkerboard[..., None], 3, axis=2).astype(np.uint8), 16)
    assert abs(small.astype(int) - 127.5).max() < 8  # picking pixels would give 0 or 255


def test_real_numbers_are_resized_without_rounding_or_clipping() -> None:
    """By the same weights as 8 bits, which are positions of one row at a time."""
    picture = random_picture(20, 33)
    weights = [
        np.stack([resizing.resize_to(_column(row, side), new, 1)[:, 0, 0] for row in range(side)], axis=1)
        for side, new in ((20, 13), (33, 48))
    ]
    expected = np.einsum("yh,xw,hwc->yxc", *weights, 40.0 * picture.astype(np.float64) - 3000.0)
    real = resizing.resize_to((40.0 * picture - 3000.0).astype(np.float32), 13, 48)
    assert real.dtype == np.float32
    assert real == pytest.approx(expected, abs=0.05)
    assert (real.min() < -3000.0, real.max() > 7200.0) == (True, True)
    faint = picture // 4 + 96  # which 8 bits have room for, so that they are the same but for rounding, twice
    rounded = resizing.resize_to(faint.astype(np.float32), 13, 48)
    assert np.abs(resizing.resize_to(faint, 13, 48) - rounded).max() <= 1.5


def _column(row: int, side: int) -> np.ndarray:
    column = np.zeros((side, 1, 3), np.float32)
    column[row] = 1.0
    return column


def test_resize_to_height_and_width() -> None:
    assert resizing.resize_to(random_picture(8, 6), 3, 11).shape == (3, 11, 3)


@pytest.mark.parametrize("call", [lambda p: resizing.resize(p, 0), lambda p: resizing.resize_to(p, 3, 0)])
def test_no_size_below_one(call: Any) -> None:
    with pytest.raises(ConfigError, match=r"Received: .*=0"):
        call(random_picture(4, 4))


@given(SIDES, SIDES, SIDES)
def test_require_side(height: int, width: int, smallest: int) -> None:
    for picture in (np.zeros((height, width, 3)), (height, width), (height, width, 3)):
        if min(height, width) >= smallest:
            resizing.require_side(picture, smallest, name="a.png", backbone="vgg16")
        else:
            with pytest.raises(PictureError, match=rf"a\.png is {width} x {height} .* vgg16 .* {smallest} .*; use"):
                resizing.require_side(picture, smallest, name="a.png", backbone="vgg16")


def test_load_resizes(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    images.write_picture(path, random_picture(60, 40))
    assert images.load(path, 96, smallest_side=32, backbone="vgg19").shape == (96, 64, 3)
    assert images.load(str(path), 60, smallest_side=32, backbone="vgg19").shape == (60, 40, 3)


def test_load_refuses_tiny_pictures_and_does_not_enlarge_them() -> None:
    with pytest.raises(PictureError, match=r"array is 1 x 1 pixels .* vgg19 .* 32"):
        images.load(random_picture(1, 1), 256, smallest_side=32, backbone="vgg19")


def test_load_refuses_strips_that_get_too_narrow() -> None:
    with pytest.raises(PictureError, match="array, resized to a longest side of 256, is 256 x 13 pixels"):
        images.load(random_picture(50, 1000), 256, smallest_side=32, backbone="vgg19")


# --- initial pictures and the way back ------------------------------------------------------------------------------


def test_to_uint8_rounds_and_clips() -> None:
    values = np.array([[[-3.0, -0.4, 0.6]], [[254.4, 254.6, 999.0]], [[np.inf, -np.inf, 100.0]]])
    np.testing.assert_array_equal(images.to_uint8(values), [[[0, 0, 1]], [[254, 255, 255]], [[255, 0, 100]]])


@given(st.integers(0, 255))
def test_to_uint8_keeps_whole_values(value: int) -> None:
    for kind in (np.uint8, np.int64, np.float32):
        assert (images.to_uint8(np.full((2, 3, 3), value, kind)) == value).all()


@pytest.mark.parametrize("image", [np.zeros((4, 4)), np.zeros((1, 4, 4, 3)), np.full((2, 2, 3), np.nan)])
def test_to_uint8_refuses(image: Any) -> None:
    with pytest.raises(PictureError, match="Received: shape="):
        images.to_uint8(image)


# --- writing --------------------------------------------------------------------------------------------------------


@given(SIDES, SIDES)
def test_png_is_exact(tmp_path_factory: pytest.TempPathFactory, height: int, width: int) -> None:
    path = tmp_path_factory.mktemp("png") / "a.PNG"
    picture = random_picture(height, width)
    images.write_picture(path, picture)
    np.testing.assert_array_equal(images.read_picture(path), picture)
    assert path.read_bytes() == images.encode_png(picture)


@pytest.mark.parametrize("name", ["a.jpg", "a.jpeg", "a.JPG"])
def test_jpeg_is_close_and_keeps_full_color(tmp_path: Path, name: str) -> None:
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2] = [220, 40, 40]
    stripes[:, 1::2] = [40, 40, 220]  # one-pixel colour stripes: 4:2:0 would average them
    images.write_picture(tmp_path / name, stripes)
    assert abs(images.read_picture(tmp_path / name).astype(int) - stripes).mean() < 6
    assert (tmp_path / name).read_bytes().startswith(b"\xff\xd8")


@pytest.mark.parametrize("name", ["a.gif", "a", "a.txt", ".png"])
def test_unknown_suffix(tmp_path: Path, name: str) -> None:
    with pytest.raises(PictureError, match=r"\.png, \.jpg, \.jpeg"):
        images.write_picture(tmp_path / name, random_picture(2, 2))
    assert not list(tmp_path.iterdir())


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, old = tmp_path / "a.png", random_picture(3, 3)
    images.write_picture(path, old)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OutputError, match="No space left"):
        images.write_picture(path, random_picture(4, 4))
    assert list(tmp_path.iterdir()) == [path]
    np.testing.assert_array_equal(images.read_picture(path), old)


def test_written_files_have_ordinary_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    images.write_picture(tmp_path / "a.png", random_picture(2, 2))
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_write_errors_name_the_path(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    for path in (tmp_path / "no" / "a.png", tmp_path / "folder.png"):
        with pytest.raises(OutputError) as caught:
            images.write_picture(path, random_picture(2, 2))
        assert str(caught.value).startswith(str(path))
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder.png"]


@pytest.mark.parametrize("picture", [np.zeros((2, 2, 3)), np.zeros((2, 2), np.float32), np.zeros((0, 2, 3), np.uint8)])
def test_write_refuses_other_arrays(tmp_path: Path, picture: Any) -> None:
    with pytest.raises(PictureError, match="array is not a picture"):
        images.write_picture(tmp_path / "a.png", picture)
    assert not list(tmp_path.iterdir())
