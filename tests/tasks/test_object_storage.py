"""Whole grids whose outputs lie on a real S3 server, a worker of one killed in the middle of it."""

from __future__ import annotations

import datetime
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import luigi
import pytest

from nstcore.feedforward.network_file import load_network
from nstcore.pictures.images import write_picture
from pipeline import storage
from pipeline.outputs.cell_store import CellStore
from pipeline.sharing import shared_run
from pipeline.sharing.leases import read
from pipeline.storage import objects
from pipeline.storage.places import RemotePath, place_at
from pipeline.upkeep.check import check
from pipeline.upkeep.fetching import fetch_folder
from pipeline.upkeep.housekeeping import find_leftovers
from pipeline.upkeep.status import status_of
from tasks import FullGrid, NightlyGrid

pytestmark = pytest.mark.usefixtures("blank_figures")

ROOT = Path(__file__).parents[2]
SETTINGS = {"style_layers": ["block1_conv1"], "content_layers": ["block1_conv2"]}
SLOWED = ROOT / "tests/tasks/slowed_luigi.py"


@pytest.fixture
def inputs(tmp_path, blotches) -> Path:
    """Two content pictures, and two styles."""
    for number, name in enumerate(("content/one", "content/50% off #1", "style/a", "style/b")):
        path = tmp_path / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        write_picture(path, blotches(number, 40, 40))
    return tmp_path


def folders(inputs: Path) -> dict[str, str]:
    return {"content_dir": str(inputs / "content"), "style_dir": str(inputs / "style")}


def grid(inputs: Path, output: str, **others) -> FullGrid:
    asked = {"backbones": "vgg16,vgg19", "weights": "random", "size": 32, "iterations": 2, "settings": SETTINGS}
    return FullGrid(**folders(inputs), output_dir=output, **{**asked, **others})


def done(output: str) -> dict[str, str]:
    """The cells that count as made, by the name of their folder, with the seal of the manifest."""
    found = {}
    for path in storage.walk(place_at(output) / "cells"):
        if path.name == "manifest.json":
            store = CellStore(path.parent)
            assert store.exists(), store.damage()
            assert store.picture().shape == (32, 32, 3)
            found["/".join(path.parts[-4:-1])] = store.identity()
    return found


def test_a_grid_is_made_recognised_checked_and_fetched(inputs, bucket, run, tmp_path):
    output = f"{bucket}/a study"
    task = grid(inputs, output)
    assert run(task).status == luigi.LuigiStatusCode.SUCCESS
    made = done(output)
    assert len(made) == 8
    assert not Path("s3:").exists()
    assert run(grid(inputs, output)).status == luigi.LuigiStatusCode.SUCCESS
    assert done(output) == made
    shared_run.leave()

    (study,) = status_of(place_at(output))
    assert (study.done, study.cells, study.running) == (8, 8, ())
    assert [finding.line for finding in check(place_at(output))] == []
    assert find_leftovers(place_at(output)) == []
    assert [each for each in storage.walk(output) if "lease" in each.name or each.parent.name == "runs"] == []

    page = RemotePath(task.page())
    count, _ = fetch_folder(page.parent, tmp_path / "fetched")
    assert (tmp_path / "fetched/index.html").read_bytes() == storage.read(page)
    assert len(list((tmp_path / "fetched/pictures").iterdir())) == 8
    assert count == sum(path.is_file() for path in (tmp_path / "fetched").rglob("*"))


def test_a_damaged_object_is_mended_by_the_next_run_and_nothing_else_is_remade(inputs, bucket, run):
    asked = {"backbones": "vgg16"}
    assert run(grid(inputs, bucket, **asked)).status == luigi.LuigiStatusCode.SUCCESS
    made = done(bucket)
    place = place_at(bucket) / "cells" / next(iter(made)) / "result.png"
    storage.write(place, storage.read(place)[:100])
    assert [finding.line for finding in check(place_at(bucket))]
    assert run(grid(inputs, bucket, **asked)).status == luigi.LuigiStatusCode.SUCCESS
    after = done(bucket)
    assert {name for name in made if made[name] != after[name]} <= {next(iter(made))}
    assert [finding.line for finding in check(place_at(bucket))] == []


@pytest.mark.slow
def test_a_worker_that_is_killed_in_the_middle_leaves_nothing_that_counts_as_done(inputs, bucket, run):
    """Eight cells; the first worker dies amid one, the second takes over its lease and its state."""
    task = grid(inputs, bucket, iterations=40)
    words = {**folders(inputs), "backbones": "vgg16,vgg19", "weights": "random", "size": "32", "iterations": "40"}
    flags = [word for name, value in words.items() for word in (f"--{name.replace('_', '-')}", value)]
    command = [sys.executable, str(SLOWED), "0.02", "--module", "tasks", "FullGrid", "--output-dir", bucket, *flags]
    command += ["--settings", json.dumps(SETTINGS), "--state-every", "1", "--log-level", "WARNING"]
    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while True:
        assert process.poll() is None
        assert time.monotonic() < deadline
        names = [each.parts[-2:] for each in storage.walk(place_at(bucket) / "cells")]
        finished = {folder for folder, name in names if name == "manifest.json"}
        if finished and any(name == "state.npz" and folder not in finished for folder, name in names):
            break
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = done(bucket)
    assert 1 <= len(before) < 8
    assert any(each.name == "lease.json" for each in storage.walk(bucket))

    assert run(task).status == luigi.LuigiStatusCode.SUCCESS
    after = done(bucket)
    assert len(after) == 8
    assert {name: after[name] for name in before} == before
    manifests = [CellStore(place_at(bucket) / "cells" / name).manifest() for name in after]
    assert any(manifest.get("resumed_at") for manifest in manifests)
    left = [each.name for each in storage.walk(bucket)]
    assert not {"lease.json", "state.npz"} & set(left)
    assert list(objects.below(RemotePath(bucket) / "runs")) == []


@pytest.mark.slow
def test_nst_workers_go_on_when_one_of_them_is_killed_in_the_middle(inputs, bucket, tmp_path, free_port):
    """Eight cells, two processes; the one that is killed is amid a cell. Half a cell never counts as done."""
    words = {**folders(inputs), "backbones": "vgg16,vgg19", "weights": "random", "size": "32", "iterations": "20"}
    flags = [word for name, value in words.items() for word in (f"--{name.replace('_', '-')}", value)]
    command = ["-m", "tasks.workers.command", "--module", "slowed_tasks", "--processes", "2"]
    command += ["--scheduler", f"127.0.0.1:{free_port}", "--", "FullGrid", "--output-dir", bucket, *flags]
    command += ["--settings", json.dumps(SETTINGS), "--state-every", "1"]
    paths = os.pathsep.join([str(ROOT), str(SLOWED.parent)])
    # So that the scheduler sees soon who is gone.
    (tmp_path / "luigi.cfg").write_text("[scheduler]\nworker_disconnect_delay = 4\n[worker]\nping_interval = 0.5\n")
    with (tmp_path / "said").open("w+") as said:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": paths, "XDG_STATE_HOME": str(tmp_path / "state")},
            stdout=said,
            stderr=said,
        )
        killed, seen, deadline = 0, {}, time.monotonic() + 300
        while process.poll() is None and time.monotonic() < deadline:
            now = done(bucket)
            assert {name: now[name] for name in seen} == seen  # what was done once stays so
            seen = now
            leases = [read(path) for path in storage.walk(place_at(bucket) / "cells") if path.name == "lease.json"]
            at_work = [lease.holder.pid for lease in leases if lease is not None and lease.holder is not None]
            if not killed and 1 <= len(seen) < 7 and at_work:
                killed = at_work[0]
                os.kill(killed, signal.SIGKILL)
            time.sleep(0.2)
        process.terminate()
        process.wait(timeout=60)
        said.seek(0)
        told = said.read()
    assert process.returncode == 0, told
    assert killed, told
    assert "was killed (SIGKILL" in told
    assert len(done(bucket)) == 8
    left = [each.name for each in storage.walk(bucket)]
    assert "index.html" in left
    assert not {"lease.json", "state.npz"} & set(left)
    assert [finding.line for finding in check(place_at(bucket))] == []


def test_nights_lie_there_too_and_are_pruned(inputs, bucket, run):
    study = inputs / "study.toml"
    study.write_text(
        f'content_dir = "{inputs / "content"}"\nstyle_dir = "{inputs / "style"}"\nbackbones = ["vgg16"]\n'
        '[settings]\nsize = 32\niterations = 1\nweights = "random"\n'
        'style_layers = ["block1_conv1"]\ncontent_layers = ["block1_conv2"]\n'
    )
    nights = [
        NightlyGrid(
            date=datetime.date(2025, 10, day), config=str(study), output_dir=bucket, keep_nights=1, keep_firsts=False
        )
        for day in (1, 2, 3)
    ]
    archive = nights[0].archive()
    assert run(nights[0]).status == luigi.LuigiStatusCode.SUCCESS
    storage.remove(archive.path(nights[0].date) / "night.json")  # what a process leaves that is killed amid a night
    assert archive.dates() == []
    for night in nights:
        assert run(night).status == luigi.LuigiStatusCode.SUCCESS
        assert night.complete()
    assert archive.dates() == [night.date for night in nights[1:]]  # the one before is spared
    assert list(storage.walk(archive.path(nights[0].date))) == []
    assert [finding.line for finding in check(place_at(bucket))] == []


@pytest.mark.parametrize(
    ("output", "line"), [("gs://bucket/x", "gs:// is neither"), ("s3://no-such-bucket-here", "there is no bucket")]
)
def test_a_place_that_cannot_be_is_one_line(inputs, s3_server, output, line):
    flags = [word for name, value in folders(inputs).items() for word in (f"--{name.replace('_', '-')}", value)]
    command = ["-m", "luigi", "--module", "tasks", "FullGrid", *flags, "--backbones", "vgg16", "--weights", "random"]
    command += ["--output-dir", output]
    ended = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode in (2, 30)
    assert line in ended.stderr
    assert "Traceback" not in ended.stderr


def test_trained_networks_lie_there_too(inputs, bucket, run, tmp_path, blotches):
    for number in range(3):
        (tmp_path / "photographs").mkdir(exist_ok=True)
        write_picture(tmp_path / "photographs" / f"{number}.png", blotches(20 + number, 40, 40))
    asked = {"backbones": "vgg16", "methods": "feedforward", "photographs_dir": str(tmp_path / "photographs")}
    asked["training"] = {"steps": 3, "crop": 32, "width": 2, "blocks": 1, "strides": [2]}
    assert run(grid(inputs, bucket, **asked)).status == luigi.LuigiStatusCode.SUCCESS
    made = done(bucket)
    assert len(made) == 4
    networks = [path.parent for path in storage.walk(place_at(bucket) / "networks") if path.name == "manifest.json"]
    assert sorted(network.parent.name for network in networks) == ["a", "b"]
    assert run(grid(inputs, bucket, **asked)).status == luigi.LuigiStatusCode.SUCCESS
    assert done(bucket) == made
    shared_run.leave()
    assert [finding.line for finding in check(place_at(bucket))] == []
    assert find_leftovers(place_at(bucket)) == []
    assert [each for each in storage.walk(bucket) if "state" in each.name or "lease" in each.name] == []
    count, _ = fetch_folder(networks[0], tmp_path / "fetched")
    assert count == 4
    assert load_network(tmp_path / "fetched" / "network.keras").provenance["digest"] in networks[0].name
