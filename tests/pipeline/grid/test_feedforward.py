"""Methods of a grid: what they leave as it was, and what a network of a plan depends on."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from nstcore import ConfigError
from nstcore.feedforward.settings import SIZES
from nstcore.feedforward.training_settings import TrainingSettings
from nstcore.pictures.images import write_picture
from pipeline.grid.expansion import Grid, expand
from pipeline.grid.feedforward import Training
from pipeline.grid.series import Series, series_order
from pipeline.grid.study import Study, read_study, varied
from pipeline.outputs.states import lineage

WEIGHTS = {("vgg16", "imagenet"): "1" * 64, ("vgg19", "imagenet"): "2" * 64}
BOTH = ("optimize", "feedforward")


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(0)
    for name in ("content/a", "content/b", "style/x", "style/y", "photographs/1", "photographs/2"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_picture(tmp_path / f"{name}.png", random.integers(0, 256, (90, 100, 3), np.uint8))
    return tmp_path


def study(folder, training=None, **others):
    if others.get("methods", ("optimize",)) != ("optimize",):
        others["training"] = Training.of({"photographs_dir": str(folder / "photographs"), **(training or {})})
    settings = {"size": 96, **others.pop("settings", {})}
    backbones = ("vgg16", "vgg19")
    return Study(str(folder / "content"), str(folder / "style"), backbones=backbones, settings=settings, **others)


def planned(folder, training=None, **others):
    return expand(study(folder, training, **others), WEIGHTS, {})


def networks(folder, training=None, **others):
    """The digests of the networks of a plan, by style and backbone."""
    cells = planned(folder, training, methods=BOTH, **others).cells
    return {(cell.style, cell.backbone): cell.network.digest for cell in cells if cell.network}


def test_the_cells_of_the_usual_method_are_what_they_were_without_another(folder):
    plain, both = planned(folder), planned(folder, methods=BOTH)
    assert tuple(cell for cell in both.cells if cell.method == "optimize") == plain.cells
    assert len(both.cells) == 2 * len(plain.cells)
    assert len({cell.digest for cell in both.cells}) == len(both.cells)
    assert both.digest != plain.digest


def test_a_plan_of_the_usual_method_says_nothing_of_methods(folder):
    """Nor do its digest and its file, which are those of before there were methods."""
    grid = planned(folder)
    text = grid.to_json()
    assert "method" not in text
    assert '"network"' not in text
    assert grid.digest == planned(folder, methods=("optimize",)).digest
    assert "methods" not in grid.settings


def test_a_plan_with_networks_survives_its_file(folder):
    grid = planned(folder, {"steps": 7, "strides": [2, 2]}, methods=BOTH, settings={"color": "style"})
    again = Grid.from_json(grid.to_json())
    assert again == grid
    assert again.answers(grid)
    assert {cell.method for cell in again.cells} == {*BOTH}
    assert Series("vgg16", method="feedforward") in again.series
    rejected = planned(folder, methods=BOTH, settings={"color": "match"})
    assert {cell.method for cell in rejected.rejected} == {"feedforward"}
    assert Grid.from_json(rejected.to_json()) == rejected


def test_a_network_is_shared_by_all_contents_of_a_style(folder):
    cells = [cell for cell in planned(folder, methods=BOTH).cells if cell.network]
    assert len({cell.network.digest for cell in cells}) == 4
    assert all(one.network == other.network for one in cells for other in cells if _kind(one) == _kind(other))


def _kind(cell):
    return cell.style, cell.backbone


def test_a_network_depends_on_what_shapes_it_alone(folder):
    first = networks(folder)
    for training in ({"steps": 3}, {"width": 8}, {"upsampling": "transposed"}, {"batch": 3}, {"seed": 4}):
        assert not set(networks(folder, training).values()) & set(first.values()), training
    for settings in ({"style_weight": 3}, {"size": 80}, {"pooling": "avg"}, {"losses": {"moments": {"weight": 1}}}):
        if "losses" in settings:
            settings = {"losses": {"mean_variance": {"weight": 0.5, "layers": ["block1_conv1"]}}}
        assert not set(networks(folder, settings=settings).values()) & set(first.values()), settings
    for settings in ({"iterations": 3}, {"optimizer": "adam"}, {"init": "noise"}, {"seed": 9}, {"time_limit": 5}):
        assert networks(folder, settings=settings) == first, settings


def test_a_changed_style_or_photograph_is_another_network(folder):
    first = networks(folder)
    write_picture(folder / "style" / "x.png", np.zeros((90, 100, 3), np.uint8))
    changed = networks(folder)
    assert {key for key in first if first[key] != changed[key]} == {("x", "vgg16"), ("x", "vgg19")}
    write_picture(folder / "photographs" / "1.png", np.zeros((90, 100, 3), np.uint8))
    assert not set(networks(folder).values()) & set(changed.values())


def test_a_cell_depends_on_its_content_and_its_network(folder):
    def digests():
        return {(cell.content, *_kind(cell)): cell.digest for cell in planned(folder, methods=("feedforward",)).cells}

    first = digests()
    write_picture(folder / "content" / "a.png", np.zeros((90, 100, 3), np.uint8))
    assert {key[0] for key, digest in digests().items() if digest != first[key]} == {"a"}


def test_a_refined_cell_depends_on_its_network_and_its_way_but_on_no_other_start(folder):
    def digests(training=None, **settings):
        return {cell.digest for cell in planned(folder, training, methods=("refine",), settings=settings).cells}

    first = digests()
    assert len(first) == 8
    for settings in ({"init": "noise"}, {"coarse_sizes": [64]}, {"init_noise": 0.5}):
        assert digests(**settings) == first, settings
    for settings in ({"iterations": 3}, {"optimizer": "adam"}, {"style_weight": 3}, {"pixel_range": "free"}):
        assert not digests(**settings) & first, settings
    assert not digests({"steps": 3}) & first
    both = planned(folder, methods=("feedforward", "refine")).cells
    assert len({cell.digest for cell in both}) == len(both)
    assert lineage(both[0]) != lineage(planned(folder).cells[0])


def test_a_preset_brings_its_network_and_its_training_and_what_is_named_comes_first():
    config = study_config(256)
    resolved = Training().resolved("johnson2016", config)
    assert dataclasses.replace(SIZES["johnson"], upsampling="transposed") == resolved.network_settings()
    assert resolved.training_settings().steps == 40_000
    named = Training.of({"network": "small", "steps": 5}).resolved("johnson2016", config)
    assert named.network_settings() == SIZES["small"]
    assert (named.training_settings().steps, named.training_settings().batch) == (5, 4)


def test_a_crop_that_is_not_asked_for_is_no_larger_than_the_pictures():
    assert Training().resolved("balanced", study_config(96)).training_settings().crop == 96
    assert Training().resolved("balanced", study_config(512)).training_settings().crop == TrainingSettings.crop


def study_config(size):
    from nstcore import TransferConfig

    return TransferConfig(size=size)


def test_a_sweep_crosses_methods_too(folder):
    grid = planned(folder, methods=BOTH, axes=(varied("style_weight", [5, 40]),))
    assert len(grid.cells) == study(folder, methods=BOTH, axes=(varied("style_weight", [5, 40]),)).cells_per_pair() * 4
    labels = [series.label for series in grid.series]
    assert labels[:4] == [
        "VGG16, style_weight 5",
        "VGG16, feed-forward, style_weight 5",
        "VGG16, style_weight 40",
        "VGG16, feed-forward, style_weight 40",
    ]
    assert len({series.file_stem for series in grid.series}) == len(grid.series)
    assert sorted(grid.series, key=series_order) == list(grid.series)


def test_a_study_reads_methods_and_training(folder):
    path = folder / "study.toml"
    path.write_text(
        'methods = ["feedforward"]\n[training]\nnetwork = "johnson"\nsteps = 9\nupsampling = "transposed"\n',
        encoding="utf-8",
    )
    found = read_study(path)
    assert found.methods == ("feedforward",)
    assert found.training == Training(network="johnson", settings={"steps": 9, "upsampling": "transposed"})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('methods = "feedforward"', "methods must be a list of names"),
        (
            'methods = ["optimize", "optimize"]',
            "methods must be one or more different ones of optimize, feedforward, refine",
        ),
        ("[training]\nsteps = 3", "how networks are trained is set where there are some. "),
        ('methods = ["feedforward"]\ntraining = 3', "training must be names with values"),
        ('methods = ["feedforward"]\n[training]\nsteps = 0', "steps and minutes are both 0"),
        ('methods = ["feedforward"]\n[training]\nsteps = 0\nminutes = 3', "the training of a grid is counted in steps"),
        (
            'methods = ["feedforward"]\n[training]\ncheckpoint_seconds = 3',
            "checkpoint_seconds is --state-every in a grid",
        ),
        ('methods = ["feedforward"]\n[training]\nstride = 3', "unknown setting of training; expected some of "),
    ],
)
def test_a_study_that_contradicts_itself_is_one_line(folder, text, line):
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        read_study(path)
    assert str(refused.value).startswith(f"{path}: {line}")
    assert "\n" not in str(refused.value)


def test_a_network_that_changes_nothing_is_not_written_into_a_cell(folder):
    cell = planned(folder).cells[0]
    assert "network" not in cell.to_dict()
    assert json.loads(json.dumps(cell.to_dict()))["config"] == json.loads(json.dumps(cell.config.to_dict()))
