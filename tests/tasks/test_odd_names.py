"""Pictures whose names are not UTF-8 beside things that are no pictures: through a grid and a night, in process."""

from __future__ import annotations

import csv
import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

import luigi
import luigi.lock
import pytest

from nstcore.pictures.images import write_picture
from tasks import FullGrid, NightlyGrid
from tasks.lock import command_line

SETTINGS = {"style_layers": ["block1_conv1"], "content_layers": ["block1_conv2"]}
LATIN_1 = os.fsdecode(b"caf\xe9")
ESCAPED = r"caf\xe9"


@pytest.fixture
def inputs(tmp_path, blotches):
    """All of it in a folder whose name is not UTF-8 either."""
    root = tmp_path / f"{LATIN_1} au lait"
    for folder in ("content", "style"):
        (root / folder).mkdir(parents=True)
        write_picture(root / folder / f"{LATIN_1}.png", blotches(len(folder), 40, 40))
    (root / "style" / "broken\udcff.png").write_bytes(b"no picture")
    os.mkfifo(root / "content" / "pipe.png")
    (root / "content" / f"zero-{LATIN_1}.png").symlink_to("/dev/zero")
    return root


def everything_can_be_read(folder: Path) -> str:
    """Read every text under a folder as what it claims to be, and return the page."""
    for path in folder.rglob("*.json"):
        json.loads(path.read_text(encoding="utf-8"))
    for path in (*folder.rglob("*.csv"), *folder.rglob("*.svg")):
        path.read_text(encoding="utf-8")
    (page,) = folder.rglob("index.html")
    return page.read_text(encoding="utf-8")


def test_a_grid_of_odd_names(inputs, run, caplog):
    folders = {"content_dir": str(inputs / "content"), "style_dir": str(inputs / "style")}
    asked = {"backbones": "vgg16", "size": 32, "iterations": 1, "weights": "random", "settings": SETTINGS}
    output = inputs / "outputs"
    result = run(FullGrid(**folders, **asked, output_dir=str(output)))
    assert result.status == luigi.LuigiStatusCode.FAILED  # for the broken picture alone
    page = everything_can_be_read(output)
    (table,) = output.rglob("grid.csv")
    with table.open(newline="", encoding="utf-8") as file:
        rows = {row["style"]: row for row in csv.DictReader(file)}
    assert {style: row["status"] for style, row in rows.items()} == {ESCAPED: "done", r"broken\xff": "failed"}
    assert r"broken\xff.png is not a picture" in rows[r"broken\xff"]["reason"]
    assert {row["content"] for row in rows.values()} == {ESCAPED}
    (manifest,) = (output / "cells" / ESCAPED / ESCAPED).rglob("manifest.json")
    assert json.loads(manifest.read_text(encoding="utf-8"))["content"] == {
        "name": ESCAPED,
        "file": f"{LATIN_1}.png",  # where it is, in the form in which Python can open it
        "sha256": json.loads(manifest.read_text(encoding="utf-8"))["content"]["sha256"],
    }
    said = [record.getMessage() for record in caplog.records if "passed over" in record.getMessage()]
    assert len(said) == 1
    assert said[0].endswith(rf"content: passed over: pipe.png (a pipe), zero-{ESCAPED}.png (a device)")
    assert rf"passed over: pipe.png (a pipe), zero-{ESCAPED}.png (a device)" in page


def test_what_was_passed_over_is_up_to_date(inputs, run):
    (inputs / "style" / "broken\udcff.png").unlink()
    folders = {"content_dir": str(inputs / "content"), "style_dir": str(inputs / "style")}
    asked = {"backbones": "vgg16", "size": 32, "iterations": 1, "weights": "random", "settings": SETTINGS}
    grid = FullGrid(**folders, **asked, output_dir=str(inputs / "outputs"))
    assert run(grid).status == luigi.LuigiStatusCode.SUCCESS
    made = {path: path.stat().st_mtime_ns for path in (inputs / "outputs").rglob("result.png")}
    assert grid.complete()
    for path in (inputs / "content").iterdir():
        if not path.is_file():
            path.unlink()
    assert not grid.complete()
    assert run(grid).status == luigi.LuigiStatusCode.SUCCESS
    assert "passed over" not in everything_can_be_read(inputs / "outputs")
    assert {path: path.stat().st_mtime_ns for path in (inputs / "outputs").rglob("result.png")} == made


def test_a_night_of_odd_names(inputs, run, caplog):
    (inputs / "style" / "broken\udcff.png").unlink()
    study = inputs / f"{LATIN_1}.toml"
    study.write_text(
        'backbones = ["vgg16"]\ncontents = ["caf\\\\xe9"]\ncontent_dir = "content"\nstyle_dir = "style"\n'
        "[settings]\nsize = 32\niterations = 1\n"
        'weights = "random"\nstyle_layers = ["block1_conv1"]\ncontent_layers = ["block1_conv2"]\n'
    )
    before = os.getcwd()
    os.chdir(inputs)
    try:
        result = run(NightlyGrid(datetime.date(2025, 10, 1), config=str(study), output_dir="outputs"))
    finally:
        os.chdir(before)
    assert result.status == luigi.LuigiStatusCode.SUCCESS
    night = inputs / "outputs" / "nights" / "2025-10-01"
    assert rf"zero-{ESCAPED}.png (a device)" in everything_can_be_read(night)
    assert sum("passed over" in record.getMessage() for record in caplog.records) == 1


def test_luigi_can_lock_a_command_with_odd_names(tmp_path):
    """Its own reading of a command line raises UnicodeDecodeError, before anything is scheduled."""
    code = "import sys, tasks, luigi.lock; print(luigi.lock.acquire_for(sys.argv[1]))"
    words = [sys.executable, "-c", code, os.fsencode(tmp_path) + b"/caf\xe9"]
    finished = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (finished.stdout, finished.returncode) == ("True\n", 0), finished.stderr
    assert command_line(os.getpid()) == luigi.lock.getpcmd(os.getpid())
