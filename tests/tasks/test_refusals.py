"""What the system refuses ends a grid early, in one line that names the place; a fault of ours keeps its traceback."""

from __future__ import annotations

import logging
import shutil

import luigi
import pytest

from nstcore.pictures.images import write_picture
from nstcore.system.places import require_folder
from pipeline.outputs.cell_store import CellStore
from tasks import FullGrid, OutputFolder
from tasks.outcome import CellFailed

pytestmark = pytest.mark.usefixtures("blank_figures")

LONG = "x" * 300


@pytest.fixture
def folder(public_folder, content_picture, blotches, monkeypatch):
    """A working folder for everybody, with two pictures."""
    for name, picture in (("content", content_picture), ("style", blotches(2, 48, 64))):
        (public_folder / name).mkdir()
        write_picture(public_folder / name / "one.png", picture)
    monkeypatch.chdir(public_folder)
    return public_folder


@pytest.fixture(scope="module", autouse=True)
def everything_imported(tmp_path_factory, blotches):
    """Without root's rights the interpreter's own folder may be closed, to what it imports late."""
    folder = tmp_path_factory.mktemp("first")
    places = {f"{name}_dir": str(folder / name) for name in ("content", "style", "output")}
    for name in ("content", "style"):
        (folder / name).mkdir()
        write_picture(folder / name / "one.png", blotches(1, 48, 64))
    assert luigi.build([grid(**places)], local_scheduler=True, log_level="WARNING")


@pytest.fixture
def lines(caplog):
    """What Luigi logs of failures: (first lines, whether any has a traceback)."""

    def lines():
        failures = [record for record in caplog.records if record.levelno >= logging.WARNING]
        told = [record.getMessage() for record in failures]
        return told, any(record.exc_info or "Traceback" in record.getMessage() for record in failures)

    caplog.set_level(logging.WARNING, "luigi-interface")
    return lines


def grid(**others):
    settings = {"style_layers": ["block1_conv1"], "content_layers": ["block1_conv2"]}
    places = {"content_dir": "content", "style_dir": "style", "output_dir": "outputs"}
    fast = {"backbones": "vgg16", "size": 64, "iterations": 1, "weights": "random", "settings": settings}
    return FullGrid(**{**places, **fast, **others})


REFUSED = {
    "output folder": ({"output_dir": "closed"}, "closed: cannot be written (Permission denied); change"),
    "below it": ({"output_dir": "closed/a/b"}, "closed/a/b: cannot be written (Permission denied); change"),
    "a part of it": ({"output_dir": "half"}, "half/cells: cannot be written (Permission denied); change"),
    "output is a file": ({"output_dir": "style/one.png"}, "cannot be a folder"),
    "output name": ({"output_dir": LONG}, "cannot be written (File name too long); choose"),
    "pictures": ({"content_dir": "hidden"}, "hidden: cannot be read (Permission denied); change"),
    "name of pictures": ({"style_dir": LONG}, "cannot be read (File name too long); choose"),
    "a picture": ({"style_dir": "secret"}, "two.png may not be read (permission denied); change"),
    "weights": ({"weights": "secret weights/own.h5"}, "own.h5: cannot be read (Permission denied); change"),
    "weights in a folder": ({"weights": "hidden/own.h5"}, "own.h5: cannot be read (Permission denied); change"),
    "name of weights": ({"weights": LONG}, "cannot be read (File name too long); choose"),
    "home of weights": ({"weights": "~nosuchuser/own.h5"}, "begins with a home folder that is not known"),
}


@pytest.mark.parametrize(("values", "words"), REFUSED.values(), ids=REFUSED)
def test_a_place_is_named_in_one_line_and_nothing_is_made(folder, unprivileged, run, lines, values, words):
    (folder / "closed").mkdir(mode=0o555)
    (folder / "hidden").mkdir(mode=0)
    (folder / "half").mkdir()
    (folder / "half").chmod(0o777)
    (folder / "half" / "cells").mkdir(mode=0o555)
    for file in (folder / "secret/two.png", folder / "secret weights/own.h5"):
        file.parent.mkdir()
        file.write_bytes(b"secret")
        file.chmod(0)
    with unprivileged():
        run(grid(**values))
        assert not grid(**values).complete()
    told, has_traceback = lines()
    assert len(told) == 1
    assert words in told[0]
    assert "\n" not in told[0]
    assert "[Errno" not in told[0]
    assert ".part" not in told[0]
    assert not has_traceback
    assert not list(folder.rglob("result.png"))


def test_a_finished_grid_needs_no_place_that_can_be_written(folder, unprivileged, run, lines):
    assert run(grid()).status == luigi.LuigiStatusCode.SUCCESS
    for path in (folder / "outputs", *(folder / "outputs").iterdir()):
        path.chmod(0o555)
    with unprivileged():
        assert not OutputFolder("outputs").complete()
        assert grid().complete()
        assert run(grid()).status == luigi.LuigiStatusCode.SUCCESS
    assert lines() == ([], False)


def test_a_cell_whose_place_is_lost_while_it_is_made_is_not_thrown_away(folder, run, lines, monkeypatch):
    dump = CellStore.dump

    def lose(store, *written):
        shutil.rmtree(folder / "outputs" / "cells")
        (folder / "outputs" / "cells").touch()
        dump(store, *written)

    monkeypatch.setattr(CellStore, "dump", lose)
    assert run(grid()).status != luigi.LuigiStatusCode.SUCCESS
    (kept,) = folder.glob("nst-kept-*/one/one/vgg16-*/result.png")
    told, has_traceback = lines()
    assert f"kept instead: {kept}" in told[0]
    assert {path.name for path in kept.parent.iterdir()} == {"result.png", "trace.csv", "manifest.json"}
    assert not has_traceback


def test_of_cells_made_together_the_others_are_written(folder, run, lines, monkeypatch, blotches):
    write_picture(folder / "content" / "two.png", blotches(3, 48, 64))
    dump = CellStore.dump

    def lose_one(store, *written):
        if "/one/one/" in store.path:
            shutil.rmtree(folder / "outputs" / "cells" / "one")
            (folder / "outputs" / "cells" / "one").touch()
        dump(store, *written)

    monkeypatch.setattr(CellStore, "dump", lose_one)
    run(grid(batch_size=2))
    assert len(list(folder.glob("nst-kept-*/one/one/*/result.png"))) == 1
    assert len(list(folder.glob("outputs/cells/two/one/*/manifest.json"))) == 1
    assert not lines()[1]


def test_a_cell_whose_place_is_lost_before_is_not_optimized(folder, run, lines, monkeypatch):
    def optimized(*arguments):
        raise AssertionError("it is optimised")

    def lose(store):
        require_folder(folder / "style" / "one.png")

    monkeypatch.setattr(CellStore, "require_place", lose)
    monkeypatch.setattr("tasks.transfer.Transfer.optimize", optimized)
    run(grid())
    told, has_traceback = lines()
    assert ["cannot be a folder" in line for line in told] == [True]
    assert not has_traceback


class Failing(luigi.Task):
    """Ends with an error of choice."""

    error = luigi.Parameter()

    def complete(self):
        return False

    def run(self):
        raise ERRORS[self.error][0]


ERRORS = {
    "told": (CellFailed("a line"), "a line"),
    "refused": (PermissionError(13, "Permission denied", "place"), "place: cannot be used (Permission denied)"),
    "several": (ExceptionGroup("two", [CellFailed("one"), CellFailed("other")]), "one; other"),
    "missing": (FileNotFoundError(2, "No such file or directory", "place"), ""),
    "fault": (KeyError("a"), ""),
    "both": (ExceptionGroup("two", [CellFailed("one"), KeyError("other")]), ""),
}


@pytest.mark.parametrize("error", ERRORS)
def test_only_a_fault_of_ours_has_a_traceback(run, lines, error):
    run(Failing(error))
    (line,), has_traceback = lines()
    words = ERRORS[error][1]
    assert has_traceback == (not words)
    if words:
        assert line.startswith(f"Failing(error={error}) failed: {words}")
