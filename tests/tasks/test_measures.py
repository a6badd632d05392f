"""The measures of a grid through Luigi, in process: taken once, of finished cells, by the judges that are at hand."""

from __future__ import annotations

import csv
import json
import warnings
from pathlib import Path

import luigi
import numpy as np
import pytest

from nstcore import WeightsError
from nstcore.networks import weights
from nstcore.networks.backbones import get_backbone
from nstcore.networks.weights import Provenance
from nstcore.networks.weights.network import assign, shapes_of
from nstcore.networks.weights.random_weights import random_arrays
from nstcore.pictures.images import write_picture
from pipeline.measures import formulas, judges
from pipeline.measures.names import MEASURES
from tasks import FullGrid, MeasureCell

pytestmark = pytest.mark.usefixtures("blank_figures")

NAMES = [measure.name for measure in MEASURES]


@pytest.fixture(scope="session")
def weights_file(tmp_path_factory):
    """A user's file of VGG16's weights: not trained, but not known as random either."""
    network = get_backbone("vgg16").build()
    assign(network, random_arrays(shapes_of(network)))
    path = tmp_path_factory.mktemp("weights") / "vgg16.weights.h5"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Keras' own, with NumPy 2
        network.save_weights(path)
    return path


@pytest.fixture
def inputs(tmp_path, blotches):
    for folder, names in (("content", ("bridge",)), ("style", ("ink", "oil"))):
        (tmp_path / folder).mkdir()
        for name in names:
            write_picture(tmp_path / folder / f"{name}.png", blotches(sum(name.encode()), 90, 110))
    return tmp_path


class Judging:
    """Stands in for the networks: says whose weights are at hand, and counts how often a picture is measured."""

    def __init__(self, missing=()):
        self.missing, self.fetched, self.measured, self.values = set(missing), [], 0, "one"

    def locate(self, network):
        return None if network in self.missing else Provenance(network, "a test", "", f"{network} {self.values}")

    def fetch(self, network):
        self.fetched.append(network)
        if network in self.missing:
            raise WeightsError(f"no weights for {network}: no network")
        return self.locate(network)

    def bench(self):
        judges._bench.cache_clear()
        return judges._bench(())

    def measure(self, made, content, style, absent):
        assert made.shape == content.shape
        self.measured += 1
        values = {name: float(place) for place, name in enumerate(NAMES)}
        reasons = {name: reason for network, reason in absent.items() for name in NAMES if name.endswith(network)}
        kept = {name: value for name, value in values.items() if name not in reasons}
        return formulas.Measured(kept, reasons, {network: {} for network in judges.NETWORKS if network not in absent})


@pytest.fixture
def judging(monkeypatch):
    stand_in = Judging()
    for name in ("locate", "fetch", "bench"):
        monkeypatch.setattr(judges, name, getattr(stand_in, name))
    monkeypatch.setattr(formulas, "measure", stand_in.measure)
    yield stand_in
    judges._bench.cache_clear()


def run_grid(run, inputs, weights_file, **others):
    settings = {"style_layers": ["block1_conv1", "block2_conv1"], "content_layers": ["block2_conv2"]}
    values = {"backbones": "vgg16", "size": 64, "iterations": 2, "weights": str(weights_file), "settings": settings}
    folders = {f"{kind}_dir": str(inputs / kind) for kind in ("content", "style")}
    return run(FullGrid(**{**values, **folders, "output_dir": str(inputs / "outputs"), **others}))


def rows(inputs) -> list[dict[str, str]]:
    (table,) = (inputs / "outputs").rglob("grid.csv")
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def records(inputs) -> list[Path]:
    return sorted((inputs / "outputs" / "measures").rglob("*.json"))


def test_every_finished_cell_is_measured_once(inputs, weights_file, judging, run):
    assert run_grid(run, inputs, weights_file).status == luigi.LuigiStatusCode.SUCCESS
    assert judging.measured == 2
    for row in rows(inputs):
        assert [float(row[name]) for name in NAMES] == list(range(len(NAMES)))
        assert row["unmeasured"] == ""
    for path, style in zip(records(inputs), ("ink", "oil"), strict=True):
        record = json.loads(path.read_text())
        assert path.parent == inputs / "outputs/measures/bridge" / style
        assert record["digest"] in path.name
        assert record["measures_version"] == formulas.MEASURES_VERSION
        assert record["judges"].keys() == set(judges.NETWORKS)
        assert "keras" in record["versions"]
    again = run_grid(run, inputs, weights_file)
    assert "Did not run any tasks" in again.summary_text
    assert judging.measured == 2


def test_measures_answer_for_their_judges_and_their_version(inputs, run, weights_file, judging, monkeypatch):
    run_grid(run, inputs, weights_file)
    judging.values = "other"
    run_grid(run, inputs, weights_file)
    assert judging.measured == 4
    monkeypatch.setattr(formulas, "MEASURES_VERSION", "next")
    run_grid(run, inputs, weights_file)
    assert judging.measured == 6
    assert len(records(inputs)) == 6  # those of other judges stay, as cells of other settings do


def test_a_judge_that_cannot_be_had_costs_its_own_measures_and_is_looked_for_again(inputs, weights_file, judging, run):
    judging.missing = {"efficientnet_lite0"}
    assert run_grid(run, inputs, weights_file).status == luigi.LuigiStatusCode.SUCCESS
    for row in rows(inputs):
        assert row["style_efficientnet_lite0"] == row["content_efficientnet_lite0"] == ""
        assert row["ssim"] != ""
        reason = (
            "style_efficientnet_lite0, content_efficientnet_lite0, slices_efficientnet_lite0, "
            "coverage_efficientnet_lite0: no weights for efficientnet_lite0: no network"
        )
        assert row["unmeasured"] == reason
    before = {path: path.stat().st_mtime_ns for path in records(inputs)}
    run_grid(run, inputs, weights_file)
    assert judging.fetched == ["efficientnet_lite0"] * 2
    assert judging.measured == 2
    assert {path: path.stat().st_mtime_ns for path in records(inputs)} == before
    judging.missing = set()
    run_grid(run, inputs, weights_file)
    assert judging.measured == 4
    assert all(row["style_efficientnet_lite0"] and not row["unmeasured"] for row in rows(inputs))


def test_a_cell_without_a_picture_has_no_measures(inputs, weights_file, judging, run):
    (inputs / "style/ink.png").write_bytes(b"")
    assert run_grid(run, inputs, weights_file).status == luigi.LuigiStatusCode.FAILED
    by_style = {row["style"]: row for row in rows(inputs)}
    assert (by_style["ink"]["ssim"], by_style["ink"]["unmeasured"]) == ("", "")
    assert by_style["oil"]["ssim"] != ""
    assert judging.measured == 1


def test_what_goes_wrong_while_measuring_costs_no_picture(inputs, run, weights_file, judging, monkeypatch):
    def broken(*_):
        raise WeightsError("the judge is ill")

    monkeypatch.setattr(formulas, "measure", broken)
    assert run_grid(run, inputs, weights_file).status == luigi.LuigiStatusCode.SUCCESS
    assert {(row["status"], row["unmeasured"], row["lpips"]) for row in rows(inputs)} == {
        ("done", "the judge is ill", "")
    }


def test_all_pictures_of_a_backbone_are_measured_in_one_task_and_fail_alone(
    inputs, run, weights_file, judging, monkeypatch
):
    joined, run_task, measure, made = [], MeasureCell.run, formulas.measure, []

    def noted(self):
        joined.append(sorted(cell.style for cell in self.cells))
        run_task(self)

    def broken_for_the_first(*arguments):
        made.append(arguments)
        if len(made) == 1:
            raise WeightsError("the judge is ill")
        return measure(*arguments)

    monkeypatch.setattr(MeasureCell, "run", noted)
    monkeypatch.setattr(formulas, "measure", broken_for_the_first)
    assert run_grid(run, inputs, weights_file).status == luigi.LuigiStatusCode.SUCCESS
    assert joined == [["ink", "oil"]]
    assert sorted(row["unmeasured"] for row in rows(inputs)) == ["", "the judge is ill"]
    assert len(records(inputs)) == 2  # measures, and why there are none
    run_grid(run, inputs, weights_file)
    assert len(joined[1]) == 1
    assert [row["unmeasured"] for row in rows(inputs)] == ["", ""]


def test_pictures_of_random_weights_are_not_measured(inputs, weights_file, judging, run):
    run_grid(run, inputs, "random")
    assert judging.measured == 0
    assert judging.fetched == []
    assert {row["unmeasured"] for row in rows(inputs)} == {weights.random_weights.RANDOM_NOTE}


@pytest.mark.pretrained
def test_the_real_judges_measure_a_real_cell(inputs, run):
    result = run_grid(run, inputs, "imagenet", iterations=10, settings={})
    assert result.status == luigi.LuigiStatusCode.SUCCESS
    for row in rows(inputs):
        values = {name: float(row[name]) for name in NAMES}
        assert np.isfinite(list(values.values())).all()
        assert 0 < values["style_vgg19"] < 1
        assert 0 < values["lpips"] < 1
