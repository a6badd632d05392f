"""Damaged outputs through Luigi, in process: the next run says of each in one line and makes that anew alone."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import luigi
import numpy as np
import pytest

from nstcore.pictures.images import read_picture, write_picture
from pipeline.storage.sealed import sealed
from pipeline.upkeep.check import check
from tasks import FullGrid

pytestmark = pytest.mark.usefixtures("blank_figures")

HOUR = 3600


@pytest.fixture
def grid(kept, blotches, run):
    """A folder with a finished grid of two cells, made once for all tests."""

    def fill(folder: Path) -> None:
        for kind, names in (("content", ["cat"]), ("style", ["ink", "oil"])):
            (folder / kind).mkdir()
            for seed, name in enumerate(names):
                write_picture(folder / kind / f"{name}.png", blotches(len(kind) + seed, 60, 70))
        assert run(study(folder)).status == luigi.LuigiStatusCode.SUCCESS

    return kept("damage", fill)


def study(folder: Path) -> FullGrid:
    return FullGrid(
        content_dir=str(folder / "content"),
        style_dir=str(folder / "style"),
        output_dir=str(folder / "outputs"),
        backbones="vgg16",
        size=48,
        iterations=2,
        weights="random",
        settings={"style_layers": ["block1_conv1"], "content_layers": ["block1_conv2"]},
    )


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file of the outputs, and which version of it is there."""
    root = folder / "outputs"
    seen = {str(path.relative_to(root)): path.stat() for path in sorted(root.rglob("*")) if path.is_file()}
    return {name: (status.st_ino, status.st_mtime_ns) for name, status in seen.items()}


def made(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> set[str]:
    """The files that were written, without the records that stand beside them and what was set aside."""
    new = {name for name in after if before.get(name) != after[name]}
    return {name for name in new if "/.made/" not in name and not name.startswith("damaged/")}


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


#: What happens to files, each in place: a hard link shares it.
DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "empty": lambda path: os.truncate(path, 0),
    "garbage": lambda path: path.write_bytes(np.random.default_rng(1).bytes(path.stat().st_size)),
    "one bit": flip,
    "missing": Path.unlink,
}
damages = pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)


def mended(folder: Path, run, caplog) -> tuple[set[str], list[str]]:
    """Run, see that all is well then and another run would do nothing, and give what was made and what was said."""
    before = state(folder)
    caplog.clear()
    with caplog.at_level(logging.WARNING, "luigi-interface"):
        assert run(study(folder)).status == luigi.LuigiStatusCode.SUCCESS
    after = state(folder)
    assert [finding.line for finding in check(folder / "outputs")] == []
    assert study(folder).complete()
    assert not any(record.exc_info for record in caplog.records)
    return made(before, after), [record.getMessage() for record in caplog.records]


def cell(folder: Path, style: str) -> Path:
    (found,) = (folder / "outputs/cells/cat" / style).iterdir()
    return found


def report(folder: Path) -> Path:
    (found,) = (folder / "outputs/reports").iterdir()
    return found


@damages
@pytest.mark.parametrize("name", ["result.png", "trace.csv", "manifest.json"])
def test_a_damaged_cell_is_made_anew_alone(grid, run, caplog, damage, name):
    damage(cell(grid, "ink") / name)
    new, lines = mended(grid, run, caplog)
    digest = cell(grid, "ink").name.removeprefix("vgg16-")
    other = cell(grid, "oil").name.removeprefix("vgg16-")
    assert {path for path in new if not path.startswith("reports/")} == {
        f"cells/cat/ink/vgg16-{digest}/{each}" for each in ("result.png", "trace.csv", "manifest.json")
    }
    assert f"reports/{report(grid).name}/index.html" in new
    assert not [path for path in new if other in path or "cat--oil" in path]
    missing_manifest = name == "manifest.json" and not [*(grid / "outputs").rglob("damaged")]
    told = [line for line in lines if "set aside" in line]
    if missing_manifest:  # as after a run that was killed before it had written it
        assert told == []
    else:
        (line,) = told
        assert f"vgg16-{digest}: {name} " in line
        assert (grid / "outputs/damaged/cells/cat/ink" / f"vgg16-{digest}-1").is_dir()


@pytest.mark.parametrize("name", ["result.png", "trace.csv", "manifest.json"])
def test_a_cell_that_someone_has_edited_is_made_anew(grid, run, caplog, name):
    path = cell(grid, "oil") / name
    if name == "result.png":
        write_picture(path, 255 - read_picture(path))
    elif name == "trace.csv":
        header, first, *rest = path.read_text().splitlines()
        path.write_text("\n".join([header, *rest, first.replace(",", ",", 1)]) + "\n")  # of the same size
    else:
        path.write_text(path.read_text().replace('"iterations": 2', '"iterations": 3'))
    new, lines = mended(grid, run, caplog)
    assert {path.split("/")[2] for path in new if path.startswith("cells/")} == {"oil"}
    (line,) = (line for line in lines if "set aside" in line)
    assert f"{name} " in line


def test_an_edited_picture_is_kept_where_its_owner_finds_it(grid, run, caplog):
    path = cell(grid, "oil") / "result.png"
    edited = 255 - read_picture(path)
    write_picture(path, edited)
    mended(grid, run, caplog)
    (kept,) = (grid / "outputs/damaged").rglob("result.png")
    np.testing.assert_array_equal(read_picture(kept), edited)


@damages
def test_damaged_files_of_a_report_are_made_anew_alone(grid, run, caplog, damage):
    """One of each kind at once: each says for itself what it is."""
    folder = report(grid)
    lost = {
        "plan.json",
        "grid.csv",
        "index.html",
        "summary.png",
        "summary.svg",
        "image_grid/vgg16.png",
        "loss_per_iteration/cat--ink.png",
        "loss_per_iteration/cat--ink.svg",
        "time/cat--oil.svg",
        "gallery.json",
        next(str(path.relative_to(folder)) for path in folder.glob("originals/*")),
    }
    for name in lost:
        damage(folder / name)
    new, lines = mended(grid, run, caplog)
    original = next(name for name in lost if name.startswith("originals/"))
    belonging = {"time/cat--oil.png", f"thumbs/{Path(original).stem}.webp"}
    assert new == {f"reports/{folder.name}/{name}" for name in lost | belonging}
    assert len(lines) == len(lost) - (damage is DAMAGES["missing"])  # a plan that is missing was perhaps never made
    assert {name for name in lost for line in lines if line.startswith(f"{folder / name}: ")} >= lost - {"plan.json"}


@damages
def test_a_damaged_small_version_is_made_anew_alone(grid, run, caplog, damage):
    folder = report(grid)
    small = next(folder.glob("thumbs/*"))
    damage(small)
    new, lines = mended(grid, run, caplog)
    assert new == {f"reports/{folder.name}/{name}" for name in ("gallery.json", f"thumbs/{small.name}")}
    assert [line for line in lines if str(small) in line]


@damages
def test_a_damaged_record_of_a_report_costs_the_files_that_it_vouched_for(grid, run, caplog, damage):
    folder = report(grid)
    damage(folder / ".made/summary.png.json")
    new, _ = mended(grid, run, caplog)
    assert new == {f"reports/{folder.name}/summary{suffix}" for suffix in (".png", ".svg")}


@damages
@pytest.mark.parametrize("kind", ["content", "style"])
def test_damaged_targets_are_made_anew_for_the_cell_that_needs_them(grid, run, caplog, damage, kind):
    picture = {"content": "cat", "style": "oil"}[kind]
    (target,) = (grid / "outputs/targets" / kind / picture).iterdir()
    damage(target)
    shutil.rmtree(cell(grid, "oil"))
    new, lines = mended(grid, run, caplog)
    assert {path.split("/")[0] for path in new} == {"cells", "targets", "reports"}
    assert {path for path in new if path.startswith("targets/")} == {f"targets/{kind}/{picture}/{target.name}"}
    assert {path.split("/")[2] for path in new if path.startswith("cells/")} == {"oil"}
    if damage is not DAMAGES["missing"]:
        (line,) = lines
        assert line.startswith(f"{target}: ")
        assert "set aside" in line


@pytest.mark.parametrize("hours", [1, -1])
def test_clocks_that_differ_change_nothing(grid, run, hours):
    """As another machine's clock, a copy or `touch` leave them: all files, and then single ones."""
    everything = [path for path in (grid / "outputs").rglob("*") if path.is_file()]
    before = state(grid).keys()
    for paths in (everything, *([path] for path in everything if path.suffix in (".json", ".png"))):
        for path in paths:
            status = path.stat()
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + hours * HOUR * 10**9))
        assert study(grid).complete()
    assert "Did not run any tasks" in run(study(grid)).summary_text
    assert state(grid).keys() == before


@pytest.mark.parametrize("hours", [1, -1])
def test_a_cell_made_by_a_machine_with_another_clock_is_shown(grid, run, caplog, hours):
    """Its files are as old, or as young, as that machine's clock says."""
    manifest = cell(grid, "ink") / "manifest.json"
    manifest.write_bytes(sealed({**json.loads(manifest.read_bytes()), "device": "another machine"}))
    for path in manifest.parent.iterdir():
        status = path.stat()
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + hours * HOUR * 10**9))
    assert not study(grid).complete()
    new, _ = mended(grid, run, caplog)
    assert "another machine" in (report(grid) / "index.html").read_text()
    assert {path.split("/")[0] for path in new} == {"reports"}


def test_cells_of_before_manifests_spoke_of_files_are_recognised(grid, run, caplog):
    for style in ("ink", "oil"):
        manifest = cell(grid, style) / "manifest.json"
        data = json.loads(manifest.read_bytes())
        del data["files"], data["seal"]
        manifest.write_text(json.dumps(data))
    shutil.rmtree(report(grid) / ".made")
    new, lines = mended(grid, run, caplog)
    assert {path.split("/")[0] for path in new} == {"reports"}
    assert lines == []
    os.truncate(cell(grid, "ink") / "result.png", 400)
    os.truncate(cell(grid, "oil") / "trace.csv", 0)
    new, lines = mended(grid, run, caplog)
    assert {path.split("/")[2] for path in new if path.startswith("cells/")} == {"ink", "oil"}
    assert len([line for line in lines if "set aside" in line]) == 2


def test_a_bit_that_flipped_unseen_is_seen_before_it_is_shown(grid, run, caplog):
    """As on a disk that decays: no time tells of it, so it is seen when a report is to be made."""
    path = cell(grid, "ink") / "result.png"
    before = path.stat()
    flip(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [finding.line for finding in check(grid / "outputs")] != []
    assert study(grid).complete()
    shutil.rmtree(report(grid))
    new, (line,) = mended(grid, run, caplog)
    assert {path.split("/")[2] for path in new if path.startswith("cells/")} == {"ink"}
    assert "result.png was changed since it was written; set aside in " in line


def test_a_picture_that_decays_while_its_report_is_made_is_not_shown(grid, run, caplog, monkeypatch):
    """The run ends with the line, and the next one mends it."""
    path = cell(grid, "ink") / "result.png"
    before = path.stat()
    flip(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    shutil.rmtree(report(grid))
    with monkeypatch.context() as patched:
        patched.setattr(FullGrid, "_set_aside_damaged", lambda *_: None)
        caplog.clear()
        assert run(study(grid)).status == luigi.LuigiStatusCode.FAILED
    line = f"{path}: was changed since it was written; run again, and it is made anew"
    assert any(line in record.getMessage() for record in caplog.records)
    assert not any(record.exc_info for record in caplog.records)
    assert not (report(grid) / "index.html").exists()
    new, _ = mended(grid, run, caplog)
    assert {path.split("/")[2] for path in new if path.startswith("cells/")} == {"ink"}
