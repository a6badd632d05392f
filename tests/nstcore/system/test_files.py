"""Files that are whole or absent."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from nstcore.errors import OutputError
from nstcore.system.files import encodable, whole_or_absent, write_whole


class Interruption(BaseException):
    """What a person's Ctrl-C is: no `Exception`."""


@pytest.mark.parametrize("old", [None, b"old"])
@pytest.mark.parametrize("error", [ValueError, Interruption])
@pytest.mark.parametrize("written", [False, True])
def test_a_block_that_fails_leaves_the_old_file_and_no_litter(tmp_path, old, error, written):
    target = tmp_path / "result.png"
    if old is not None:
        target.write_bytes(old)

    def write_half() -> None:
        with whole_or_absent(target) as part:
            if written:
                part.write_bytes(b"half of it")
            raise error

    with pytest.raises(error):
        write_half()
    assert os.listdir(tmp_path) == ([] if old is None else ["result.png"])
    if old is not None:
        assert target.read_bytes() == old


def test_until_the_block_ends_readers_see_the_old_file(tmp_path):
    target = tmp_path / "result.png"
    target.write_bytes(b"old")
    with whole_or_absent(str(target)) as part:
        part.write_bytes(b"new")
        assert target.read_bytes() == b"old"
        # In the same folder, where renaming is one step; hidden; and with the suffix that writers go by.
        assert part.parent == tmp_path
        assert part.name.startswith(".")
        assert part.suffix == ".png"
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["result.png"]


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    target = tmp_path / "result.png"
    with whole_or_absent(target) as first, whole_or_absent(target) as second:
        assert first != second
        first.write_bytes(b"first")
        second.write_bytes(b"second")
    # The inner block ends first, so the outer one has the last word.
    assert target.read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["result.png"]


def test_a_block_that_writes_nothing_is_an_error_and_not_an_empty_file(tmp_path):
    with pytest.raises(FileNotFoundError), whole_or_absent(tmp_path / "result.png"):
        pass
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain é 😀", "plain é 😀"),
        (os.fsdecode(b"caf\xe9.png"), r"caf\xe9.png"),
        (os.fsdecode(b"\xff\xfe"), r"\xff\xfe"),
        ("\ud800 and \udce9", r"\ud800 and \udce9"),  # no file name has the first of these
    ],
)
def test_any_text_can_be_written(text, written):
    assert encodable(text) == written
    assert encodable(text).encode()


@pytest.mark.parametrize("old", [None, b"old"])
def test_content_is_on_the_disk_before_its_name_and_the_name_before_the_block_is_left(tmp_path, monkeypatch, old):
    """A power cut at any moment leaves the file whole or as it was; the system is asked in the order that says so."""
    target, deeds = tmp_path / "result.png", []
    if old is not None:
        target.write_bytes(old)
    fsync, replace = os.fsync, os.replace

    def recorded_fsync(descriptor):
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        deeds.append(("sync", str(path) if path.is_dir() else path.read_bytes()))
        fsync(descriptor)

    def recorded_replace(source, goal):
        deeds.append(("rename", str(goal)))
        replace(source, goal)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    with whole_or_absent(target) as part:
        part.write_bytes(b"new")
    assert deeds == [("sync", b"new"), ("rename", str(target)), ("sync", str(tmp_path))]


def test_a_disk_that_fails_when_it_is_asked_to_keep_a_file_is_told_of_and_the_old_file_stays(tmp_path, monkeypatch):
    target = tmp_path / "result.png"
    target.write_bytes(b"old")

    def fail(_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match=r"result\.png: cannot be written \(Input/output error\); check that disk"):
        write_whole(target, b"new")
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["result.png"]


def test_a_file_system_that_cannot_be_asked_is_believed(tmp_path, monkeypatch):
    def refuse(_):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", refuse)
    write_whole(tmp_path / "result.png", b"new")
    assert (tmp_path / "result.png").read_bytes() == b"new"
