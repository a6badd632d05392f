"""Mixtures and maps of regions in the folders of a grid: what they are taken for, and what a cell's identity covers."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from nstcore import PictureError, TransferConfig
from nstcore.losses import LOSSES
from nstcore.losses.gram import Gram
from nstcore.pictures.images import write_picture
from pipeline.grid.cell import Cell
from pipeline.grid.expansion import Grid, expand, reject_bad_pictures
from pipeline.grid.picture_folder import find_pictures
from pipeline.grid.study import Study

MIXTURE = """
[[style]]
picture = "x.png"
weight = 3
[[style]]
picture = "parts/y.png"
scale = 0.5
"""
REGIONS = MIXTURE.replace("scale = 0.5", 'region = "#00f"')


def painted(width: int = 100) -> np.ndarray:
    picture = np.full((90, width, 3), (255, 0, 0), np.uint8)
    picture[:, width // 2 :] = (0, 0, 255)
    return picture


@pytest.fixture
def folders(tmp_path, blotches):
    """Two contents; a style, a mixture of it and of one in a folder of its own."""
    (tmp_path / "style/parts").mkdir(parents=True)
    (tmp_path / "content").mkdir()
    for seed, name in enumerate(("content/a", "content/b", "style/x", "style/parts/y")):
        write_picture(tmp_path / f"{name}.png", blotches(seed, 90, 100))
    (tmp_path / "style/mix.toml").write_text(MIXTURE)
    return tmp_path


def planned(folders: Path, **settings: object) -> Grid:
    study = Study(
        str(folders / "content"), str(folders / "style"), backbones=("vgg16",), settings={"size": 96, **settings}
    )
    return expand(study, {("vgg16", "imagenet"): "0" * 64}, {})


def cells(grid: Grid) -> dict[tuple[str, str], Cell]:
    return {(cell.content, cell.style): cell for cell in grid.cells}


def digests(folders: Path) -> dict[tuple[str, str], str]:
    return {pair: cell.digest for pair, cell in cells(planned(folders)).items()}


def test_a_map_is_no_picture_and_a_mixture_is_one_among_styles(folders):
    for name in ("x.regions.png", "gone.regions.png"):
        write_picture(folders / "style" / name, painted())
    found = find_pictures(folders / "style", mixtures=True)
    assert list(found.pictures) == ["mix", "x"]
    assert found.passed_over == ("gone.regions.png (a map of regions without its picture)", "parts (a folder)")
    assert list(find_pictures(folders / "style").pictures) == ["x"]


def test_a_mixture_is_a_style_that_knows_its_pictures(folders):
    grid = planned(folders)
    found = cells(grid)
    assert set(found) == {(content, style) for content in "ab" for style in ("x", "mix")}
    mixed, plain = found["a", "mix"], found["a", "x"]
    assert plain.ingredients is None
    assert [style.picture.path for style in mixed.styles] == [
        str(folders / "style/x.png"),
        str(folders / "style/parts/y.png"),
    ]
    assert mixed.shares == (0.75, 0.25)
    assert Grid.from_json(grid.to_json()) == grid
    scene = mixed.load_scene()
    assert [style.picture.shape for style in scene.styles] == [(86, 96, 3), (43, 48, 3)]
    assert scene.shares == (0.75, 0.25)
    assert mixed.load_picture("style").shape == (41, 96, 3)  # both 43 high, 48 and 4 and 48 wide, at 96 in all
    assert (plain.load_picture("style") == plain.load_scene().styles[0].picture).all()


@pytest.mark.parametrize("name", ["style/mix.toml", "style/x.png", "style/parts/y.png"])
def test_every_byte_of_a_mixture_counts(folders, name):
    before = digests(folders)
    with (folders / name).open("ab") as file:
        file.write(b"\n")
    after = digests(folders)
    styles = {"mix", "x"} if name.endswith("x.png") else {"mix"}
    assert {pair[1] for pair in before if before[pair] != after[pair]} == styles


def test_a_map_counts_where_both_sides_have_one(folders):
    plain = digests(folders)
    write_picture(folders / "content/a.regions.png", painted())
    assert digests(folders) == plain
    write_picture(folders / "style/x.regions.png", painted())
    with_maps = digests(folders)
    # Of the mixture too, of which it is a part.
    assert {pair for pair in plain if with_maps[pair] != plain[pair]} == {("a", "x"), ("a", "mix")}
    for name in ("content/a.regions.png", "style/x.regions.png"):
        before = digests(folders)
        with (folders / name).open("ab") as file:
            file.write(b"\n")
        assert {pair for pair, digest in digests(folders).items() if digest != before[pair]} == {
            ("a", "x"),
            ("a", "mix"),
        }


def test_cells_with_regions_read_their_maps(folders):
    write_picture(folders / "content/a.regions.png", painted())
    (folders / "style/mix.toml").write_text(REGIONS)
    grid = reject_bad_pictures(planned(folders))
    assert [(cell.content, cell.style) for cell in grid.rejected] == [("b", "mix")]
    assert "for the region #0000ff, but the content picture has no map of regions" in grid.rejected[0].reason
    found = cells(grid)
    pairings = found["a", "mix"].load_scene().pairings
    assert {(each.style, each.content_region) for each in pairings} == {(0, "#ff0000"), (1, "#0000ff")}
    assert (found["a", "mix"].batch, found["a", "mix"].height) == ("", 86)
    assert found["a", "x"].batch != ""


def test_cells_of_as_many_styles_are_a_batch(folders):
    (folders / "style/other.toml").write_text(MIXTURE.replace("3", "1"))
    found = cells(reject_bad_pictures(planned(folders)))
    assert found["a", "mix"].batch == found["b", "mix"].batch == found["a", "other"].batch
    assert found["a", "mix"].batch != found["a", "x"].batch == found["b", "x"].batch


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("style = 1", "1 to 16 tables"),
        ('[[style]]\npicture = "none.png"', r"none\.png: cannot be read \(No such file or directory\)"),
        ('[[style]]\npicture = "none\\n.png"', r"none\\n\.png'?: cannot be read"),
        ('[[style]]\npicture = "' + "n" * 300 + '"', "cannot be read"),
        ('[[style]]\npicture = "parts"', "parts is a folder"),
        ('[[style]]\npicture = "mix.toml"', "a picture, no mixture"),
        ('[[style]]\npicture = "/dev/zero"', "/dev/zero is a pipe or a device"),
    ],
)
def test_a_broken_mixture_costs_its_own_cells(folders, text, message):
    (folders / "style/mix.toml").write_text(text)
    grid = reject_bad_pictures(planned(folders))
    assert {cell.style for cell in grid.cells} == {"x"}
    assert {cell.style for cell in grid.rejected} == {"mix"}
    for cell in grid.rejected:
        with pytest.raises(PictureError, match=message):
            raise PictureError(cell.reason)
        assert "\n" not in cell.reason


def test_a_broken_picture_or_map_costs_the_cells_that_take_it(folders):
    (folders / "style/parts/y.png").write_bytes(b"no picture")
    write_picture(folders / "content/a.regions.png", np.random.default_rng(0).integers(0, 256, (90, 100, 3), np.uint8))
    write_picture(folders / "style/x.regions.png", painted())
    grid = reject_bad_pictures(planned(folders))
    reasons = {(cell.content, cell.style): cell.reason for cell in grid.rejected}
    assert set(reasons) == {("a", "x"), ("a", "mix"), ("b", "mix")}
    assert "a.regions.png has no flat colors" in reasons["a", "x"]
    assert "y.png is not a picture" in reasons["b", "mix"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Blind(Gram):
    """A loss that cannot weigh positions."""

    regions: ClassVar[bool] = False


def test_a_loss_that_cannot_weigh_positions_costs_the_cells_with_regions(folders, monkeypatch):
    monkeypatch.setitem(LOSSES, "blind", Blind)
    for name in ("content/a", "style/x"):
        write_picture(folders / f"{name}.regions.png", painted())
    grid = reject_bad_pictures(planned(folders, losses={"blind": {"layers": ["block1_conv1"]}}))
    assert {(cell.content, cell.style) for cell in grid.rejected} == {("a", "x"), ("a", "mix")}
    assert {cell.reason.partition(";")[0] for cell in grid.rejected} == {"the loss blind cannot compare single regions"}


def test_files_that_change_after_planning_are_not_used(folders):
    write_picture(folders / "content/a.regions.png", painted())
    write_picture(folders / "style/x.regions.png", painted())
    cell = cells(planned(folders))["a", "mix"]
    cell.load_scene()
    for name in ("content/a.regions.png", "style/x.regions.png", "style/parts/y.png"):
        kept = (folders / name).read_bytes()
        write_picture(folders / name, painted()[::-1, ::-1])
        with pytest.raises(PictureError, match=r"changed while the grid was running"):
            cell.load_scene()
        (folders / name).write_bytes(kept)
    cell.load_scene()


def test_a_cell_survives_json(folders):
    write_picture(folders / "content/a.regions.png", painted())
    (folders / "style/mix.toml").write_text(REGIONS)
    cell = cells(planned(folders))["a", "mix"]
    assert Cell.from_dict(json.loads(json.dumps(dataclasses.asdict(cell)))) == cell
    assert cell.config == TransferConfig(backbone="vgg16", size=96).resolved()
