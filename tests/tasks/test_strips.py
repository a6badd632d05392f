"""Cells that keep snapshots of their way: `--snapshots`, through Luigi, in process."""

from __future__ import annotations

import contextlib
import csv
import json
import logging
import os
import shutil
from pathlib import Path

import luigi
import numpy as np
import pytest

from nstcore import TransferConfig, TransferResult, style_transfer
from nstcore.pictures.images import read_picture, write_picture
from nstcore.pictures.resizing import resize, resize_to
from nstcore.snapshots import Snapshots
from pipeline.outputs.strips import frames_of
from pipeline.upkeep.check import check
from tasks import FullGrid

pytestmark = pytest.mark.usefixtures("blank_figures")

SETTINGS = {"style_layers": ["block1_conv1"], "content_layers": ["block1_conv2"], "style_weight": 1e4}


@pytest.fixture
def inputs(tmp_path, blotches) -> Path:
    for kind, names in (("content", ["cat"]), ("style", ["ink", "oil"])):
        (tmp_path / kind).mkdir()
        for seed, name in enumerate(names):
            write_picture(tmp_path / kind / f"{name}.png", blotches(len(kind) + seed, 48, 64))
    return tmp_path


@pytest.fixture
def interrupted_at(monkeypatch):
    """A state is kept after every iteration; `with interrupted_at(6):` interrupts at the sixth iterate."""
    from nstcore.resumption import RunStates

    after_round = RunStates.after_round
    monkeypatch.setattr("nstcore.resumption.Keeper.due", lambda self: True)

    @contextlib.contextmanager
    def interrupted_at(count):
        def interrupted(self, running, iterates, elapsed):
            after_round(self, running, iterates, elapsed)
            if len(iterates[0]) == count:
                raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(RunStates, "after_round", interrupted)
            with pytest.raises(KeyboardInterrupt):
                yield

    return interrupted_at


def grid(inputs: Path, outputs: str, **others) -> FullGrid:
    return FullGrid(
        **{
            "content_dir": str(inputs / "content"),
            "style_dir": str(inputs / "style"),
            "output_dir": str(inputs / outputs),
            "backbones": "vgg16",
            "weights": "random",
            "size": 64,
            "iterations": 8,
            **others,
            "settings": {**SETTINGS, **others.get("settings", {})},
        }
    )


def cells(inputs: Path, outputs: str) -> list[Path]:
    return sorted(path.parent for path in (inputs / outputs / "cells").rglob("manifest.json"))


def manifest(cell: Path) -> dict:
    return json.loads((cell / "manifest.json").read_bytes())


def moments(cell: Path) -> list[tuple[int, int]]:
    return [(frame["size"], frame["iteration"]) for frame in manifest(cell)["strip"]["frames"]]


def frames(cell: Path) -> list[np.ndarray]:
    return frames_of((cell / "strip.webp").read_bytes(), manifest(cell)["strip"], "strip.webp")


def distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other).mean())


def way(inputs: Path, style: str, **settings) -> tuple[TransferResult, dict[tuple[int, int], np.ndarray]]:
    """What Python makes of the same settings, and its picture after every iteration, by (size, iteration)."""
    shown: dict[tuple[int, int], np.ndarray] = {}

    def take(size: int, iteration: int, picture: np.ndarray) -> None:
        shown[size, iteration] = resize_to(picture, 48, 64)

    pictures = [inputs / "content/cat.png", inputs / "style" / f"{style}.png"]
    config = TransferConfig(backbone="vgg16", weights="random", size=64, iterations=8, **SETTINGS, **settings)
    result = style_transfer(*pictures, config, snapshots=Snapshots(1, take))
    return result, shown


def test_frames_are_what_shorter_runs_give(inputs, run, monkeypatch):
    monkeypatch.setattr("pipeline.outputs.strips._ENCODING", {"lossless": True})
    settings = {"coarse_sizes": [48]}
    assert run(grid(inputs, "outputs", snapshots=6, settings=settings)).status == luigi.LuigiStatusCode.SUCCESS
    for cell in cells(inputs, "outputs"):
        assert moments(cell) == [(48, 0), (48, 1), (48, 4), (64, 1), (64, 2), (64, 8)]
        assert [frame.shape for frame in frames(cell)] == [(48, 64, 3)] * 6
        result, expected = way(inputs, cell.parent.name, **settings)
        expected[48, 0] = resize_to(resize(read_picture(inputs / "content/cat.png"), 48), 48, 64)
        for moment, frame in zip(moments(cell), frames(cell), strict=True):
            assert np.abs(frame.astype(int) - expected[moment]).max() <= 1
        with (cell / "trace.csv").open(newline="", encoding="utf-8") as file:
            losses = [float(row["total"]) for row in csv.DictReader(file)]
        told = [frame["total"] for frame in manifest(cell)["strip"]["frames"]]
        assert told[3:] == [losses[iteration] for iteration in (1, 2, 8)]
        assert told[1] == result.coarse[0].trace[1].total


def test_without_them_nothing_is_another_and_with_them_the_pictures_are_the_same(inputs, run):
    run(grid(inputs, "plain"))
    run(grid(inputs, "watched", snapshots=4))
    for plain, watched in zip(cells(inputs, "plain"), cells(inputs, "watched"), strict=True):
        assert plain.name == watched.name
        assert {path.name for path in plain.iterdir()} == {"result.png", "trace.csv", "manifest.json"}
        assert {path.name for path in watched.iterdir()} == {"result.png", "trace.csv", "manifest.json", "strip.webp"}
        assert (plain / "result.png").read_bytes() == (watched / "result.png").read_bytes()
        one, other = manifest(plain), manifest(watched)
        assert one.keys() == other.keys() - {"strip"}
        assert other["files"].keys() - one["files"].keys() == {"strip.webp"}
    assert grid(inputs, "plain").grid().digest == grid(inputs, "watched", snapshots=4).grid().digest
    report = next((inputs / "plain/reports").iterdir())
    assert not (report / "strips").exists()
    page = (report / "index.html").read_text()
    data = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    assert data["strips"] == []
    assert not any("strip" in cell for cell in data["cells"])


def test_a_transfer_is_given_none_if_none_are_wanted(inputs, run, monkeypatch):
    import nstcore.transfer

    given, transfer = [], nstcore.transfer.transfer

    def watched(scenes, recipe, targets, callbacks, snapshots, checkpoint):
        given.append((list(snapshots), checkpoint.more()))
        return transfer(scenes, recipe, targets, callbacks, snapshots, checkpoint)

    monkeypatch.setattr(nstcore.transfer, "transfer", watched)
    assert run(grid(inputs, "outputs")).status == luigi.LuigiStatusCode.SUCCESS
    assert given == [([], {})] * 2


def test_a_batch_keeps_one_for_each(inputs, run):
    run(grid(inputs, "single", snapshots=5))
    run(grid(inputs, "batch", snapshots=5, batch_size=2))
    for single, batch in zip(cells(inputs, "single"), cells(inputs, "batch"), strict=True):
        assert manifest(batch)["result"]["batch_size"] == 2
        assert moments(batch) == moments(single)
        for one, other in zip(frames(single), frames(batch), strict=True):
            assert distance(one, other) < 1


@pytest.mark.parametrize("batch_size", [1, 2])
def test_a_cell_that_is_taken_up_has_the_frames_of_before(inputs, run, interrupted_at, batch_size):
    """The process is interrupted after a state: what came before is in the strip all the same, to the bit."""
    asked = {"snapshots": 6, "batch_size": batch_size}
    with interrupted_at(6):
        run(grid(inputs, "taken up", **asked))
    assert not cells(inputs, "taken up")
    run(grid(inputs, "taken up", **asked))
    run(grid(inputs, "undisturbed", **asked))
    resumed = 0
    for one, other in zip(cells(inputs, "taken up"), cells(inputs, "undisturbed"), strict=True):
        resumed += "resumed_at" in manifest(one)
        assert moments(one) == moments(other) == [(64, 0), (64, 1), (64, 2), (64, 3), (64, 4), (64, 8)]
        assert (one / "strip.webp").read_bytes() == (other / "strip.webp").read_bytes()
    assert resumed == batch_size


def test_one_that_was_begun_without_them_has_those_that_follow(inputs, run, interrupted_at, caplog):
    with interrupted_at(4):
        run(grid(inputs, "outputs"))
    with caplog.at_level(logging.WARNING, "luigi-interface"):
        run(grid(inputs, "outputs", snapshots=6))
    assert [moments(cell) for cell in cells(inputs, "outputs")] in (
        [[(64, 4), (64, 8)], [(64, 0), (64, 1), (64, 2), (64, 3), (64, 4), (64, 8)]],
        [[(64, 0), (64, 1), (64, 2), (64, 3), (64, 4), (64, 8)], [(64, 4), (64, 8)]],
    )
    assert "its strip of snapshots begins here: the state that was kept has none" in caplog.text


def test_finished_cells_are_not_made_again_for_them_and_the_log_says_what_to_do(inputs, run, caplog):
    run(grid(inputs, "outputs"))
    before = {path: path.stat().st_mtime_ns for path in (inputs / "outputs").rglob("*") if path.is_file()}
    caplog.clear()
    with caplog.at_level(logging.WARNING, "luigi-interface"):
        assert grid(inputs, "outputs", snapshots=4).complete()
        run(grid(inputs, "outputs", snapshots=4))
    assert {path: path.stat().st_mtime_ns for path in (inputs / "outputs").rglob("*") if path.is_file()} == before
    (line,) = (record.getMessage() for record in caplog.records)
    assert line.startswith("2 of 2 cells were made without --snapshots")
    (ink, oil) = cells(inputs, "outputs")
    assert line.endswith((f"such as {ink}", f"such as {oil}"))
    shutil.rmtree(ink)
    run(grid(inputs, "outputs", snapshots=4))
    assert (ink / "strip.webp").exists()
    assert not (oil / "strip.webp").exists()
    report = next((inputs / "outputs/reports").iterdir())
    assert [path.name for path in (report / "strips").iterdir()] == [f"{ink.name.removeprefix('vgg16-')}.webp"]
    caplog.clear()
    shutil.rmtree(oil)
    run(grid(inputs, "outputs", snapshots=4))
    assert not caplog.records


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


DAMAGES = {"cut": lambda path: os.truncate(path, path.stat().st_size // 2), "one bit": flip, "missing": Path.unlink}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_strip_is_mended_with_its_cell(inputs, run, caplog, damage):
    run(grid(inputs, "outputs", snapshots=4))
    ink, oil = cells(inputs, "outputs")
    before = oil.stat().st_mtime_ns
    damage(ink / "strip.webp")
    (finding,) = (each.line for each in check(inputs / "outputs") if "/cells/" in each.line)
    assert finding.startswith(f"{ink}: strip.webp ")
    assert not grid(inputs, "outputs", snapshots=4).complete()
    with caplog.at_level(logging.WARNING, "luigi-interface"):
        assert run(grid(inputs, "outputs", snapshots=4)).status == luigi.LuigiStatusCode.SUCCESS
    assert any(f"{ink}: strip.webp " in record.getMessage() for record in caplog.records)
    assert len(frames(ink)) == 4
    assert oil.stat().st_mtime_ns == before
    assert [each.line for each in check(inputs / "outputs")] == []
    assert grid(inputs, "outputs", snapshots=4).complete()


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_strip_of_a_report_is_put_there_again(inputs, run, damage):
    run(grid(inputs, "outputs", snapshots=4))
    (report,) = (inputs / "outputs/reports").iterdir()
    strip = sorted((report / "strips").iterdir())[0]
    whole = strip.read_bytes()
    strip.unlink()
    strip.write_bytes(whole)  # no longer the file of the cell
    damage(strip)
    assert not grid(inputs, "outputs").complete()
    run(grid(inputs, "outputs"))
    assert strip.read_bytes() == whole
    assert [each.line for each in check(inputs / "outputs")] == []


def test_a_cell_that_is_made_again_without_them_has_no_strip_left(inputs, run):
    run(grid(inputs, "outputs", snapshots=4))
    ink, oil = cells(inputs, "outputs")
    (ink / "manifest.json").unlink()  # as if it had never been finished
    run(grid(inputs, "outputs"))
    assert not (ink / "strip.webp").exists()
    assert (oil / "strip.webp").exists()
    assert [each.line for each in check(inputs / "outputs")] == []
