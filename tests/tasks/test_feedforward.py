"""Grids with cells that a trained network makes: beside those that are optimised, trained once, taken up, told of."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import luigi
import numpy as np
import pytest

from nstcore import ConfigError
from nstcore.feedforward.application import stylize
from nstcore.feedforward.network_file import load_network
from nstcore.feedforward.training_trace import TrainingTrace
from nstcore.pictures.images import read_picture, write_picture
from nstcore.pictures.resizing import resize
from pipeline.outputs.network_store import NetworkStore
from pipeline.report import plots
from pipeline.sharing.leases import cell_lease, take
from pipeline.upkeep.check import check
from pipeline.upkeep.commands import _lines
from pipeline.upkeep.housekeeping import find_leftovers
from pipeline.upkeep.status import status_of
from tasks import FullGrid, Sweep

pytestmark = pytest.mark.usefixtures("blank_figures")

ROOT = Path(__file__).parents[2]
SETTINGS = {"content_layers": ["block1_conv1"], "style_layers": ["block1_conv1"], "style_weight": 1e4}
TRAINING = {"steps": 6, "crop": 32, "width": 2, "blocks": 1, "strides": [2], "held_out_every": 3}
DAY = 86400


def fill(folder: Path, blotches) -> None:
    names = ("content/bridge", "content/cat", "style/ink", *(f"photographs/{number}" for number in range(3)))
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(exist_ok=True)
        write_picture(folder / f"{name}.png", blotches(seed, 44, 48))


@pytest.fixture
def inputs(tmp_path, blotches) -> Path:
    fill(tmp_path, blotches)
    return tmp_path


@pytest.fixture
def made(kept, blotches, run) -> Path:
    """A finished grid of two contents, one style and two methods."""

    def fill_and_run(folder: Path) -> None:
        fill(folder, blotches)
        assert run(grid(folder)).status == luigi.LuigiStatusCode.SUCCESS

    return kept("feedforward", fill_and_run)


def grid(folder: Path, **others) -> FullGrid:
    places = {f"{name}_dir": str(folder / name) for name in ("content", "style", "photographs")}
    fast = {"backbones": "vgg16", "size": 40, "iterations": 2, "weights": "random", "settings": SETTINGS}
    methods = {"methods": "optimize,feedforward", "training": TRAINING}
    return FullGrid(**{**places, **fast, **methods, "output_dir": str(folder / "outputs"), **others})


def manifests(outputs: Path, part: str = "cells") -> dict[Path, dict]:
    paths = sorted((outputs / part).rglob("manifest.json"))
    return {path.parent: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def by_method(outputs: Path) -> dict[str, dict[Path, dict]]:
    found = manifests(outputs)
    networks = {cell: known for cell, known in found.items() if "network" in known}
    return {"feedforward": networks, "optimize": {cell: found[cell] for cell in found if cell not in networks}}


def written(outputs: Path) -> dict[Path, int]:
    """When the networks were written."""
    return {path: path.stat().st_mtime_ns for path in (outputs / "networks").rglob("network.keras")}


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def test_both_methods_have_cells_with_the_same_files_in_the_usual_places(made):
    outputs = made / "outputs"
    cells = by_method(outputs)
    assert [len(cells[method]) for method in ("optimize", "feedforward")] == [2, 2]
    for cell in [*cells["optimize"], *cells["feedforward"]]:
        assert {path.name for path in cell.iterdir()} == {"result.png", "trace.csv", "manifest.json"}
        assert cell.parents[2] == outputs / "cells"
    for cell, known in cells["feedforward"].items():
        file = outputs / known["network"]["file"]
        assert known["network"]["sha256"] == NetworkStore(file.parent).record()["sha256"]
        assert known["config"]["method"] == "feedforward"
        assert not {"iterations", "optimizer", "init"} & known["config"].keys()
        picture = resize(read_picture(made / "content" / f"{known['content']['name']}.png"), 40)
        expected = stylize(load_network(file), picture)
        assert np.abs(read_picture(cell / "result.png").astype(int) - expected).max() <= 1


def test_the_losses_of_both_methods_are_of_one_scale(made):
    cells = by_method(made / "outputs")
    for cell, known in cells["feedforward"].items():
        rival = next(each for each in cells["optimize"] if each.parents[1] == cell.parents[1])
        traces = {}
        for name, folder in (("network", cell), ("optimizer", rival)):
            with (folder / "trace.csv").open(newline="", encoding="utf-8") as file:
                traces[name] = [*csv.DictReader(file)]
        assert len(traces["network"]) == 2
        for term in ("total", "content", "style", "total_variation"):
            first = [float(rows[0][term]) for rows in traces.values()]
            assert first[0] == pytest.approx(first[1], rel=1e-4)  # both begin at the content picture
        assert float(traces["network"][1]["total"]) == known["result"]["total"]


def test_the_network_is_kept_with_its_curve_its_pictures_and_what_it_was_trained_on(made):
    (folder,) = (made / "outputs" / "networks").glob("*/*")
    assert {path.name for path in folder.iterdir()} == {"network.keras", "trace.csv", "strip.webp", "manifest.json"}
    known = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert folder == made / "outputs" / "networks" / "ink" / f"vgg16-{known['digest']}"
    assert known["result"]["steps"] == 6
    assert known["photographs"]["folder"] == str(made / "photographs")
    assert len(known["photographs"]["held_out"]) == 1
    trace = TrainingTrace.from_csv((folder / "trace.csv").read_text().splitlines())
    assert [step.step for step in trace] == [1, 2, 3, 4, 5, 6]
    assert [step for step, _ in NetworkStore(folder).frames()] == [0, 1, 2, 3, 4, 5, 6]
    assert load_network(folder / "network.keras").provenance["digest"] == known["digest"]


def test_a_grid_without_methods_has_the_very_cells_that_are_optimised(made, run):
    outputs = made / "outputs"
    before = {cell: known["finished"] for cell, known in by_method(outputs)["optimize"].items()}
    assert run(grid(made, methods="optimize", photographs_dir="", training={})).status == luigi.LuigiStatusCode.SUCCESS
    assert {cell: known["finished"] for cell, known in by_method(outputs)["optimize"].items()} == before
    assert len(manifests(outputs)) == 4


def test_nothing_is_made_twice(made, run, monkeypatch):
    from nstcore.feedforward import training

    monkeypatch.setattr(training, "train", lambda *_, **__: pytest.fail("trained again"))
    result = run(grid(made))
    assert result.status == luigi.LuigiStatusCode.SUCCESS
    assert grid(made).complete()
    # Nor for other settings of the optimiser, which shape no network.
    before = {cell: known["finished"] for cell, known in by_method(made / "outputs")["feedforward"].items()}
    assert run(grid(made, iterations=3)).status == luigi.LuigiStatusCode.SUCCESS
    assert {cell: known["finished"] for cell, known in by_method(made / "outputs")["feedforward"].items()} == before
    assert len(by_method(made / "outputs")["optimize"]) == 4


def test_the_report_has_a_series_beside_the_other_and_says_what_training_is_worth(made):
    report = only(made / "outputs", "reports/*")
    page = (report / "index.html").read_text(encoding="utf-8")
    assert "VGG16, feed-forward" in page
    assert "Feed-forward networks" in page
    assert str(made / "photographs") in page
    training = only(report, "training/*.png")
    assert f"training/{training.name}" in page
    with (report / "grid.csv").open(newline="", encoding="utf-8") as file:
        rows = [*csv.DictReader(file)]
    assert sorted(row["method"] for row in rows) == ["feedforward"] * 2 + ["optimize"] * 2
    for row in rows:
        assert (row["network_sha256"] != "") == (row["method"] == "feedforward")
        assert (row["training_steps"] == "6") == (row["method"] == "feedforward")
    for name in ("vgg16.png", "vgg16-feedforward.png"):
        assert (report / "image_grid" / name).exists()


def test_a_start_from_the_networks_picture_is_a_method_too(made, run):
    outputs = made / "outputs"
    task = grid(made, methods="optimize,feedforward,refine", iterations=4)
    networks = written(outputs)
    assert run(task).status == luigi.LuigiStatusCode.SUCCESS
    assert written(outputs) == networks
    cells = [known for known in manifests(outputs).values() if known["config"].get("method") == "refine"]
    assert sorted(known["content"]["name"] for known in cells) == ["bridge", "cat"]
    for known in cells:
        applied, usual = (
            next(
                other
                for other in manifests(outputs).values()
                if other["content"] == known["content"]
                and other["config"].get("method") == method
                and other["config"].get("iterations") == iterations
            )
            for method, iterations in (("feedforward", None), (None, 4))
        )
        # Its way begins at the content picture as every other, and its first step is the pass of the network, whose
        # picture is rounded to 8 bits.
        name, digest = known["content"]["name"], known["digest"]
        with (outputs / "cells" / name / "ink" / f"vgg16-{digest}" / "trace.csv").open(encoding="utf-8") as file:
            totals = [float(row["total"]) for row in csv.DictReader(file)]
        assert totals[0] == known["result"]["initial_total"] == applied["result"]["initial_total"]
        assert totals[1] == pytest.approx(applied["result"]["total"], rel=0.02)
        assert totals[5] == known["result"]["total"] < totals[1]
        assert (len(totals), known["result"]["iterations"]) == (6, 5)
        assert (known["config"]["init"], known["config"]["coarse_sizes"]) == ("feedforward", [])
        assert known["network"] == applied["network"]
        assert known["lineage"] != usual["lineage"]  # no state of one is taken up by the other
    report = Path(task.page())
    assert "A start from it saves" in report.read_text(encoding="utf-8")
    assert (report.parent / "image_grid" / "vgg16-refine.png").exists()


def test_a_refined_cell_needs_the_networks_picture_whether_or_not_a_report_shows_it(made, run):
    outputs = made / "outputs"
    for cell in by_method(outputs)["feedforward"]:
        shutil.rmtree(cell)
    assert run(grid(made, methods="refine")).status == luigi.LuigiStatusCode.SUCCESS
    methods = sorted(str(known["config"].get("method")) for known in manifests(outputs).values())
    assert methods == ["None", "None", "feedforward", "feedforward", "refine", "refine"]


def test_a_changed_style_trains_that_style_alone(inputs, run, blotches):
    write_picture(inputs / "style" / "oil.png", blotches(8, 44, 48))
    outputs = inputs / "outputs"
    assert run(grid(inputs)).status == luigi.LuigiStatusCode.SUCCESS
    before = written(outputs)
    assert {path.parents[1].name for path in before} == {"ink", "oil"}
    write_picture(inputs / "style" / "oil.png", blotches(9, 44, 48))
    assert run(grid(inputs)).status == luigi.LuigiStatusCode.SUCCESS
    after = written(outputs)
    assert {path: after[path] for path in before} == before
    assert [path.parents[1].name for path in after if path not in before] == ["oil"]


def test_other_photographs_or_another_training_are_another_network(made, blotches):
    def digests(**others) -> set[str]:
        return {cell.network.digest for cell in grid(made, **others).grid().cells if cell.network}

    first = digests()
    assert digests(training={**TRAINING, "held_out_every": 2}) != first
    assert digests(training={**TRAINING, "width": 3}) != first
    assert digests(network="johnson", training={"steps": 6}) != digests(training={"steps": 6})
    assert digests(network="small", training={"steps": 6}) == digests(training={"steps": 6})
    assert digests(iterations=9, state_every=7, settings={**SETTINGS, "seed": 5}) == first
    write_picture(made / "photographs" / "0.png", blotches(99, 44, 48))
    assert digests() != first


def start(task: FullGrid, begun: Path, *more: str) -> subprocess.Popen[str]:
    """`luigi` in a process of its own, whose training is slow; a file is made when it is under way."""
    words = [
        word
        for name, value in task.to_str_params().items()
        if value not in ("False", "True", "")
        for word in (f"--{name.replace('_', '-')}", value)
    ]
    program = [str(ROOT / "tests/tasks/slowed_training.py"), "0.05", str(begun)]
    return subprocess.Popen(
        [sys.executable, *program, "--module", "tasks", "FullGrid", "--local-scheduler", *words, *more],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "workers", "state_every"),
    [(signal.SIGKILL, 1, 1), (signal.SIGTERM, 1, 600), (signal.SIGINT, 2, 600)],
    ids=["killed", "terminated", "Ctrl-C with two workers"],
)
def test_a_training_that_is_ended_is_taken_up_and_ends_as_an_undisturbed_one(number, workers, state_every, inputs, run):
    training = {**TRAINING, "steps": 120, "held_out_every": 40}
    task = {"methods": "feedforward", "training": training, "state_every": state_every}
    outputs = {name: inputs / name for name in ("ended", "undisturbed")}
    begun = inputs / "begun"
    process = start(grid(inputs, output_dir=str(outputs["ended"]), **task), begun, "--workers", str(workers))
    until = time.monotonic() + 120
    try:
        while not (begun.exists() and (number != signal.SIGKILL or [*outputs["ended"].rglob("state.npz")])):
            assert process.poll() is None, "it ended before it could be ended"
            assert time.monotonic() < until
            time.sleep(0.02)
        (status,) = status_of(outputs["ended"])
        assert [each.name for each in status.training] == ["network for ink, VGG16"]
    finally:
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == (128 + number if number != signal.SIGKILL else -number)
    assert not written(outputs["ended"])
    assert [*outputs["ended"].rglob("state.npz")], errors
    assert "Traceback" not in errors
    for output in outputs.values():
        assert run(grid(inputs, output_dir=str(output), **task)).status == luigi.LuigiStatusCode.SUCCESS
    taken_up, undisturbed = (only(output, "networks/*/*") for output in outputs.values())
    (after,) = json.loads((taken_up / "manifest.json").read_text())["resumed_after"]
    assert after >= (4 if number != signal.SIGKILL else 1)
    assert "resumed_after" not in json.loads((undisturbed / "manifest.json").read_text())
    networks = [load_network(folder / "network.keras") for folder in (taken_up, undisturbed)]
    assert networks[0].sha256 == networks[1].sha256
    frames = [NetworkStore(folder).frames() for folder in (taken_up, undisturbed)]
    assert [step for step, _ in frames[0]] == [step for step, _ in frames[1]]
    assert not (taken_up / "state.npz").exists()


def test_a_training_that_fails_is_told_with_its_cells_and_the_rest_goes_on(inputs, run, blotches, caplog):
    for path in (inputs / "photographs").iterdir():
        write_picture(path, blotches(1, 36, 36))  # smaller than a crop
    result = run(grid(inputs, training={**TRAINING, "crop": 40}))
    assert result.status == luigi.LuigiStatusCode.FAILED
    cells = by_method(inputs / "outputs")
    assert (len(cells["optimize"]), len(cells["feedforward"])) == (2, 0)
    page = only(inputs, "outputs/reports/*/index.html").read_text(encoding="utf-8")
    assert "smaller than crops of 40" in page
    for content in ("bridge", "cat"):
        assert f"failed: {content} × ink, VGG16, feed-forward: none of 2 photographs can be trained on: " in caplog.text
    (status,) = status_of(inputs / "outputs")
    names, reasons = zip(*status.failed, strict=True)
    assert names == ("bridge × ink, VGG16, feed-forward", "cat × ink, VGG16, feed-forward")
    assert len({*reasons}) == 1


def test_a_damaged_network_is_found_set_aside_and_trained_again_when_it_is_needed(made, run):
    outputs = made / "outputs"
    file = only(outputs, "networks/*/*/network.keras")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    (finding,) = check(outputs)
    assert finding.line == f"{file.parent}: network.keras was changed since it was written"
    cell = next(iter(by_method(outputs)["feedforward"]))
    shutil.rmtree(cell)
    assert run(grid(made)).status == luigi.LuigiStatusCode.SUCCESS
    assert (outputs / "damaged" / file.parent.relative_to(outputs)).with_name(f"{file.parent.name}-1").is_dir()
    assert not [*check(outputs)]


def test_cells_that_are_done_need_no_network(made, run):
    outputs = made / "outputs"
    shutil.rmtree(outputs / "networks")
    assert run(grid(made)).status == luigi.LuigiStatusCode.SUCCESS
    assert not written(outputs)


def test_only_networks_of_reports_that_are_kept_stay(made):
    outputs = made / "outputs"
    for path in (outputs, *outputs.rglob("*")):
        os.utime(path, (time.time() - 2 * DAY,) * 2)
    assert not find_leftovers(outputs)
    shutil.rmtree(outputs / "reports")
    found = {leftover.path: leftover.kind for leftover in find_leftovers(outputs)}
    network = only(outputs, "networks/*/*")
    assert found[network] == "networks that no report refers to"
    with take(cell_lease(network)):  # being trained by a process that has not planned its study yet
        assert network not in {leftover.path for leftover in find_leftovers(outputs)}


def test_a_network_that_is_trained_is_told_with_who_and_how_far(made):
    outputs = made / "outputs"
    network = only(outputs, "networks/*/*")
    shutil.rmtree(network)
    for cell in by_method(outputs)["feedforward"]:
        shutil.rmtree(cell)
    (status,) = status_of(outputs)
    assert (status.waiting, status.untrained, status.training) == (2, 1, ())
    with take(cell_lease(network)) as held:
        held.tell(step=30, steps=120, total=12345.6, seconds=5.0, share=0.25)
        held.beat()
        (status,) = status_of(outputs)
        assert (status.waiting, status.untrained) == (2, 0)
        lines = _lines(status)
    assert f"  training: network for ink, VGG16: process {os.getpid()} on " in lines[1]
    assert lines[1].endswith(", step 30 of 120, loss 1.235e+04")
    # 15 s of training are left, and two passes.
    assert 15 <= status.expected.seconds < 20
    assert status.expected.basis.endswith(", and the training of networks: 1, 1 at once")


def test_a_study_names_methods_and_training_too(made, run):
    study = made / "study.toml"
    lists = {name: json.dumps(SETTINGS[name]) for name in ("content_layers", "style_layers")}
    study.write_text(
        f"""
content_dir = "{made / "content"}"
style_dir = "{made / "style"}"
backbones = ["vgg16"]
methods = ["feedforward", "optimize"]
[settings]
size = 40
iterations = 2
weights = "random"
content_layers = {lists["content_layers"]}
style_layers = {lists["style_layers"]}
[training]
photographs_dir = "{made / "photographs"}"
steps = 6
crop = 32
width = 2
blocks = 1
strides = [2]
held_out_every = 3
[sweep]
style_weight = [10000.0]
""",
        encoding="utf-8",
    )
    before = written(made / "outputs")
    assert run(Sweep(config=str(study), output_dir=str(made / "outputs"))).status == luigi.LuigiStatusCode.SUCCESS
    assert written(made / "outputs") == before
    assert len(manifests(made / "outputs")) == 4


@pytest.mark.parametrize(
    ("others", "line"),
    [
        (
            {"methods": "optimize,forward"},
            "methods must be one or more different ones of optimize, feedforward, refine. ",
        ),
        ({"methods": "feedforward", "settings": {**SETTINGS, "color": "match"}}, 'color must be "style": a network is'),
        ({"settings": {**SETTINGS, "color": "luminance"}}, 'color must be "style": a network is'),
        ({"training": {**TRAINING, "crop": 64}}, "crop must be from 32, "),
        ({"backbones": "vgg16,inceptionv3", "size": 80}, None),  # a crop of 32 is too small for one of them alone
        ({"training": {"minutes": 1}}, "the training of a grid is counted in steps and no minutes"),
        ({"training": {"step": 1}}, "unknown setting of training; expected some of photographs_dir, network, steps, "),
        ({"network": "huge"}, "network must be one of small, johnson. Received: network='huge'"),
        ({"methods": "optimize"}, "how networks are trained is set where there are some. "),
        ({"photographs_dir": "nowhere"}, "nowhere: no such folder; name one that holds photographs"),
    ],
)
def test_what_cannot_be_is_one_line_before_anything_is_scheduled(inputs, others, line):
    if line is None:
        grid(inputs, **others).check()
        return
    with pytest.raises((ConfigError, OSError, ValueError)) as refused:
        grid(inputs, **others).check()
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)


def test_pairs_with_regions_are_refused_alone(inputs, run, blotches):
    for name in ("content/cat", "style/ink"):
        regions = np.zeros((44, 48, 3), np.uint8)
        regions[:22] = 255
        write_picture(inputs / f"{name}.regions.png", regions)
    found = grid(inputs).grid()
    assert sorted((cell.content, cell.method) for cell in found.cells) == [
        ("bridge", "feedforward"),
        ("bridge", "optimize"),
        ("cat", "optimize"),
    ]
    (rejected,) = found.rejected
    assert (rejected.content, rejected.method) == ("cat", "feedforward")
    assert rejected.reason.startswith("a feed-forward network knows no regions")


def test_a_network_is_trained_for_a_mixture_too(inputs, run, blotches):
    write_picture(inputs / "style" / "oil.png", blotches(8, 44, 48))
    mixture = '[[style]]\npicture = "ink.png"\nweight = 3\n[[style]]\npicture = "oil.png"\nscale = 0.9\n'
    (inputs / "style" / "both.toml").write_text(mixture, encoding="utf-8")
    (inputs / "content" / "cat.png").unlink()
    assert run(grid(inputs, methods="feedforward")).status == luigi.LuigiStatusCode.SUCCESS
    assert {path.parents[1].name for path in written(inputs / "outputs")} == {"ink", "oil", "both"}
    (known,) = (each for each in manifests(inputs / "outputs", "networks").values() if each["style"]["name"] == "both")
    assert [(each["weight"], each["scale"]) for each in known["style"]["pictures"]] == [(0.75, 1.0), (0.25, 0.9)]
    assert len({known["digest"] for known in manifests(inputs / "outputs", "networks").values()}) == 3


def test_the_contents_serve_as_photographs_where_there_are_no_others_and_that_is_said(inputs, monkeypatch):
    monkeypatch.chdir(inputs)
    found = grid(inputs, photographs_dir="").grid()
    assert (
        found.settings["photographs"]
        == f"{inputs / 'content'} (the contents themselves: there is no inputs/photographs)"
    )
    (inputs / "inputs").mkdir()
    shutil.copytree(inputs / "photographs", inputs / "inputs" / "photographs")
    assert grid(inputs, photographs_dir="").grid().settings["photographs"] == "inputs/photographs"


def test_a_training_is_drawn_with_and_without_pictures_and_losses(blotches):
    text = "step,seconds,total,content,style,total_variation,held_out\n1,0.1,5,1,1,0,\n2,0.2,4,1,1,0,3.5\n"
    frames = [(step, blotches(step, 20, 30)) for step in (0, 2)]
    figure = plots.training_figure(TrainingTrace.from_csv(text.splitlines()), frames, title="$x$")
    lines = {line.get_label(): line.get_xydata().tolist() for line in figure.axes[0].lines}
    assert lines["crops of a step"] == [[1, 5], [2, 4]]
    assert lines["held-out photographs"] == [[2, 3.5]]
    assert [axes.get_label() for axes in figure.axes[1:]] == ["after 0", "after 2"]
    empty = plots.training_figure(TrainingTrace(()), title="nothing")
    assert "the network has gone, and its curve with it" in [text.get_text() for text in empty.axes[0].texts]
