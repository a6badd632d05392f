"""`nst status` and `nst gc` of a real grid: what they tell, what is removed, and what never is."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import time
from pathlib import Path

import luigi
import pytest

from nstcore.pictures.images import write_picture
from pipeline import subcommands
from pipeline.sharing import leases, shared_run
from pipeline.upkeep.housekeeping import find_leftovers, plans_in, remove
from pipeline.upkeep.status import _seconds, status_of
from pipeline.upkeep.studies_at_hand import studies_in, targets_of
from pipeline.upkeep.sweeping import sweep_outputs
from tasks import FullGrid, MeasureCell, Transfer

pytestmark = pytest.mark.usefixtures("blank_figures")

DAY = 86400


@pytest.fixture
def made(kept, blotches, run):
    """An output folder with a finished grid of two cells."""

    def fill(folder):
        for seed, name in enumerate(("content/bridge", "content/cat", "style/ink")):
            (folder / name).parent.mkdir(exist_ok=True)
            write_picture(folder / f"{name}.png", blotches(seed, 60, 70))
        assert run(grid(folder)).status == luigi.LuigiStatusCode.SUCCESS

    return kept("outputs-commands", fill)


def grid(folder, **others):
    settings = {"style_layers": ["block1_conv1"], "content_layers": ["block1_conv2"]}
    places = {f"{name}_dir": str(folder / name) for name in ("content", "style")}
    fast = {"backbones": "vgg16", "size": 48, "iterations": 2, "weights": "random", "settings": settings}
    return FullGrid(**{**places, **fast, "output_dir": str(folder / "outputs"), **others})


def nst(*arguments):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = subcommands.main([str(argument) for argument in arguments])
    return status, out.getvalue(), err.getvalue()


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def age(path: Path, days: float = 2) -> None:
    """Let everything there have been written that long ago."""
    for each in (path, *path.rglob("*")):
        os.utime(each, (time.time() - days * DAY,) * 2)


def cell_folders(outputs: Path) -> dict[str, Path]:
    return {path.parents[1].name: path for path in outputs.glob("cells/*/*/*")}


def test_a_finished_study_is_done(made):
    status, out, err = nst("status", made / "outputs")
    assert (status, err) == (0, "")
    assert out.count("\n") == 1
    assert out.endswith("2 cells, 2 done\n")


def test_a_cell_that_is_made_is_told_with_who_and_how_far_and_when_it_will_be_done(made):
    folders = cell_folders(made / "outputs")
    taken = json.loads((folders["cat"] / "manifest.json").read_text())["result"]["seconds"]
    shutil.rmtree(folders["bridge"])
    with leases.take(leases.cell_lease(folders["bridge"])) as held:
        held.tell(size=48, iteration=1, iterations=2, total=12345.6, seconds=0.5)
        held.beat()
        _, out, _ = nst("status", made / "outputs")
        (study,) = status_of(made / "outputs")
    assert "2 cells, 1 done, 1 running" in out
    assert f"running: bridge × ink, VGG16: process {os.getpid()} on " in out
    assert "iteration 1 of 2 at 48 px, loss 1.235e+04" in out
    assert study.expected.seconds == pytest.approx(taken / 2)
    assert "1 cells, as long as finished ones of their backbone and size took, 1 at once" in out
    _, out, _ = nst("status", made / "outputs")
    assert "2 cells, 1 done, 1 to make" in out
    assert "nothing is being made" in out


def test_a_failed_cell_is_told_with_its_reason_and_json_has_it_too(made):
    folder = cell_folders(made / "outputs")["bridge"]
    (folder / "result.png").unlink()
    (folder / "failure.json").write_text(json.dumps({"run": "another", "reason": "no room there"}))
    _, out, _ = nst("status", made / "outputs")
    assert "failed: bridge × ink, VGG16: no room there\n" in out
    (study,) = json.loads(nst("status", made / "outputs", "--json")[1])["studies"]
    assert (study["cells"], study["done"], study["failed"]) == (2, 1, [["bridge × ink, VGG16", "no room there"]])


def test_seconds_of_other_sizes_are_scaled_by_pixels_and_iterations():
    took = {("vgg16", 128, 100): 10.0, ("resnet50", 128, 100): 1.0}
    assert _seconds(("vgg16", 256, 50), took) == pytest.approx(20.0)
    assert _seconds(("resnet50", 128, 100), took) == 1.0
    assert _seconds(("vgg19", 128, 100), took) == pytest.approx(5.5)


@pytest.mark.parametrize("command", ["status", "gc"])
def test_no_folder_and_no_plan_are_one_line(tmp_path, command):
    status, out, err = nst(command, tmp_path / "nowhere")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "no such folder" in err
    (tmp_path / "reports" / "0").mkdir(parents=True)
    (tmp_path / "reports" / "0" / "plan.json").write_text("{")
    status, _, err = nst(command, tmp_path)
    assert (status, err.count("\n")) == (2, 1)
    assert "plan.json: cannot be read as a plan" in err


def test_nothing_that_a_report_refers_to_is_removed_however_old(made):
    age(made / "outputs")
    before = files(made / "outputs")
    _, out, _ = nst("gc", made / "outputs", "--delete", "--states")
    assert "nothing to remove" in out
    assert files(made / "outputs") == before


def test_what_a_removed_report_alone_referred_to_goes_and_is_told_with_its_size_before(made, run):
    outputs = made / "outputs"
    before = files(outputs)
    assert run(grid(made, size=52)).status == luigi.LuigiStatusCode.SUCCESS
    second = next(study.name for study in studies_in(outputs) if study.plan.settings["size"] == 52)
    shutil.rmtree(outputs / "reports" / second)
    age(outputs)
    there = files(outputs)
    _, told, _ = nst("gc", outputs)
    assert files(outputs) == there
    assert "2 × cells that no report refers to" in told
    assert "3 × targets that no report's cells are made with" in told
    assert "could be removed; nothing was: give --delete" in told
    nst("gc", outputs, "--delete")
    assert files(outputs) == before
    assert run(grid(made)).status == luigi.LuigiStatusCode.SUCCESS


def test_nothing_is_removed_that_is_young_or_of_a_live_lease_or_named_by_a_night(made):
    outputs = made / "outputs"
    folders = cell_folders(outputs)
    digest = json.loads((folders["bridge"] / "manifest.json").read_text())["digest"]
    shutil.rmtree(outputs / "reports")
    kept = files(outputs)
    nst("gc", outputs, "--delete")
    assert files(outputs) == kept  # for an hour, because a run may have planned them since
    age(outputs)
    night = outputs / "nights" / "2026-01-01" / "night.json"
    night.parent.mkdir(parents=True)
    night.write_text(json.dumps({"cells": [{"digest": digest}]}))
    with leases.take(leases.cell_lease(folders["cat"])):
        nst("gc", outputs, "--delete")
        assert (folders["bridge"] / "result.png").exists()
        assert (folders["cat"] / "result.png").exists()
    age(folders["cat"])
    nst("gc", outputs, "--delete")
    assert (folders["bridge"] / "result.png").exists()
    assert not folders["cat"].exists()


def test_what_the_dead_left_goes_and_states_only_when_asked(made):
    outputs = made / "outputs"
    folder = cell_folders(outputs)["bridge"]
    left = [folder / ".0123.part.png", folder / "lease.json", folder / "failure.json", outputs / "damaged" / "x"]
    left[-1].parent.mkdir()
    dead = {"host": "elsewhere", "machine": "another", "pid": 1, "process_started": 1, "token": "t", "beats": 3}
    for path, text in zip(
        left, ("half a pict", json.dumps(dead), json.dumps({"reason": "x", "run": "y"}), "x"), strict=True
    ):
        path.write_text(text)
    state, of_a_whole_cell = cell_folders(outputs)["cat"] / "state.npz", folder / "state.npz"
    (state.parent / "manifest.json").unlink()  # a cell that is not done goes on from its state
    for each in (state, of_a_whole_cell):
        each.write_bytes(b"a state")
    age(outputs)
    shared_run.join(outputs)
    try:
        nst("gc", outputs, "--delete")
        assert left[2].exists()  # a record counts while its run goes on
    finally:
        shared_run.leave()
    age(outputs)
    nst("gc", outputs, "--delete")
    assert not [path for path in left if path.exists()]
    assert state.exists()
    assert not of_a_whole_cell.exists()  # a killed process did not come to remove it
    nst("gc", outputs, "--delete", "--states")
    assert not state.exists()
    assert (folder / "result.png").exists()


def test_targets_are_where_the_tasks_put_them(made):
    outputs = made / "outputs"
    (study,) = studies_in(outputs)
    for cell in study.plan.cells:
        tasks = Transfer.of(cell, str(outputs), 1).targets(cell)
        assert {Path(task.output().path) for task in tasks} == targets_of(outputs, cell)
        measures = Path(MeasureCell.of(cell, str(outputs), 1).output().path)
        assert cell.digest in measures.name.split("-")


def test_what_others_keep_in_such_folders_is_nobodys_to_remove(tmp_path):
    """Outputs may go into any folder, the home folder too."""
    theirs = [
        *("cells/mouse/neurons/run-3/scan.tif", "targets/a/b/plan.npz", "measures/a/b/rain.json", "networks/a/b/c.txt"),
        *(".cache/.0123.part", ".partition", "notes/.x.partial", "cells/a/.particles", "reports/.rsync.part.a.b"),
    ]
    for name in theirs:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("theirs")
    age(tmp_path)
    assert find_leftovers(tmp_path, states=True) == []
    assert sweep_outputs(tmp_path) == 0
    for name in ("cells/a/b/.0123.part.png", "runs/.4567.part", ".89ab.part"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("ours")
    age(tmp_path)
    assert len(find_leftovers(tmp_path)) == 3
    assert sweep_outputs(tmp_path) == 3
    assert files(tmp_path) == set(theirs)


def test_nothing_is_removed_any_more_when_a_study_is_planned_meanwhile(made):
    outputs = made / "outputs"
    plans = plans_in(outputs)
    left = outputs / "cells" / "x" / "y" / "vgg16-0123456789abcdef"
    left.mkdir(parents=True)
    age(left)
    (found,) = find_leftovers(outputs)
    assert found.path == left
    (outputs / "reports" / "new").mkdir()
    (outputs / "reports" / "new" / "plan.json").write_text("{}")
    assert remove(outputs, [found], plans) == []
    assert remove(outputs, [found], plans_in(outputs)) == [found]
    assert (outputs / "cells").is_dir()
    assert not (outputs / "cells" / "x").exists()
