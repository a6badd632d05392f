"""Cells that a kill interrupts are taken up by the next run; kept states lead on to more iterations."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import luigi
import numpy as np
import pytest

from nstcore.pictures.images import read_picture, write_picture
from tasks import FullGrid

pytestmark = pytest.mark.usefixtures("blank_figures")

ROOT = Path(__file__).parents[2]
SLOWED = ROOT / "tests/tasks/slowed_luigi.py"
SETTINGS = {
    "content_layers": ["block1_conv1"],
    "style_layers": ["block1_conv1"],
    "coarse_sizes": [36],
    "style_weight": 1e4,
}


@pytest.fixture
def inputs(tmp_path, blotches) -> Path:
    for number, kind in enumerate(("content", "style")):
        (tmp_path / kind).mkdir()
        write_picture(tmp_path / kind / f"{kind}.png", blotches(number, 40, 40))
    return tmp_path


def grid(inputs: Path, outputs: str, iterations: int, **others) -> FullGrid:
    return FullGrid(
        content_dir=str(inputs / "content"),
        style_dir=str(inputs / "style"),
        output_dir=str(inputs / outputs),
        backbones="vgg16",
        weights="random",
        size=40,
        iterations=iterations,
        settings={**SETTINGS, **others.pop("settings", {})},
        **others,
    )


def start(task: FullGrid) -> subprocess.Popen[bytes]:
    """`luigi` in a process of its own, slowed."""
    words = [
        word
        for name, value in task.to_str_params().items()
        if value not in ("False", "True")
        for word in (f"--{name.replace('_', '-')}", value)
    ]
    words += ["--keep-state"] if task.keep_state else []
    return subprocess.Popen(
        [sys.executable, str(SLOWED), "0.02", "--module", "tasks", "FullGrid", "--local-scheduler", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def cells(inputs: Path, outputs: str) -> list[Path]:
    return sorted(path.parent for path in (inputs / outputs / "cells").rglob("manifest.json"))


def rows(cell: Path) -> list[dict[str, str]]:
    with (cell / "trace.csv").open(newline="", encoding="utf-8") as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def manifest(cell: Path) -> dict:
    return json.loads((cell / "manifest.json").read_text(encoding="utf-8"))


def require_same(cell: Path, other: Path) -> None:
    assert rows(cell) == rows(other)
    assert np.array_equal(read_picture(cell / "result.png"), read_picture(other / "result.png"))
    assert manifest(cell)["result"]["coarse_runs"] == manifest(other)["result"]["coarse_runs"]


def kill_inside(process: subprocess.Popen[bytes], outputs: Path, after: float) -> None:
    """Kill it some time after it has kept a state."""
    until = time.monotonic() + 120
    before = {path: path.stat().st_mtime_ns for path in outputs.rglob("state.npz")}
    while True:
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < until
        now = {path: path.stat().st_mtime_ns for path in outputs.rglob("state.npz")}
        if now and now != before:
            break
        time.sleep(0.02)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.slow
def test_a_killed_cell_ends_as_an_undisturbed_one(inputs, run):
    iterations = 200
    for after in (0.3, 0.9):
        kill_inside(start(grid(inputs, "killed", iterations, state_every=1)), inputs / "killed", after)
    assert not cells(inputs, "killed")
    for outputs in ("killed", "undisturbed"):
        assert run(grid(inputs, outputs, iterations)).status == luigi.LuigiStatusCode.SUCCESS
    ((killed,), (undisturbed,)) = (cells(inputs, outputs) for outputs in ("killed", "undisturbed"))
    require_same(killed, undisturbed)
    places = [(each["size"], each["iteration"]) for each in manifest(killed)["resumed_at"]]
    assert len(places) == 2
    assert places == sorted(places)
    assert "resumed_at" not in manifest(undisturbed)
    for cell in (killed, undisturbed):
        names = {path.name for path in cell.iterdir() if ".part" not in path.name}
        assert names == {"result.png", "trace.csv", "manifest.json"}


def test_a_kept_state_makes_more_iterations_cheap(inputs, run, caplog):
    one_size = {"coarse_sizes": []}
    for optimizer in ("lbfgs-device", "lbfgs"):
        settings = {**one_size, "optimizer": optimizer}
        run(grid(inputs, f"{optimizer}-kept", 6, keep_state=True, settings=settings))
        (first,) = cells(inputs, f"{optimizer}-kept")
        assert manifest(first)["keeps_state"]
        assert (first / "state.npz").exists()
        before = (first / "state.npz").read_bytes()
        run(grid(inputs, f"{optimizer}-kept", 9, settings=settings))
        run(grid(inputs, f"{optimizer}-plain", 9, settings=settings))
        (second,) = (cell for cell in cells(inputs, f"{optimizer}-kept") if cell != first)
        (plain,) = cells(inputs, f"{optimizer}-plain")
        require_same(second, plain)
        assert [(each["size"], each["iteration"]) for each in manifest(second)["resumed_at"]] == [(40, 6)]
        assert not (second / "state.npz").exists()
        assert (first / "state.npz").read_bytes() == before
    # Coarse runs are half as long as the full size's: with more iterations they are others.
    run(grid(inputs, "coarse", 6, keep_state=True))
    run(grid(inputs, "coarse", 10, keep_state=True))
    assert all("resumed_at" not in manifest(cell) for cell in cells(inputs, "coarse"))
    assert "content × style, VGG16: begun anew: the state that was kept was made with coarse runs" in caplog.text


def test_no_states_are_kept_if_none_are_wanted(inputs, run, monkeypatch):
    from pipeline.outputs.states import StateStore

    asked = []
    checkpoint = StateStore.checkpoint

    def watched(self, *arguments):
        asked.append(checkpoint(self, *arguments))
        return asked[-1]

    monkeypatch.setattr(StateStore, "checkpoint", watched)
    run(grid(inputs, "none", 3, state_every=0))
    assert asked == [None]
    run(grid(inputs, "some", 3))
    assert asked[1].every == 60


@pytest.mark.slow
def test_cells_that_are_made_together_are_taken_up_together(inputs, run, blotches):
    write_picture(inputs / "content" / "other.png", blotches(7, 40, 40))
    iterations = 150
    task = grid(inputs, "killed", iterations, state_every=1, batch_size=2)
    kill_inside(start(task), inputs / "killed", 0.5)
    assert run(grid(inputs, "killed", iterations, batch_size=2)).status == luigi.LuigiStatusCode.SUCCESS
    assert run(grid(inputs, "undisturbed", iterations, batch_size=2)).status == luigi.LuigiStatusCode.SUCCESS
    for cell, other in zip(cells(inputs, "killed"), cells(inputs, "undisturbed"), strict=True):
        require_same(cell, other)
        assert len(manifest(cell)["resumed_at"]) == 1
    assert not list((inputs / "killed").rglob("state.npz"))
