"""The nightly grid through Luigi, in process: night after night on real files."""

from __future__ import annotations

import datetime
import json
import logging
import os
import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import luigi
import numpy as np
import pytest
from luigi.execution_summary import LuigiRunResult
from luigi.tools.range import RangeDailyBase

from nstcore import ConfigError
from nstcore.pictures.images import read_picture, write_picture
from pipeline.grid.digest import ENGINE_VERSION
from pipeline.storage.sealed import sealed
from tasks import NightlyGrid

pytestmark = pytest.mark.usefixtures("blank_figures")

STUDY = """
title = "Cats & <bridges>"
content_dir = "{root}/content"
style_dir = "{root}/style"
backbones = ["vgg16"]
[settings]
size = 80
iterations = {iterations}
weights = "random"
style_layers = ["block1_conv1", "block2_conv1"]
content_layers = ["block2_conv2"]
"""
FIRST = datetime.date(2025, 10, 1)


def day(number: int) -> datetime.date:
    return FIRST + datetime.timedelta(number)


def write_inputs(root: Path, blotches) -> Path:
    """One content, two styles, and the study of them."""
    for seed, name in enumerate(("content/cat.png", "style/ink.png", "style/oil.png")):
        (root / name).parent.mkdir(exist_ok=True)
        write_picture(root / name, blotches(seed, 90, 110))
    write_study(root)
    return root


@pytest.fixture
def root(tmp_path, blotches):
    return write_inputs(tmp_path, blotches)


@pytest.fixture
def after_a_night(kept, blotches, run):
    """The same after the first night, which is made once for all tests."""

    def fill(folder):
        assert run_night(run, write_inputs(folder, blotches), 0).status == SUCCESS

    return kept("night", fill)


def write_study(root: Path, iterations: int = 2) -> None:
    (root / "study.toml").write_text(STUDY.format(root=root, iterations=iterations))


def parameters(root: Path, **others):
    return {"config": str(root / "study.toml"), "output_dir": str(root / "outputs"), **others}


def run_night(run, root: Path, number: int, **others) -> LuigiRunResult:
    return run(NightlyGrid(day(number), **parameters(root, **others)))


def night(root: Path, number: int) -> Path:
    return root / "outputs" / "nights" / day(number).isoformat()


def page(root: Path, number: int) -> str:
    return (night(root, number) / "index.html").read_text()


def snapshot(root: Path, number: int) -> dict:
    return json.loads((night(root, number) / "night.json").read_text())


def lacking(root: Path, number: int) -> set[str]:
    """What the page of a night links to that is not in its folder, wherever the folder is moved."""
    moved = shutil.copytree(night(root, number), root / "moved" / str(number))
    links = {unquote(link) for link in re.findall(r'(?:src|href)="([^"]+)"', page(root, number))}
    files = {link for link in links if not link.startswith(("#", "data:"))}
    assert len(files) > 5
    return {link for link in files if ".." in link or not (moved / link).is_file()}


def cells(root: Path) -> dict[str, int]:
    found = (root / "outputs" / "cells").rglob("result.png")
    return {str(path): path.stat().st_mtime_ns for path in found}


def failures(caplog) -> list[str]:
    failed = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert not any(record.exc_info for record in failed)
    return [record.getMessage() for record in failed]


SUCCESS, FAILED = luigi.LuigiStatusCode.SUCCESS, luigi.LuigiStatusCode.FAILED


def test_nights_one_after_the_other(after_a_night, run, blotches):
    root = after_a_night
    assert "there is nothing to compare with" in page(root, 0)
    assert "<bridges>" not in page(root, 0)
    first = snapshot(root, 0)
    assert (first["date"], first["compared_with"], first["worse"]) == ("2025-10-01", None, [])
    for cell in first["cells"]:
        assert (cell["status"], cell["engine"], cell["config"]["size"]) == ("done", ENGINE_VERSION, 80)
        assert cell["picture_sha256"]
        assert 0 < cell["relative_loss"] < 1
        assert cell["versions"]["keras"]

    assert not lacking(root, 0)

    made = cells(root)
    assert run_night(run, root, 1).status == SUCCESS
    assert cells(root) == made
    assert "Nothing changed since 2025-10-01" in page(root, 1)
    assert snapshot(root, 1)["compared_with"] == "2025-10-01"
    assert "Did not run any tasks" in run_night(run, root, 1).summary_text

    before = (night(root, 1) / "night.json").read_bytes()
    write_picture(root / "style/ink.png", blotches(77, 90, 110))
    write_picture(root / "style/chalk.png", blotches(78, 90, 110))
    assert run_night(run, root, 2).status == SUCCESS
    text = page(root, 2)
    assert "What changed since 2025-10-02" in text
    assert "another style picture" in text
    differences = sorted((night(root, 2) / "changes").glob("*-difference.png"))
    assert [path.name for path in differences] == ["1-difference.png"]  # of cat × ink; cat × chalk is new
    assert read_picture(differences[0]).any()
    assert f'src="changes/{differences[0].name}"' in text
    assert "New cells" in text
    assert not lacking(root, 2)

    (root / "style/oil.png").unlink()
    assert run_night(run, root, 3).status == SUCCESS
    assert "Removed cells" in page(root, 3)
    assert len(snapshot(root, 3)["cells"]) == 2
    assert (night(root, 1) / "night.json").read_bytes() == before  # nights of before are frozen

    write_study(root, iterations=3)
    run_night(run, root, 4)
    assert "iterations 2 → 3" in page(root, 4)
    assert len(list((night(root, 4) / "changes").glob("*-before.png"))) == 2


def made_better(root: Path, number: int) -> None:
    """Have a past night say that its losses were half of what they were."""
    path = night(root, number) / "night.json"
    data = json.loads(path.read_text())
    for cell in data["cells"]:
        if cell["style"] == "ink":
            cell["loss"] /= 2
    path.write_bytes(sealed(data))


def test_a_worse_loss_fails_the_run_but_not_the_night(after_a_night, run, caplog):
    root = after_a_night
    made_better(root, 0)
    assert run_night(run, root, 1).status == FAILED
    (line,) = failures(caplog)
    assert " failed: worse: cat × ink, VGG16: loss " in line
    assert line.endswith("(+100 %)")
    assert "(+100 %)" in page(root, 1)
    assert [each[:3] for each in snapshot(root, 1)["worse"]] == [["cat", "ink", "VGG16"]]
    written = (night(root, 1) / "index.html").stat().st_mtime_ns
    assert NightlyGrid(day(1), **parameters(root)).complete()
    assert run_night(run, root, 1).status == SUCCESS
    assert (night(root, 1) / "index.html").stat().st_mtime_ns == written

    made_better(root, 1)
    assert run_night(run, root, 2, on_worse="tell").status == SUCCESS
    assert "(+100 %)" in page(root, 2)
    made_better(root, 2)
    assert run_night(run, root, 3, worse_loss=1.5).status == SUCCESS
    assert "Nothing changed" in page(root, 3)


def test_a_night_with_failed_cells_is_a_night(after_a_night, run, caplog):
    root = after_a_night
    good = (root / "style/ink.png").read_bytes()
    (root / "style/ink.png").write_bytes(b"")
    assert run_night(run, root, 1).status == FAILED
    assert "Newly failed" in page(root, 1)
    assert any("ink.png" in line for line in failures(caplog))
    (root / "style/ink.png").write_bytes(good)
    made = cells(root)
    assert run_night(run, root, 2).status == SUCCESS
    assert "Recovered" in page(root, 2)
    assert cells(root) == made


def test_a_range_of_days_is_made_in_its_order_and_pruned(root, run):
    def days() -> RangeDailyBase:
        return RangeDailyBase(
            of=NightlyGrid,
            of_params=parameters(root, keep_nights=2),
            start=day(0),
            stop=day(5),
            days_back=100_000,
            param_name="date",  # found without it, but Luigi warns of its own default
        )

    assert run(days()).status == SUCCESS
    folder = root / "outputs" / "nights"
    assert sorted(path.name for path in folder.iterdir()) == ["2025-10-01", "2025-10-04", "2025-10-05", "pruned.txt"]
    assert [snapshot(root, number)["compared_with"] for number in (0, 3, 4)] == [None, "2025-10-03", "2025-10-04"]
    assert len(cells(root)) == 2  # nights go, cells stay
    assert days().complete()  # what was pruned is not asked for again
    assert "Did not run any tasks" in run(days()).summary_text


def test_a_missed_night_is_compared_with_the_latest_earlier_one(after_a_night, run):
    root = after_a_night
    run_night(run, root, 5)
    run_night(run, root, 3)
    assert snapshot(root, 3)["compared_with"] == "2025-10-01"
    assert snapshot(root, 5)["compared_with"] == "2025-10-01"


def test_names_that_would_be_markup_are_text(root, run, blotches):
    hostile = "<img src=x onerror=alert(1)> \"quoted\" 'and' Ж ％"
    write_picture(root / "style" / f"{hostile}.png", blotches(5, 90, 110))
    run_night(run, root, 0)
    write_picture(root / "style" / f"{hostile}.png", np.full((90, 110, 3), 120, np.uint8))
    assert run_night(run, root, 1).status == SUCCESS
    assert "<img src=x" not in page(root, 1)
    assert "&lt;img src=x onerror=alert(1)&gt;" in page(root, 1)
    assert list((night(root, 1) / "changes").glob("*-difference.png"))


def test_a_night_whose_study_cannot_be_read_fails_with_one_line(root, run, caplog):
    assert run_night(run, root, 0, config="nowhere.toml").status == FAILED
    assert any("nowhere.toml: cannot be read" in text for text in failures(caplog))
    assert not (root / "outputs" / "nights").exists()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"worse_loss": -1.0}, "worse_loss must be a number >= 0"),
        ({"keep_nights": 0}, "keep_nights must be a whole number >= 1"),
    ],
)
def test_a_night_with_a_limit_that_cannot_be_is_refused(change, line):
    with pytest.raises(ConfigError, match=line):
        NightlyGrid(date=datetime.date(2026, 11, 21), **change)


def test_the_date_is_what_a_range_of_days_gives():
    assert next(name for name, parameter in NightlyGrid.get_params() if parameter.positional) == "date"


def test_without_a_config_it_is_the_full_grid():
    from tasks import FullGrid

    assert NightlyGrid(FIRST).study() == FullGrid().study()


@pytest.mark.parametrize("name", ["index.html", "night.json"])
@pytest.mark.parametrize("left", [0.0, 0.5], ids=["empty", "cut"])
def test_a_damaged_night_is_set_aside_and_made_anew(after_a_night, run, caplog, name, left):
    root, made = after_a_night, cells(after_a_night)
    path = night(root, 0) / name
    os.truncate(path, int(left * path.stat().st_size))
    assert not NightlyGrid(day(0), **parameters(root)).complete()
    caplog.clear()
    assert run_night(run, root, 0).status == SUCCESS
    (line,) = (record.getMessage() for record in caplog.records if record.levelno == logging.WARNING)
    aside = root / "outputs" / "nights" / "damaged" / "2025-10-01-1"
    assert line.startswith(f"{path}: ")
    assert line.endswith(f"set aside in {aside}, and made anew")
    assert (aside / "pictures").is_dir()
    assert not lacking(root, 0)
    assert cells(root) == made
    assert "Did not run any tasks" in run_night(run, root, 0).summary_text
    assert run_night(run, root, 1).status == SUCCESS
    assert snapshot(root, 1)["compared_with"] == "2025-10-01"


def test_clocks_that_differ_do_not_change_a_night(after_a_night, run):
    root = after_a_night
    for path in (root / "outputs").rglob("*"):
        status = path.stat()
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 3600 * 10**9 * (-1) ** len(path.name)))
    assert "Did not run any tasks" in run_night(run, root, 0).summary_text
    made = cells(root)
    assert run_night(run, root, 1).status == SUCCESS
    assert cells(root) == made
    assert "Nothing changed since 2025-10-01" in page(root, 1)
