"""What of a folder is taken for pictures, and what is said of the rest."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from PIL import Image

from nstcore.errors import PictureError
from nstcore.pictures.decoding import FORMATS
from nstcore.pictures.images import PICTURE_SUFFIXES, read_picture
from pipeline.grid.picture_folder import find_pictures, in_short


@pytest.fixture
def crowded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one picture, a link to it, and one of everything that a file system knows."""
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    folder = tmp_path / "folder"
    (folder / "x.png").mkdir(parents=True)
    os.rename(tmp_path / "a.png", folder / "a.png")
    os.mkfifo(folder / "pipe.png")
    monkeypatch.chdir(folder)  # a socket's path may not be long
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.png")
    for name, target in {
        "device.png": os.devnull,
        "gone.png": "nowhere",
        "link.png": "a.png",
        "loop.png": "loop.png",
        "to-folder.png": "x.png",
        "to-pipe.jpg": "pipe.png",
    }.items():
        (folder / name).symlink_to(target)
    for name in ("notes.txt", "README", "photo.psd", ".hidden.png", ".DS_Store"):
        (folder / name).touch()
    Path(os.fsdecode(b"caf\xe9.txt")).touch()
    return folder


def test_files_and_links_to_files_are_taken_and_the_rest_is_named(crowded: Path) -> None:
    found = find_pictures(crowded)
    assert {name: [path.name for path in paths] for name, paths in found.pictures.items()} == {
        "a": ["a.png"],
        "link": ["link.png"],
    }
    assert sorted(found.passed_over) == [
        "README (not named as a picture)",
        r"caf\xe9.txt (not named as a picture)",
        "device.png (a device)",
        "gone.png (a link to nothing)",
        "loop.png (a link to nothing)",
        "notes.txt (not named as a picture)",
        "photo.psd (not named as a picture)",
        "pipe.png (a pipe)",
        "socket.png (a socket)",
        "to-folder.png (a folder)",
        "to-pipe.jpg (a pipe)",
        "x.png (a folder)",
    ]


def test_a_folder_without_pictures_says_what_is_there(crowded: Path) -> None:
    for name in ("a.png", "link.png"):
        (crowded / name).unlink()
    with pytest.raises(
        PictureError, match=r"no pictures in this folder; put some there .*device\.png \(a device\)"
    ) as e:
        find_pictures(crowded)
    assert "and 2 more" in str(e.value)


def test_what_is_no_folder(crowded: Path) -> None:
    with pytest.raises(PictureError, match=r"pipe\.png: is no folder"):
        find_pictures(crowded / "pipe.png")


@pytest.mark.parametrize(("count", "end"), [(1, "0"), (10, "9"), (11, "9 and 1 more"), (500, "9 and 490 more")])
def test_a_line_names_ten_at_most(count: int, end: str) -> None:
    assert in_short([str(number) for number in range(count)]).endswith(end)


def test_every_name_of_a_format_that_is_read_is_that_of_a_picture(tmp_path: Path) -> None:
    """Pillow's own names of these formats, but .pfm, whose numbers have no agreed white."""
    Image.init()
    known = {suffix for suffix, kind in Image.registered_extensions().items() if kind in FORMATS}
    assert known - {".pfm"} <= set(PICTURE_SUFFIXES)
    for suffix in PICTURE_SUFFIXES:
        kind = next(kind for kind, suffixes in FORMATS.items() if suffix in suffixes)
        if kind in Image.SAVE:
            mode = {".pgm": "L", ".pbm": "1"}.get(suffix, "RGB")
            Image.new(mode, (16, 16)).save(tmp_path / f"{suffix[1:]}{suffix.upper()}", format=kind)
    found = find_pictures(tmp_path)
    assert {paths[0].suffix.lower() for paths in found.pictures.values()} >= {".jfif", ".mpo", ".pnm", ".png"}
    for (path,) in found.pictures.values():
        assert read_picture(path).shape == (16, 16, 3)


def test_names_that_are_no_utf8_are_written_out_and_collide_as_such(tmp_path: Path) -> None:
    for name in (b"caf\xe9.png", b"caf\\xe9.png", b"\xff.png", "é.png".encode()):
        (tmp_path / os.fsdecode(name)).write_bytes(b"x")
    found = find_pictures(tmp_path)
    assert set(found.pictures) == {r"caf\xe9", r"\xff", "é"}
    assert len(found.pictures[r"caf\xe9"]) == 2
