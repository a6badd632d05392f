"""Folders of pictures and settings to cells, and the identities of cells."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from nstcore import BACKBONES, ConfigError, MemoryShortageError, PictureError, TransferConfig, coloring, presets
from nstcore.losses import LOSSES, Loss
from nstcore.losses.loss import setting
from nstcore.pictures import decoding, limits
from nstcore.pictures.images import write_picture
from pipeline.grid import digest as digest_module
from pipeline.grid import ingredients
from pipeline.grid.digest import ENGINE_VERSION, cell_digest, file_sha256, target_digest
from pipeline.grid.expansion import Grid, expand, reject_bad_pictures
from pipeline.grid.paths import cell_folder, loss_plot_file, pair_stems, picture_name
from pipeline.grid.picture_folder import find_pictures
from pipeline.grid.study import Axis, Choice, Study, varied

WEIGHTS = {name: f"{index:064x}" for index, name in enumerate(BACKBONES)}


@pytest.fixture
def folders(tmp_path):
    random = np.random.default_rng(0)
    for folder, names in (("content", ("b", "a")), ("style", ("z", "y", "x"))):
        (tmp_path / folder).mkdir()
        for name in names:
            write_picture(tmp_path / folder / f"{name}.png", random.integers(0, 256, (90, 100, 3), np.uint8))
    return tmp_path / "content", tmp_path / "style"


def planned(folders, backbones=("vgg19", "vgg16"), **changes):
    """The plan of a study of these folders; `missing` is by backbone."""
    missing = {(backbone, "imagenet"): reason for backbone, reason in changes.pop("missing", {}).items()}
    study = Study(*map(str, folders), backbones=tuple(backbones), **{"settings": {"size": 96}, **changes})
    return expand(study, {(backbone, "imagenet"): sha256 for backbone, sha256 in WEIGHTS.items()}, missing)


def test_a_cell_for_every_content_style_and_backbone_in_a_fixed_order(folders):
    grid = planned(folders)
    assert [(cell.backbone, cell.content, cell.style) for cell in grid.cells] == [
        (backbone, content, style) for backbone in ("vgg19", "vgg16") for content in "ab" for style in "xyz"
    ]
    assert len({cell.digest for cell in grid.cells}) == 12
    assert not grid.rejected


def test_a_plan_survives_its_file(folders):
    layers = {"size": 96, "style_layers": ("block1_conv1",)}
    grid = planned(folders, backbones=("vgg16", "vgg99"), missing={"vgg19": "no mirror"}, settings=layers)
    assert Grid.from_json(grid.to_json()) == grid


def test_a_picture_counts_by_its_bytes_wherever_it_lies(folders, tmp_path):
    before = planned(folders)
    moved = tmp_path / "elsewhere"
    folders[1].rename(moved)
    after = planned((folders[0], moved))
    assert [cell.digest for cell in after.cells] == [cell.digest for cell in before.cells]
    assert after.digest == before.digest


def test_a_changed_byte_changes_the_cells_of_that_picture_alone(folders):
    before = {(cell.content, cell.style, cell.backbone): cell.digest for cell in planned(folders).cells}
    with (folders[1] / "y.png").open("ab") as file:
        file.write(b"!")
    after = {(cell.content, cell.style, cell.backbone): cell.digest for cell in planned(folders).cells}
    assert {names[1] for names in before if before[names] != after[names]} == {"y"}


@pytest.mark.parametrize(
    ("first", "second"), [("z.png", "z.jpg"), ("z.png", "Z.webp"), (f"{'n' * 120}.png", f"{'n' * 120}.jpg")]
)
def test_colliding_names_cost_their_cells_and_name_both_files(folders, first, second):
    for name in (first, second):
        (folders[1] / name).write_bytes((folders[1] / "x.png").read_bytes())
    grid = planned(folders, backbones=("vgg16",))
    assert {cell.style for cell in grid.cells} <= {"x", "y", "z"} - {picture_name(folders[1] / first)}
    assert len(grid.rejected) == 2
    assert all(first in cell.reason and second in cell.reason for cell in grid.rejected)


def test_only_pictures_count(folders):
    for name in ("notes.txt", ".hidden.png", "README", "x.png.part"):
        (folders[1] / name).write_bytes(b"x")
    (folders[1] / "more.PNG").write_bytes(b"x")
    assert list(find_pictures(folders[1]).pictures) == ["more", "x", "y", "z"]


@pytest.mark.parametrize("make", [lambda folder: None, lambda folder: folder.mkdir()])
def test_no_pictures_is_one_line_with_the_folder(tmp_path, make):
    make(tmp_path / "none")
    with pytest.raises(PictureError, match=r"none: no (such folder|pictures in this folder)"):
        find_pictures(tmp_path / "none")


def test_a_backbone_that_does_not_exist_costs_its_own_cells(folders):
    grid = planned(folders, backbones=("vgg16", "alexnet"))
    assert len(grid.cells) == 6
    assert {cell.backbone for cell in grid.rejected} == {"alexnet"}
    assert ", ".join(BACKBONES) in grid.rejected[0].reason


def test_a_bad_setting_costs_every_cell_with_its_reason(folders):
    grid = planned(folders, settings={"style_weight": -1.0})
    assert not grid.cells
    assert {cell.reason for cell in grid.rejected} == {
        "style_weight must be a finite number >= 0. Received: style_weight=-1.0"
    }


def test_a_missing_backbone_has_no_cells_and_another_digest(folders):
    whole, skipped = planned(folders), planned(folders, missing={"vgg16": "no mirror"})
    assert {cell.backbone for cell in skipped.cells} == {"vgg19"}
    assert whole.digest != skipped.digest


@pytest.mark.parametrize("backbones", [(), ("vgg16", "vgg16")])
def test_backbones_are_different_names(folders, backbones):
    with pytest.raises(ConfigError, match="different names"):
        planned(folders, backbones=backbones)


def test_pictures_are_checked_for_what_each_backbone_needs(folders):
    write_picture(folders[0] / "narrow.png", np.zeros((60, 90, 3), np.uint8))
    grid = reject_bad_pictures(planned(folders, backbones=("vgg16", "inceptionv3")))
    assert {(cell.content, cell.backbone) for cell in grid.rejected} == {("narrow", "inceptionv3")}
    assert "needs at least 75" in grid.rejected[0].reason
    assert len(grid.cells) == 3 * 3 + 2 * 3


def test_a_picture_that_changes_after_planning_is_not_used(folders):
    cell = planned(folders).cells[0]
    assert cell.load_picture("style").shape == (86, 96, 3)
    write_picture(folders[1] / f"{cell.style}.png", np.zeros((90, 100, 3), np.uint8))
    with pytest.raises(PictureError, match="changed while the grid was running"):
        cell.load_picture("style")


def test_a_picture_that_is_read_reduced_is_another(folders, monkeypatch):
    """Its pixels are not quite those that older cells were made from."""
    Image.effect_noise((400, 300), 50).save(folders[0] / "large.jpg")
    before = planned(folders, backbones=("vgg16",))
    monkeypatch.setattr(decoding, "LARGE", 400 * 300 - 1)
    ingredients._reading_scale.cache_clear()
    unchanged = planned(folders, backbones=("vgg16",))
    assert unchanged == before  # 96 px are too large a part of it
    reduced = planned(folders, backbones=("vgg16",), settings={"size": 48})
    cells = {cell.content: cell for cell in reduced.cells}
    assert cells["large"].content_sha256 == f"{file_sha256(folders[0] / 'large.jpg')} at 1/2"
    assert cells["a"].content_sha256 == file_sha256(folders[0] / "a.png")
    assert cells["large"].load_picture("content").shape == (36, 48, 3)
    ingredients._reading_scale.cache_clear()


def test_a_picture_for_which_memory_is_short_is_left_to_its_turn(folders, monkeypatch):
    monkeypatch.setattr(limits, "free_main_memory", lambda: 100)
    grid = reject_bad_pictures(planned(folders))
    assert not grid.rejected
    assert {(cell.height, cell.batch) for cell in grid.cells} == {(0, "")}
    with pytest.raises(MemoryShortageError):
        grid.cells[0].load_picture("content")


CHANGES = {
    "backbone": "vgg16",
    "pooling": "avg",
    "content_layers": ("block3_conv1",),
    "style_layers": ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv2"),
    "style_layer_weights": (1.0, 1.0, 1.0, 1.0, 1.0),
    "content_weight": 2.0,
    "style_weight": 2.0,
    "total_variation_weight": 2.0,
    "style_normalization": "gatys",
    "total_variation": "squared",
    "size": 300,
    "style_scale": 0.5,
    "init": "noise",
    "seed": 1,
    "optimizer": "lbfgs",
    "pixel_range": "free",
    "iterations": 7,
    "precision": "bfloat16",
    "coarse_sizes": (128,),
    "losses": {"gram": {"weight": 2.0}},
    "optimizer_settings": {"history": 5},
    "parametrization": "fourier",
    "fourier_exponent": 1.0,
    "fourier_colors": "decorrelated",
    "stop_change": 1e-4,
    "stop_over": 10,
    "time_limit": 60.0,
    "color": "luminance",
    "init_noise": 0.5,
    "padding": "reflect",
    "filters": "normalized",
    "content_backbone": "vgg16",
}
# Settings that may only be changed where another one has a certain value.
GIVEN = {
    "fourier_exponent": {"parametrization": "fourier"},
    "fourier_colors": {"parametrization": "fourier"},
    "stop_over": {"stop_change": 1e-4},
}


def test_every_setting_is_known_to_this_table():
    names = {field.name for field in dataclasses.fields(TransferConfig)}
    assert names - CHANGES.keys() == {"weights"}  # by its checksum


@pytest.mark.parametrize("name", CHANGES)
def test_every_setting_is_part_of_a_cells_identity(name):
    base = TransferConfig(**GIVEN.get(name, {}))
    assert cell_digest("c", "s", "w", base) != cell_digest(
        "c", "s", "w", dataclasses.replace(base, **{name: CHANGES[name]})
    )


def test_a_start_counts_by_its_bytes(tmp_path):
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    first.write_bytes(b"one")
    second.write_bytes(b"one")
    one, same = (cell_digest("c", "s", "w", TransferConfig(init=str(path))) for path in (first, second))
    assert one == same != cell_digest("c", "s", "w", TransferConfig())
    second.write_bytes(b"another")
    assert cell_digest("c", "s", "w", TransferConfig(init=str(second))) != one
    with pytest.raises(PictureError, match=r"gone\.png: cannot be read"):
        cell_digest("c", "s", "w", TransferConfig(init=str(tmp_path / "gone.png")))


def test_identity_covers_pictures_in_their_roles_and_weights_by_checksum():
    base = TransferConfig()
    digests = {
        cell_digest(*sums, base) for sums in (("c", "s", "w"), ("s", "c", "w"), ("c", "s", "v"), ("c", "t", "w"))
    }
    assert len(digests) == 4
    named = dataclasses.replace(base, weights="/some/where/vgg19.weights.h5")
    assert cell_digest("c", "s", "w", named) == cell_digest("c", "s", "w", base)


@pytest.mark.parametrize("backbone", ["resnet50", "inceptionv3"])
def test_cells_of_defaults_as_they_were_keep_their_identity_and_are_not_taken_for_those_of_today(backbone):
    """The preset sets what changed, so that an old cell is what its own settings say."""
    old, today = TransferConfig(backbone=backbone), presets.get("balanced", backbone=backbone)
    assert cell_digest("c", "s", "w", old) != cell_digest("c", "s", "w", today)
    changed = ("parametrization", "style_layers", "content_layers", "style_weight")
    restored = dataclasses.replace(today, **{name: getattr(old, name) for name in changed})
    assert cell_digest("c", "s", "w", restored) == cell_digest("c", "s", "w", old)


def test_what_is_left_to_a_default_and_the_same_said_aloud_are_one_cell():
    base = TransferConfig()
    assert cell_digest("c", "s", "w", base) == cell_digest("c", "s", "w", base.resolved())


def test_targets_are_shared_by_cells_that_differ_in_the_optimization_alone():
    of_content = {"content_layers", "content_backbone"}
    shaping = {"backbone", "pooling", "padding", "filters", "style_layers", "size", "style_scale", *of_content}
    for name, value in CHANGES.items():
        base = TransferConfig(**GIVEN.get(name, {}))
        changed = dataclasses.replace(base, **{name: value})
        for role in ("content", "style"):
            shapes = name in shaping - (of_content if role == "style" else {"style_scale"})
            assert (target_digest("p", "w", role, changed) != target_digest("p", "w", role, base)) == shapes, name


@dataclasses.dataclass(frozen=True, kw_only=True)
class Patches(Loss):
    """A loss whose author declared nothing but that its weight of surprise is a factor."""

    side: int = 3
    surprise: float = setting(1.0, shapes=())

    reads: ClassVar = "style"


def test_a_setting_of_a_new_loss_is_in_the_digest_of_its_targets_by_itself(monkeypatch):
    monkeypatch.setitem(LOSSES, "patches", Patches)

    def digest(**settings):
        config = TransferConfig(losses={"patches": {"layers": ("block1_conv1",), **settings}})
        return target_digest("p", "w", "style", config)

    assert digest() != target_digest("p", "w", "style", TransferConfig())
    assert digest(side=5) != digest()
    assert digest(surprise=2.0) == digest(weight=3.0) == digest()
    before = digest()
    monkeypatch.setattr(Patches, "version", 2)
    digest_module._settings_of.cache_clear()
    assert digest() != before


def test_cells_of_a_loss_that_keeps_positions_are_batched_style_by_style(folders):
    def batches(**losses):
        study = {"backbones": ("vgg16",), "settings": {"losses": losses}}
        cells = reject_bad_pictures(planned(folders, **study)).cells
        assert all(cell.batch for cell in cells)
        return len({cell.batch for cell in cells}), len({cell.style for cell in cells})

    layers = {"layers": ("block1_conv1",)}
    assert batches(nearest_neighbors=layers)[0] == 1
    for losses in ({"earth_movers": layers}, {"nearest_neighbors": {**layers, "fixed": False}}):
        of_cells, styles = batches(**losses)
        assert of_cells == styles > 1


FIRST_SETTINGS = (
    *("backbone", "pooling", "content_layers", "style_layers", "style_layer_weights", "content_weight", "style_weight"),
    *("total_variation_weight", "style_normalization", "total_variation", "size", "coarse_sizes", "init", "seed"),
    *("optimizer", "pixel_range", "iterations", "precision"),
)


def test_cells_of_matched_colors_are_made_anew_where_those_are_others(monkeypatch):
    kinds = ("style", "luminance", "match", "match-histogram", "style-hues")
    configs = {kind: TransferConfig(color=kind) for kind in kinds}
    now = {kind: cell_digest("c", "s", "w", config) for kind, config in configs.items()}
    monkeypatch.setattr(coloring, "_VERSIONS", {})  # as it was at first
    before = {kind: cell_digest("c", "s", "w", config) for kind, config in configs.items()}
    assert {kind for kind in kinds if now[kind] != before[kind]} == {"match", "match-histogram"}


def test_settings_that_came_later_leave_the_digests_of_older_cells_alone():
    settings = TransferConfig().resolved().to_dict()
    old = {name: settings[name] for name in FIRST_SETTINGS}
    parts = {"content": "c", "style": "s", "weights": "w", "config": old, "engine": ENGINE_VERSION}
    expected = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
    assert cell_digest("c", "s", "w", TransferConfig()) == expected


def test_a_files_checksum_follows_its_bytes(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"one")
    first = file_sha256(path)
    assert first == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    path.write_bytes(b"two")
    assert file_sha256(path) != first


def test_long_names_stay_apart_and_fit_a_file_system(tmp_path):
    names = [picture_name(tmp_path / f"{'ü' * 100}{end}.png") for end in "ab"]
    assert names[0] != names[1]
    pairs = [(names[0], names[1]), (f"{names[0]}--", names[1]), (names[0], f"--{names[1]}")]
    for stem in pair_stems(pairs).values():
        plot = loss_plot_file(tmp_path, stem)
        plot.parent.mkdir(exist_ok=True)
        plot.touch()
    cell_folder(tmp_path, *names, "inceptionv3", "0" * 16).mkdir(parents=True)


def test_only_pairs_whose_names_join_to_one_get_a_checksum():
    ordinary = [("a", "c"), ("a--b", "b--c"), ("a-", "-b"), ("A", "b"), ("my--cat", "oil")]
    assert pair_stems(ordinary) == {pair: "--".join(pair) for pair in ordinary}
    alike = [("a--b", "c"), ("a", "b--c"), ("A", "b--C"), ("x-", "y"), ("x", "-y")]
    stems = pair_stems([*ordinary, *alike])
    assert [stems[pair] for pair in ordinary] == ["--".join(pair) for pair in ordinary]
    assert [stems[pair].rpartition("-")[0] for pair in alike] == ["--".join(pair) for pair in alike]
    assert len({stem.casefold() for stem in stems.values()}) == len(stems)
    assert pair_stems(alike[:2]).items() <= stems.items()  # whatever else there is


def test_what_a_study_varies_makes_cells_of_their_own(folders):
    axes = (varied("style_weight", [10, 40]), varied("pooling", ["max", "avg"]))
    grid = planned(folders, backbones=("vgg16",), axes=axes)
    assert len(grid.cells) == 2 * 2 * 6
    assert len({cell.digest for cell in grid.cells}) == 24
    assert [cell.series.label for cell in grid.cells[::6]] == [
        f"VGG16, style_weight {weight}, pooling {pooling}" for weight in (10, 40) for pooling in ("max", "avg")
    ]
    assert {cell.config.style_weight for cell in grid.cells if dict(cell.variant)["style_weight"] == "10"} == {10.0}
    assert Grid.from_json(grid.to_json()) == grid


def test_a_cell_is_the_same_in_every_study_that_asks_for_it(folders):
    alone = {cell.digest for cell in planned(folders, settings={"size": 96, "pooling": "avg"}).cells}
    swept = planned(folders, axes=(varied("pooling", ["max", "avg"]),))
    assert {cell.digest for cell in swept.cells if cell.variant == (("pooling", "avg"),)} == alone


def test_a_value_that_one_backbone_cannot_take_costs_its_cells_there(folders):
    grid = planned(folders, backbones=("vgg16", "inceptionv3"), axes=(varied("size", [64, 96]),))
    assert {(cell.backbone, cell.variant) for cell in grid.rejected} == {("inceptionv3", (("size", "64"),))}
    assert len(grid.cells) == 18


def test_a_case_with_its_own_backbone_is_for_that_one(folders):
    cases = Axis("case", (Choice("a", {}), Choice("b", {"backbone": "resnet50"})))
    grid = planned(folders, backbones=("vgg16",), axes=(cases,))
    assert {cell.series.label for cell in grid.cells} == {"VGG16, case a", "ResNet50, case b"}


def test_a_content_that_is_seen_through_a_network_of_its_own_counts_its_weights_too(folders):
    settings = {"size": 96, "content_backbone": "resnet50"}
    cells = planned(folders, settings=settings).cells
    assert {cell.weights_sha256 for cell in cells} == {WEIGHTS["vgg19"], WEIGHTS["vgg16"]}
    assert {cell.content_weights_sha256 for cell in cells} == {WEIGHTS["resnet50"]}
    assert len({cell.digest for cell in cells}) == 12
    assert cells[0].config.content_layers == presets.get("balanced", backbone="resnet50").content_layers != ()
    (cell, other), identities = cells[:2], WEIGHTS["vgg19"] + "+" + WEIGHTS["resnet50"]
    assert cell.weights_identity("content") == identities
    assert cell.digest == cell_digest(cell.content_sha256, cell.style_sha256, identities, cell.config)
    # A style is seen through one network: it shares its targets with cells that see the content through the same.
    plain = planned(folders).cells[0]
    assert cell.weights_identity("style") == plain.weights_identity("style") == plain.weights_identity("content")
    assert target_digest("s", cell.weights_sha256, "style", cell.config) == target_digest(
        "s", plain.weights_sha256, "style", plain.config
    )
    assert cell.batch == other.batch == ""
    grid = planned(folders, settings=settings, missing={"resnet50": "no mirror"})
    assert not grid.cells
    assert {cell.reason for cell in grid.rejected} == {"no mirror"}
    assert Grid.from_json(grid.to_json()) == grid
    # Named as it is anyway, it is the same cell.
    aloud = planned(folders, backbones=("vgg19",), settings={"size": 96, "content_backbone": "vgg19"})
    assert [cell.digest for cell in aloud.cells] == [cell.digest for cell in planned(folders, ("vgg19",)).cells]


def test_a_study_needs_the_networks_of_its_contents_and_any_other_that_keras_has(monkeypatch):
    axes = (varied("content_backbone", ["", "resnet50", "vgg16", "nonsense"]),)
    study = Study(backbones=("vgg16", "densenet121", "alexnet"), axes=axes)
    assert {name for name, _ in study.networks()} == {"vgg16", "densenet121", "resnet50"}
    study = Study(backbones=("vgg16",), settings={"content_backbone": "xception", "weights": "random"})
    assert study.networks() == [("vgg16", "random"), ("xception", "random")]


def test_a_study_may_name_its_pictures(folders):
    grid = planned(folders, contents=("b",), styles=("z", "x"), backbones=("vgg16",))
    assert [(cell.content, cell.style) for cell in grid.cells] == [("b", "z"), ("b", "x")]
    with pytest.raises(PictureError, match="no picture named q there; it has a, b"):
        planned(folders, contents=("q",))


def test_cells_of_a_missing_network_are_skipped_with_the_reason(folders):
    grid = planned(folders, missing={"vgg16": "no mirror"})
    assert {(cell.backbone, cell.skipped, cell.reason) for cell in grid.rejected} == {("vgg16", True, "no mirror")}
    assert grid.missing == {"vgg16": "no mirror"}
