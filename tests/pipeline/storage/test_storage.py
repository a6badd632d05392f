"""The storage under all stores."""

from __future__ import annotations

import os

import pytest

from nstcore import InputError, OutputError
from pipeline import storage


def test_what_is_written_is_read_listed_and_removed(tmp_path):
    place = tmp_path / "a" / "b" / "file.bin"
    assert (storage.exists(place), storage.size(place), storage.names(place.parent)) == (False, 0, [])
    storage.write(place, b"one")
    storage.write(place, b"three")
    assert (storage.read(place), storage.size(place), storage.names(place.parent)) == (b"three", 5, ["file.bin"])
    assert storage.ends(place, 2, 3) == (b"th", b"ree")
    assert storage.ends(place, 9, 9) == (b"three", b"three")
    assert list(storage.walk(tmp_path)) == [place]
    storage.remove(place)
    storage.remove(place)
    assert list(storage.walk(tmp_path)) == []


def test_files_that_are_being_written_are_not_listed(tmp_path):
    with storage.writing(tmp_path / "file.npz") as part:
        part.write_bytes(b"half")
        assert (storage.names(tmp_path), list(storage.walk(tmp_path))) == ([], [])
    assert storage.names(tmp_path) == ["file.npz"]


def test_a_version_changes_with_the_file_and_a_folder_has_none(tmp_path):
    place = tmp_path / "file"
    assert storage.version(place) is None
    assert storage.version(tmp_path) is None
    storage.write(place, b"one")
    first = storage.version(place)
    assert storage.version(place) == first
    storage.write(place, b"two")
    assert storage.version(place) != first
    assert storage.sha256(place) == "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"


def test_a_link_shares_the_bytes_and_is_a_copy_where_that_cannot_be(tmp_path, monkeypatch):
    storage.write(tmp_path / "one", b"bytes")
    storage.link(tmp_path / "one", tmp_path / "below" / "two")
    assert os.path.samefile(tmp_path / "one", tmp_path / "below" / "two")

    def refuse(*_):
        raise OSError("not here")

    monkeypatch.setattr(os, "link", refuse)
    storage.link(tmp_path / "one", tmp_path / "below" / "two")
    assert not os.path.samefile(tmp_path / "one", tmp_path / "below" / "two")
    assert storage.read(tmp_path / "below" / "two") == b"bytes"


def test_what_is_moved_is_there_once(tmp_path):
    storage.write(tmp_path / "one", b"bytes")
    storage.move(tmp_path / "one", tmp_path / "away" / "two")
    storage.move(tmp_path / "one", tmp_path / "away" / "three")  # another has moved it
    assert [path.name for path in storage.walk(tmp_path)] == ["two"]


def test_what_the_system_refuses_is_one_line(public_folder, unprivileged):
    storage.write(public_folder / "file", b"bytes")
    (public_folder / "file").chmod(0)
    public_folder.chmod(0o555)
    with unprivileged():
        with pytest.raises(InputError, match=r"file: cannot be read \(Permission denied\)"):
            storage.read(public_folder / "file")
        with pytest.raises(InputError, match=r"file: cannot be read \(Permission denied\)"):
            storage.sha256(public_folder / "file")
        with pytest.raises(OutputError, match=r"file: cannot be written \(Permission denied\)"):
            storage.write(public_folder / "file", b"others")
        with pytest.raises(OutputError, match=r"file: cannot be removed \(Permission denied\)"):
            storage.remove(public_folder / "file")
        with pytest.raises(OutputError, match=r"file: cannot be moved \(Permission denied\)"):
            storage.move(public_folder / "file", public_folder / "other")
