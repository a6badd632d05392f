"""Places for files: tried before the work, without a trace; and where a result goes that has lost its own."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from nstcore.errors import ConfigError, InputError, OutputError, PictureError
from nstcore.system.files import reading, whole_or_absent, write_results, write_whole
from nstcore.system.places import expand_home, make_folder, require_folder, require_place
from nstcore.system.refusals import line_of

LONG = "x" * 300


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("old", [False, True])
def test_a_good_place_is_left_as_it_was(tmp_path, old):
    target = tmp_path / "out.png"
    if old:
        target.write_bytes(b"old")
    require_place(target)
    require_folder(tmp_path / "a" / "b")
    assert everything_in(tmp_path) == (["out.png"] if old else [])
    assert not old or target.read_bytes() == b"old"


@pytest.mark.parametrize("ask", [require_place, lambda path: require_folder(path.parent), make_folder, write_whole])
@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("closed/below/out.png", "closed.*(does not exist|No such file|Permission denied)"),
        (f"{LONG}/out.png", "x…x.*File name too long.*choose a shorter one"),
        ("file/out.png", "file.*(does not exist|is none|Not a directory)"),
        ("loop/out.png", "loop.*(does not exist|is none|link there leads back to itself)"),
    ],
)
def test_a_bad_place_is_named_with_what_helps(public_folder, unprivileged, ask, place, words):
    (public_folder / "file").touch()
    (public_folder / "loop").symlink_to("loop")
    (public_folder / "closed").mkdir(mode=0o555)
    before = everything_in(public_folder)
    arguments = (b"",) if ask is write_whole else ()
    with unprivileged(), pytest.raises(OutputError, match=words) as caught:
        ask(public_folder / place, *arguments)
    assert str(caught.value).count("\n") == 0
    assert ".part" not in str(caught.value)
    assert "[Errno" not in str(caught.value)
    assert everything_in(public_folder) == before


def test_a_folder_that_takes_no_files_is_noticed(public_folder, unprivileged):
    public_folder.chmod(0o555)
    for ask in (require_place, require_folder):
        with unprivileged(), pytest.raises(OutputError, match=r"Permission denied\); change the permissions"):
            ask(public_folder / "out")


def test_a_full_disk_is_noticed(tmp_path, monkeypatch):
    def full(path, content):
        open(path, "wb").close()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    for ask in (require_place, require_folder, lambda path: write_whole(path, b"")):
        with pytest.raises(OutputError, match=r"out\b.*No space left on device\); make room"):
            ask(tmp_path / "out")
    assert everything_in(tmp_path) == []


def test_in_a_folder_for_all_the_file_of_another_is_not_replaced(public_folder, unprivileged):
    if os.geteuid() != 0:
        pytest.skip("only root can make the file of another user")
    public_folder.chmod(0o1777)
    (public_folder / "out.png").touch()
    with unprivileged(), pytest.raises(OutputError, match=r"out\.png: belongs to another user"):
        require_place(public_folder / "out.png")


def test_a_result_that_loses_its_place_is_kept_and_the_others_written(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    gone, good = tmp_path / "gone" / "out.png", tmp_path / "trace.csv"
    with pytest.raises(OutputError) as caught:
        write_results({gone: b"picture", good: b"trace"})
    (kept,) = (tmp_path / "work").glob("nst-kept-*/out.png")
    assert kept.read_bytes() == b"picture"
    assert good.read_bytes() == b"trace"
    line = str(caught.value)
    assert f"{gone}: cannot be written" in line
    assert f"kept instead: {kept}" in line
    assert line.endswith(f"written: {good}")


def test_where_a_place_does_not_take_it_the_next_does(public_folder, unprivileged, tmp_path_factory, monkeypatch):
    """Neither the working folder nor a home that is not known."""
    public_folder.chmod(0o755)
    (public_folder / "work").mkdir(mode=0o555)
    (public_folder / "temporary").mkdir()
    (public_folder / "temporary").chmod(0o777)
    monkeypatch.chdir(public_folder / "work")
    monkeypatch.setattr(Path, "home", classmethod(no_home))
    monkeypatch.setattr("tempfile.tempdir", str(public_folder / "temporary"))
    with unprivileged(), pytest.raises(OutputError, match=r"out\.png: cannot be written.*kept instead"):
        write_results({Path("out.png"): b"picture"})
    (kept,) = public_folder.glob("temporary/nst-kept-*/out.png")
    assert kept.read_bytes() == b"picture"


def no_home(cls):
    raise RuntimeError("Could not determine home directory.")


def test_what_no_place_takes_is_said_to_be_lost(tmp_path, monkeypatch):
    def no_folder(**others):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", no_folder)
    with pytest.raises(OutputError, match="it is lost"):
        write_results({tmp_path / "gone" / "out.png": b"picture"})


def test_errors_that_are_not_of_the_place_stay_what_they_are(tmp_path):
    def read_what_is_missing():
        with whole_or_absent(tmp_path / "out.png"):
            (tmp_path / "source.png").read_bytes()

    with pytest.raises(FileNotFoundError, match=r"source\.png"):
        read_what_is_missing()


def test_reading_names_the_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.json: cannot be read \(No such file"), reading(tmp_path / "none.json"):
        (tmp_path / "none.json").read_text()


def test_a_home_that_is_not_known_is_named(monkeypatch):
    monkeypatch.setenv("HOME", "/somewhere")
    assert expand_home("~/a", "weights") == Path("/somewhere/a")
    with pytest.raises(ConfigError, match="weights='~nosuchuser/a' begins with a home folder"):
        expand_home("~nosuchuser/a", "weights")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PictureError("a\nb"), r"a\nb"),
        (PermissionError(13, "Permission denied", "a.png"), "a.png: cannot be used (Permission denied); change"),
        (OSError(errno.ENOSPC, "No space left on device"), "a file: cannot be used (No space left on device); make"),
        (ExceptionGroup("two", [PictureError("a"), PictureError("a"), OutputError("b")]), "a; b"),
        # Faults of the program
        (FileNotFoundError(2, "No such file or directory", "a.png"), ""),
        (ExceptionGroup("two", [PictureError("a"), KeyError("b")]), ""),
        (ValueError("a"), ""),
        (OSError("a"), ""),
    ],
)
def test_what_a_person_can_mend_is_a_line_and_all_else_none(error, line):
    told = line_of(error)
    assert told.startswith(line) if line else told == ""
