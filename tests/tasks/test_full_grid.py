"""The grid through Luigi, in process, on real files: what is made, what is made again, and what fails."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import luigi
import numpy as np
import pytest

from nstcore import BACKBONES, PictureError, Trace
from nstcore.networks import weights
from nstcore.pictures.images import read_picture, write_picture
from pipeline.outputs import stores
from pipeline.storage.sealed import sealed
from tasks import ComputeStyleTarget, FullGrid, Transfer, progress

SIZE, ITERATIONS = 80, 3
undrawn = pytest.mark.usefixtures("blank_figures")
PAIR_PLOTS = ("loss_per_iteration", "terms_per_iteration", "time")


def write_inputs(root: Path, blotches) -> Path:
    """Two contents and two styles."""
    for folder, names in (("content", ("bridge", "cat")), ("style", ("ink", "oil"))):
        (root / folder).mkdir()
        for seed, name in enumerate(names):
            write_picture(root / folder / f"{name}.png", blotches(hash_of(name) + seed, 90, 110))
    return root


@pytest.fixture
def inputs(tmp_path, blotches):
    return write_inputs(tmp_path, blotches)


@pytest.fixture
def made(kept, blotches, run):
    """Inputs whose grid, that of `parameters`, is finished: made once for all tests."""

    def fill(folder):
        write_inputs(folder, blotches)
        assert run(FullGrid(**parameters(folder))).status == luigi.LuigiStatusCode.SUCCESS

    return kept("full-grid", fill)


def hash_of(name: str) -> int:
    return sum(name.encode())


def parameters(inputs: Path, **others):
    return {
        "content_dir": str(inputs / "content"),
        "style_dir": str(inputs / "style"),
        "output_dir": str(inputs / "outputs"),
        "backbones": "vgg16",
        "size": SIZE,
        "iterations": ITERATIONS,
        "weights": "random",
        "settings": {"style_layers": ["block1_conv1", "block2_conv1"], "content_layers": ["block2_conv2"]},
        **others,
    }


def files(inputs: Path) -> dict[str, int]:
    """Every file of the outputs, and when it was written."""
    root = inputs / "outputs"
    return {str(path.relative_to(root)): path.stat().st_mtime_ns for path in sorted(root.rglob("*")) if path.is_file()}


def changed(before: dict[str, int], after: dict[str, int]) -> set[str]:
    """What was written since, without the records that stand beside the files of a report."""
    return {name for name in after if before.get(name) != after[name] and "/.made/" not in name}


def report_of(inputs: Path, names: set[str] | dict[str, int]) -> Path:
    (page,) = (name for name in names if name.endswith("index.html"))
    return (inputs / "outputs" / page).parent


def test_a_grid_leaves_every_file_of_the_contract(made):
    inputs, made = made, files(made)
    report = report_of(inputs, made)
    for content in ("bridge", "cat"):
        for style in ("ink", "oil"):
            (cell,) = (inputs / "outputs" / "cells" / content / style).iterdir()
            assert cell.name.startswith("vgg16-")
            assert {path.name for path in cell.iterdir()} == {"result.png", "trace.csv", "manifest.json"}
            picture = read_picture(cell / "result.png")
            assert picture.shape == (65, 80, 3)
            trace = Trace.from_csv((cell / "trace.csv").read_text().splitlines())
            assert [iterate.iteration for iterate in trace] == [0, 1, 2, 3]
            manifest = json.loads((cell / "manifest.json").read_text())
            assert (
                manifest["result"]["total"] == trace[-1].total < trace[0].total == manifest["result"]["initial_total"]
            )
            assert manifest["config"]["iterations"] == ITERATIONS
            assert "random" in manifest["weights"]["note"]
            assert manifest["digest"] == cell.name.removeprefix("vgg16-")
            for plot in PAIR_PLOTS:
                assert read_picture(report / plot / f"{content}--{style}.png").ndim == 3
                assert (report / plot / f"{content}--{style}.svg").read_text().startswith("<?xml")
    assert read_picture(report / "image_grid" / "vgg16.png").ndim == 3
    assert read_picture(report / "summary.png").ndim == 3
    with (report / "grid.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["content"], row["style"], row["status"]) for row in rows] == [
        (content, style, "done") for content in ("bridge", "cat") for style in ("ink", "oil")
    ]
    for row in rows:
        assert row["picture"] == f"pictures/{row['digest']}.png"
        cell = inputs / "outputs/cells" / row["content"] / row["style"] / f"vgg16-{row['digest']}"
        assert (report / row["picture"]).read_bytes() == (cell / "result.png").read_bytes()
    page = (report / "index.html").read_text()
    links = set(re.findall(r'(?:src|href)="([^"#]+)"', page)) - {"data:,"}
    plots = 4 * len(PAIR_PLOTS) * 2 + 2  # as PNG and SVG, and those of the whole grid
    assert len(links) == 4 * 2 + 4 * 2 + plots + 2  # results and originals with small versions, a wall, the table
    assert [link for link in links if not (report / link).is_file()] == []
    assert "random weights" in page
    assert len([name for name in made if name.startswith("targets/content")]) == 2
    assert len([name for name in made if name.startswith("targets/style")]) == 2


def test_pairs_whose_names_join_to_one_have_plots_of_their_own(inputs, run):
    for old, new in (("content/bridge", "content/a--b"), ("content/cat", "content/a"), ("style/oil", "style/b--ink")):
        (inputs / f"{old}.png").rename(inputs / f"{new}.png")
    assert run(FullGrid(**parameters(inputs))).status == luigi.LuigiStatusCode.SUCCESS
    report = report_of(inputs, files(inputs))
    page = (report / "index.html").read_text()
    for plot in PAIR_PLOTS:
        drawn = {path.stem: path for path in (report / plot).glob("*.svg")}
        assert {"a--ink", "a--b--b--ink"} < drawn.keys()
        assert len(drawn) == 4
        titles = [re.search("<!-- (.+ × .+) -->", path.read_text()) for path in drawn.values()]
        # A comment of XML may not hold "--".
        shown = sorted(title[1].replace("- -", "--") for title in titles if title)
        assert shown == ["a × b--ink", "a × ink", "a--b × b--ink", "a--b × ink"]
        assert all(f'"{plot}/{stem}.svg"' in page for stem in drawn)


@undrawn
def test_a_second_run_does_nothing(made, run):
    before = files(made)
    again = run(FullGrid(**parameters(made)))
    assert files(made) == before
    assert "Did not run any tasks" in again.summary_text


@undrawn
def test_a_changed_byte_in_one_style_reruns_that_styles_cells_alone(made, run):
    before = files(made)
    picture = read_picture(made / "style/ink.png").copy()
    picture[0, 0, 0] ^= 1
    write_picture(made / "style/ink.png", picture)
    run(FullGrid(**parameters(made)))
    new = changed(before, files(made))
    assert {name.split("/")[1:3] == [content, "ink"] for content in ("bridge", "cat") for name in new} == {True, False}
    assert {tuple(name.split("/")[1:3]) for name in new if name.startswith("cells/")} == {
        ("bridge", "ink"),
        ("cat", "ink"),
    }
    assert {tuple(name.split("/")[1:3]) for name in new if name.startswith("targets/")} == {("style", "ink")}
    assert before.keys() <= files(made).keys()


@undrawn
def test_a_deleted_cell_is_made_again_with_the_reports_that_show_it(made, run):
    before = files(made)
    shutil.rmtree(made / "outputs/cells/cat/oil")
    run(FullGrid(**parameters(made)))
    after = files(made)
    assert after.keys() == before.keys()
    new = changed(before, after)
    assert {name.split("/")[0] for name in new} == {"cells", "reports"}
    assert {tuple(name.split("/")[1:3]) for name in new if name.startswith("cells/")} == {("cat", "oil")}
    assert {name.split("/", 2)[2] for name in new if name.startswith("reports/")} == {
        *(f"{plot}/cat--oil{suffix}" for plot in PAIR_PLOTS for suffix in (".png", ".svg")),
        "image_grid/vgg16.png",
        "summary.png",
        "summary.svg",
        "grid.csv",
        "gallery.json",
        "index.html",
    }  # and not the picture in the report's folder, which is what it was


@undrawn
def test_a_report_that_lost_a_picture_gets_it_back(made, run):
    before = files(made)
    report = report_of(made, before)
    lost = next((report / "thumbs").iterdir())
    lost.unlink()
    assert not FullGrid(**parameters(made)).complete()
    run(FullGrid(**parameters(made)))
    assert lost.is_file()
    assert {name.split("/", 2)[2] for name in changed(before, files(made))} == {
        "gallery.json",
        str(lost.relative_to(report)),
    }


@undrawn
def test_a_figure_without_its_vector_is_drawn_again(made, run):
    before = files(made)
    next((made / "outputs").rglob("time/cat--ink.svg")).unlink()
    assert not FullGrid(**parameters(made)).complete()
    run(FullGrid(**parameters(made)))
    redone = {name.split("/", 2)[2] for name in changed(before, files(made))}
    assert redone == {"time/cat--ink.png", "time/cat--ink.svg"}
    assert before.keys() == files(made).keys()


@undrawn
def test_reports_that_missed_a_new_cell_are_made_again(made, run):
    """A run that ends between a cell and its reports leaves reports that show another."""
    before = files(made)
    manifest = next((made / "outputs/cells/cat/oil").rglob("manifest.json"))
    manifest.write_bytes(sealed({**json.loads(manifest.read_bytes()), "finished": "another time"}))
    assert not FullGrid(**parameters(made)).complete()
    run(FullGrid(**parameters(made)))
    redone = {name.split("/", 2)[2] for name in changed(before, files(made)) if name.startswith("reports/")}
    assert "loss_per_iteration/cat--oil.png" in redone
    assert "loss_per_iteration/cat--ink.png" not in redone


@undrawn
def test_the_setting_that_differs_decides_what_is_shared(made, run):
    before = files(made)
    run(FullGrid(**parameters(made, iterations=ITERATIONS + 1)))
    new = changed(before, files(made))
    assert len([name for name in new if name.endswith("result.png")]) == 4
    assert not [name for name in new if name.startswith("targets/")]


BAD_PICTURES = {
    "empty.png": lambda path: path.write_bytes(b""),
    "words.jpg": lambda path: path.write_text("not a picture"),
    "truncated.png": lambda path: path.write_bytes(path.with_name("ink.png").read_bytes()[:300]),
    "pixel.png": lambda path: write_picture(path, np.zeros((1, 1, 3), np.uint8)),
    "small.png": lambda path: write_picture(path, np.zeros((20, 20, 3), np.uint8)),
    "strip.png": lambda path: write_picture(path, np.zeros((40, 400, 3), np.uint8)),
}


@undrawn
def test_bad_pictures_cost_their_own_cells_alone(inputs, run, caplog):
    for name, make in BAD_PICTURES.items():
        make(inputs / "style" / name)
    (inputs / "style" / "OIL.jpg").write_bytes((inputs / "style" / "oil.png").read_bytes())
    result = run(FullGrid(**parameters(inputs)))
    assert result.status == luigi.LuigiStatusCode.FAILED
    made = files(inputs)
    assert {tuple(name.split("/")[1:3]) for name in made if name.startswith("cells/")} == {
        ("bridge", "ink"),
        ("cat", "ink"),
    }
    with (report_of(inputs, made) / "grid.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["content"] == "cat"]
    reasons = {row["style"]: row["reason"] for row in rows if row["status"] == "failed"}
    assert reasons.keys() == {Path(name).stem for name in BAD_PICTURES} | {"OIL"}
    for style, reason in reasons.items():
        assert "\n" not in reason
        assert f"{style}." in reason
    assert "oil.png" in reasons["OIL"]
    failed = [record for record in caplog.records if record.getMessage().startswith("FailedCell")]
    assert len(failed) == 2 * len(reasons)
    assert not any(record.exc_info for record in caplog.records)
    before = made
    run(FullGrid(**parameters(inputs)))
    assert changed(before, files(inputs)) == set()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"backbones": "vgg16,vgg99"}, f"{', '.join(BACKBONES)}.*vgg99"),
        (
            {"backbones": "vgg16,vgg19", "settings": {"style_layers": ["block3_conv4"]}},
            "vgg16 has no such layer.*block3_conv3.*block3_conv4",
        ),
    ],
)
@undrawn
def test_what_one_backbone_cannot_do_costs_its_cells_alone(inputs, run, change, line):
    run(FullGrid(**parameters(inputs, **change)))
    for reason in reasons_of_the_failed_half(inputs).values():
        assert re.search(line, reason)
    page = report_of(inputs, files(inputs)) / "index.html"
    assert "Vote on the pictures" not in page.read_text(encoding="utf-8")  # no pair has two results to choose between


@undrawn
def test_results_that_can_be_chosen_between_can_be_voted_on(inputs, run):
    settings = {"style_layers": ["block1_conv1"], "content_layers": ["block2_conv1"]}
    grid = parameters(inputs, backbones="vgg16,vgg19", iterations=1, settings=settings)
    assert run(FullGrid(**grid)).status == luigi.LuigiStatusCode.SUCCESS
    page = report_of(inputs, files(inputs)) / "index.html"
    assert '<a href="vote.html">Vote on the pictures</a>' in page.read_text(encoding="utf-8")
    assert page.with_name("vote.html").is_file()


def reasons_of_the_failed_half(inputs: Path) -> dict[tuple[str, str, str], str]:
    """Why each of four cells failed, of a grid of eight."""
    with (report_of(inputs, files(inputs)) / "grid.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["status"] for row in rows) == ["done"] * 4 + ["failed"] * 4
    failed = (row for row in rows if row["status"] == "failed")
    return {(row["backbone"], row["content"], row["style"]): row["reason"] for row in failed}


@undrawn
def test_weights_of_one_backbone_fail_the_cells_of_the_other_alone(inputs, run):
    """A classic file, in which VGG19 has all the names that VGG16 has, and more."""
    path = inputs / "vgg19.h5"
    network, _ = weights.load_network("vgg19", "random")
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name for layer in network.layers]
        for layer in network.layers:
            group = file.create_group(layer.name)
            group.attrs["weight_names"] = [variable.name for variable in layer.weights]
            for variable in layer.weights:
                group[variable.name] = np.asarray(variable)
    result = run(FullGrid(**parameters(inputs, backbones="vgg16,vgg19", weights=str(path))))
    assert result.status == luigi.LuigiStatusCode.FAILED
    reasons = reasons_of_the_failed_half(inputs)
    assert {backbone for backbone, *_ in reasons} == {"vgg16"}
    (reason,) = set(reasons.values())
    assert reason.startswith(f"weights file {path} does not fit vgg16: it seems to be VGG19 (16 layers with weights)")
    assert "\n" not in reason


@undrawn
def test_a_loss_that_diverges_fails_its_cell_and_leaves_no_picture(inputs, run):
    settings = {**parameters(inputs)["settings"], "style_normalization": "none", "style_weight": 1e38}
    result = run(FullGrid(**parameters(inputs, settings=settings)))
    assert result.status == luigi.LuigiStatusCode.FAILED
    made = files(inputs)
    assert not [name for name in made if name.endswith(("result.png", "trace.csv", "manifest.json"))]
    assert "loss became inf at evaluation 1" in (report_of(inputs, made) / "grid.csv").read_text()


@undrawn
def test_a_cell_that_failed_is_tried_again_by_the_next_run(inputs, run):
    good = read_picture(inputs / "style/ink.png")
    (inputs / "style/ink.png").write_bytes(b"")
    assert run(FullGrid(**parameters(inputs))).status == luigi.LuigiStatusCode.FAILED
    write_picture(inputs / "style/ink.png", good)
    assert run(FullGrid(**parameters(inputs))).status == luigi.LuigiStatusCode.SUCCESS
    assert FullGrid(**parameters(inputs)).complete()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"content_dir": "nowhere"}, "nowhere: no such folder"),
        ({"preset": "nonesuch"}, "balanced, gatys2015, gatys2016.*nonesuch"),
        ({"backbones": "vgg16,vgg16"}, "different names.*vgg16,vgg16"),
        ({"settings": {"style_weight": -1}}, "style_weight must be a finite number >= 0.*-1"),
        ({"settings": {"colour": 1}}, "unknown setting.*style_weight.*colour"),
    ],
)
def test_a_grid_that_cannot_be_planned_fails_with_one_line(inputs, run, caplog, change, line):
    result = run(FullGrid(**parameters(inputs, **change)))
    assert result.status == luigi.LuigiStatusCode.FAILED
    assert any(re.search(line, record.getMessage()) for record in caplog.records)
    assert not any(record.exc_info for record in caplog.records)


def test_a_folder_without_pictures_is_said_so(inputs, run, caplog):
    shutil.rmtree(inputs / "content")
    (inputs / "content").mkdir()
    (inputs / "content" / "notes.txt").write_text("no picture")
    assert run(FullGrid(**parameters(inputs))).status == luigi.LuigiStatusCode.FAILED
    assert any("no pictures in this folder" in record.getMessage() for record in caplog.records)


@undrawn
def test_missing_weights_fail_or_are_skipped_as_asked(inputs, run):
    bad = parameters(inputs, weights=str(inputs / "absent.weights.h5"))
    assert run(FullGrid(**bad)).status == luigi.LuigiStatusCode.FAILED
    assert not list((inputs / "outputs").rglob("index.html"))
    assert run(FullGrid(**bad, on_missing_weights="skip")).status == luigi.LuigiStatusCode.SUCCESS
    page = report_of(inputs, files(inputs)) / "index.html"
    assert "absent.weights.h5" in page.read_text()


def luigi_process(*arguments: str, inputs: Path) -> subprocess.CompletedProcess[str]:
    """Run `luigi` in a process of its own and tell whether it imported Keras itself."""
    code = (
        "import sys; from luigi.cmdline import luigi_run\n"
        "try: luigi_run(sys.argv[1:])\n"
        "except SystemExit as end: print('status', end.code)\n"
        "print('keras' if 'keras' in sys.modules else 'no keras')"
    )
    values = {**parameters(inputs), "settings": json.dumps(parameters(inputs)["settings"])}
    flags = [part for name, value in values.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    command = [sys.executable, "-c", code, "--module", "tasks", "FullGrid", "--local-scheduler", *flags, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_two_forked_workers_make_the_grid_and_a_second_run_needs_no_keras(inputs):
    for extra in ("content/cat.png", "style/oil.png"):
        (inputs / extra).unlink()
    first = luigi_process("--workers", "2", inputs=inputs)
    assert "no keras" in first.stdout, first.stderr  # the scheduling process forks before anything of Keras is imported
    assert len([name for name in files(inputs) if name.endswith("result.png")]) == 1, first.stderr
    report_of(inputs, files(inputs))
    before = files(inputs)
    second = luigi_process(inputs=inputs)
    assert "no keras" in second.stdout
    assert files(inputs) == before


@undrawn
def test_weights_that_are_not_those_of_the_plan_make_no_picture(inputs, run, monkeypatch):
    """As when a damaged cache is fetched anew, from another source, in the middle of a grid."""
    elsewhere = replace(weights.locate("vgg16", "random"), sha256="0" * 64)
    monkeypatch.setattr(stores, "locate", lambda *_: elsewhere)
    assert run(FullGrid(**parameters(inputs))).status == luigi.LuigiStatusCode.FAILED
    made = files(inputs)
    assert not [name for name in made if name.endswith("result.png")]
    assert (
        "the weights of vgg16 changed while the grid was running" in (report_of(inputs, made) / "grid.csv").read_text()
    )


@undrawn
def test_a_report_never_shows_the_settings_of_another_grid(made, run):
    """The same pictures in a folder of another name are the same cells, but not the same report."""
    before = files(made)
    (made / "style").rename(made / "renamed")
    moved = parameters(made, style_dir=str(made / "renamed"))
    assert run(FullGrid(**moved)).status == luigi.LuigiStatusCode.SUCCESS
    after = files(made)
    assert not [name for name in changed(before, after) if name.startswith(("cells/", "targets/"))]
    assert str(made / "renamed") in (report_of(made, after) / "index.html").read_text()
    assert FullGrid(**moved).complete()


def cells_of(inputs: Path) -> dict[str, Path]:
    """The folder of every finished cell, by its path under the outputs."""
    root = inputs / "outputs" / "cells"
    return {str(path.parent.relative_to(root)): path.parent for path in sorted(root.rglob("manifest.json"))}


def batch_sizes(inputs: Path) -> list[int]:
    cells = cells_of(inputs).values()
    return sorted(json.loads((cell / "manifest.json").read_text())["result"]["batch_size"] for cell in cells)


@undrawn
def test_batches_make_the_cells_that_single_runs_make(inputs, run, made):
    assert run(FullGrid(**parameters(inputs, batch_size=3))).status == luigi.LuigiStatusCode.SUCCESS
    assert batch_sizes(inputs) == [1, 3, 3, 3]
    before = files(inputs)
    again = run(FullGrid(**parameters(inputs, batch_size=3)))
    assert "Did not run any tasks" in again.summary_text
    assert run(FullGrid(**parameters(inputs))).status == luigi.LuigiStatusCode.SUCCESS
    assert files(inputs) == before  # nor are they made again one by one
    together, alone = cells_of(inputs), cells_of(made)
    assert together.keys() == alone.keys()
    for name, folder in together.items():
        pictures = [read_picture(one / "result.png").astype(int) for one in (folder, alone[name])]
        assert np.abs(pictures[0] - pictures[1]).mean() < 0.5
        traces = [Trace.from_csv((one / "trace.csv").read_text().splitlines()) for one in (folder, alone[name])]
        totals = [[iterate.total for iterate in trace] for trace in traces]
        assert totals[0] == pytest.approx(totals[1], rel=1e-3)


@undrawn
def test_only_cells_of_one_backbone_and_size_are_batched(inputs, run, blotches):
    write_picture(inputs / "content/tower.png", blotches(5, 110, 90))
    settings = {"style_layers": ["block1_conv1"], "content_layers": ["block2_conv1"]}
    grid = parameters(inputs, batch_size=8, backbones="vgg16,vgg19", settings=settings)
    assert run(FullGrid(**grid)).status == luigi.LuigiStatusCode.SUCCESS
    made = [json.loads((cell / "manifest.json").read_text()) for cell in cells_of(inputs).values()]
    sizes = {(one["config"]["backbone"], one["result"]["height"]): one["result"]["batch_size"] for one in made}
    assert sizes == {("vgg16", 65): 4, ("vgg19", 65): 4, ("vgg16", 80): 2, ("vgg19", 80): 2}


@undrawn
def test_a_batch_goes_from_coarse_to_fine_though_the_style_of_its_first_pair_is_too_narrow(
    inputs, run, monkeypatch, blotches
):
    (inputs / "content/cat.png").unlink()
    write_picture(inputs / "style/a.png", blotches(30, 110, 70))  # 31 pixels wide at 48, 36 at 56
    told, members, optimize = [], Transfer.members, Transfer.optimize

    def told_of(self, pairs):
        self.set_progress_percentage = told.append
        return optimize(self, pairs)

    monkeypatch.setattr(Transfer, "optimize", told_of)
    # Luigi joins them in any order.
    monkeypatch.setattr(Transfer, "members", lambda self: sorted(members(self), key=lambda one: one.style != "a"))
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_MESSAGES", 0)
    settings = {**parameters(inputs)["settings"], "coarse_sizes": [48, 56]}
    grid = parameters(inputs, batch_size=3, settings=settings)
    assert run(FullGrid(**grid)).status == luigi.LuigiStatusCode.SUCCESS
    assert batch_sizes(inputs) == [3, 3, 3]
    made = [json.loads((cell / "manifest.json").read_text()) for cell in cells_of(inputs).values()]
    sizes = [[level["size"] for level in one["result"]["coarse_runs"]] for one in made]
    assert sizes == [[56], [48, 56], [48, 56]]
    assert told == sorted(told)
    assert told[-1] == 100


@undrawn
def test_a_bad_picture_costs_its_cells_alone_in_a_batch(inputs, run, monkeypatch):
    """Bad from the start, it is not planned; gone bad later, its target fails, or the cell's own reading of it."""
    write_picture(inputs / "style/gone.png", np.full((90, 110, 3), 7, np.uint8))
    write_picture(inputs / "style/late.png", np.full((90, 110, 3), 9, np.uint8))
    (inputs / "style/words.png").write_text("not a picture")
    target, load = ComputeStyleTarget.work, Transfer.load

    def gone_for_the_target(self):
        if self.picture == "gone":
            raise PictureError("gone.png: gone")
        target(self)

    def changed_for_the_cell(self):
        if self.style == "late":
            raise PictureError("late.png: changed")
        return load(self)

    monkeypatch.setattr(ComputeStyleTarget, "work", gone_for_the_target)
    monkeypatch.setattr(Transfer, "load", changed_for_the_cell)
    result = run(FullGrid(**parameters(inputs, batch_size=8)))
    assert result.status == luigi.LuigiStatusCode.FAILED
    assert {name.split("/")[1] for name in cells_of(inputs)} == {"ink", "oil"}
    assert batch_sizes(inputs) == [4] * 4
    with (report_of(inputs, files(inputs)) / "grid.csv").open(newline="") as file:
        reasons = {row["style"]: row["reason"] for row in csv.DictReader(file) if row["status"] == "failed"}
    assert reasons.keys() == {"gone", "late", "words"}
    assert all(f"{style}.png" in reason for style, reason in reasons.items())


@undrawn
def test_a_loss_that_diverges_fails_its_cell_alone_in_a_batch(inputs, run, monkeypatch):
    write_picture(inputs / "style/white.png", np.full((90, 110, 3), 255, np.uint8))
    load = Transfer.load

    def poisoned(self):
        scene, targets = load(self)
        if self.style == "white":
            for arrays in targets.styles[0].kept.values():
                arrays["gram"][:] = np.nan
        return scene, targets

    monkeypatch.setattr(Transfer, "load", poisoned)
    result = run(FullGrid(**parameters(inputs, batch_size=8)))
    assert result.status == luigi.LuigiStatusCode.FAILED
    assert {name.split("/")[1] for name in cells_of(inputs)} == {"ink", "oil"}
    with (report_of(inputs, files(inputs)) / "grid.csv").open(newline="") as file:
        reasons = {row["style"]: row["reason"] for row in csv.DictReader(file) if row["status"] == "failed"}
    assert reasons.keys() == {"white"}
    assert "became nan at evaluation 1" in reasons["white"]


def test_forked_workers_make_batches_too(made):
    for style in ("ink", "oil"):
        shutil.rmtree(made / "outputs/cells/cat" / style)
    finished = luigi_process("--workers", "2", "--batch-size", "2", inputs=made)
    assert "no keras" in finished.stdout, finished.stderr
    assert batch_sizes(made) == [1, 1, 2, 2], finished.stderr
