"""Several styles, as a sequence and as a file, and which region takes which."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from nstcore import ConfigError, PictureError, StyleSource, TransferConfig
from nstcore.loading import load_scene
from nstcore.mixture import read_mixture, style_sources, with_regions_beside
from nstcore.pictures.images import write_picture
from nstcore.pictures.region_map import RegionMap
from nstcore.scene import Pairing, Scene, Style

FILE = """
[[style]]
picture = "pictures/a.png"
weight = 3

[[style]]
picture = "b.png"
scale = 0.5
region = "#F00"
"""
CONFIG = TransferConfig(backbone="vgg16", size=64)


@pytest.fixture
def folder(tmp_path, monkeypatch, blotches):
    monkeypatch.chdir(tmp_path)
    Path("mixed").mkdir()
    Path("mixed/pictures").mkdir()
    write_picture("mixed/pictures/a.png", blotches(1, 80, 120))
    write_picture("mixed/b.png", blotches(2, 100, 100))
    write_picture("content.png", blotches(3, 96, 128))
    Path("mixed/both.toml").write_text(FILE, encoding="utf-8")
    return tmp_path


def test_a_file_names_pictures_from_its_own_folder(folder):
    one, other = read_mixture("mixed/both.toml")
    assert (one.picture, one.weight, one.scale, one.region) == (Path("mixed/pictures/a.png"), 3.0, 1.0, "")
    assert (other.picture, other.weight, other.scale, other.region) == (Path("mixed/b.png"), 1.0, 0.5, "#ff0000")


def test_styles_are_read_at_their_scales(folder, blotches):
    """Those of a file share the weight that it has among others."""
    Path("mixed/both.toml").write_text(FILE.replace('region = "#F00"', ""), encoding="utf-8")
    scene = load_scene("content.png", ["mixed/both.toml", blotches(4, 70, 70)], CONFIG, (1, 2))
    assert [style.picture.shape[:2] for style in scene.styles] == [(43, 64), (32, 32), (64, 64)]
    assert scene.shares == pytest.approx((0.25, 1 / 12, 2 / 3))
    assert scene.content.shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# nothing", r"1 to 16 tables \[\[style\]\], each with a picture"),
        ("style = 3", "1 to 16 tables"),
        ("[[style]]\nweight = 1", "picture must be the path of a picture"),
        ("[[style]]\npicture = 3", "picture must be the path of a picture"),
        ('[[style]]\npicture = ""', "picture must be the path of a picture"),
        ('[[style]]\npicture = "a\\u0000b"', "picture must be the path of a picture"),
        ('[[style]]\npicture = "other.TOML"', "picture must be a picture, no mixture"),
        ('[[style]]\npicture = "b.png"\nweight = -1', "the weight of a style must be a finite number >= 0"),
        ('[[style]]\npicture = "b.png"\nweight = 0', "weights of the styles must have a finite sum above 0"),
        ('[[style]]\npicture = "b.png"\nscale = 0', "the scale of a style must be a finite number > 0"),
        ('[[style]]\npicture = "b.png"\nscale = "2"', "the scale of a style must be a finite number > 0"),
        ('[[style]]\npicture = "b.png"\nregion = "red"', "region must be a color"),
        ('[[style]]\npicture = "b.png"\nsize = 3', "unknown setting of style; expected some of picture, weight"),
        ('style = [3]\ntitle = "x"', "unknown setting of the file; expected some of style"),
        ("[[style]", "is not TOML"),
        ("style = " + "[" * 3000, "is (not TOML|nested too deeply)"),
        ("#" + "x" * 2**20, "larger than 1 MiB"),
        ("weight = 1" + "0" * 5000, "is not TOML"),
        ('[[style]]\npicture = "b.png"\n' * 17, "1 to 16 tables"),
    ],
)
def test_a_file_that_is_no_mixture_is_one_line_with_its_name(folder, text, message):
    Path("wrong.toml").write_text(text, encoding="utf-8")
    with pytest.raises(PictureError, match=rf"^wrong\.toml: [^\n]*{message}") as raised:
        style_sources("wrong.toml")
    assert "\n" not in str(raised.value)


def test_what_cannot_be_opened_is_one_line_too(folder):
    os.mkfifo("pipe.toml")
    Path("latin.toml").write_bytes(b"# caf\xe9")
    for name, message in {
        "none.toml": "does not exist",
        "pipe.toml": "is a pipe",
        "latin.toml": "is not TOML",
    }.items():
        with pytest.raises(PictureError, match=message):
            style_sources(name)


@pytest.mark.parametrize(
    ("styles", "weights", "message"),
    [
        ((), (), "style must be one or more pictures"),
        (("a", "b"), (1,), "style_weights must be one for each of 2 styles"),
        (("a", "b"), (1, -1), "style_weights must be a finite number >= 0"),
        (("a", "b"), 3, "style_weights must be a sequence"),
    ],
)
def test_weights_that_cannot_be_are_refused(styles, weights, message):
    with pytest.raises(ConfigError, match=message):
        style_sources(styles, weights)


def test_one_array_is_one_style(style_picture):
    (source,) = style_sources(style_picture)
    assert source.picture is style_picture
    assert [each.weight for each in style_sources([style_picture, StyleSource(style_picture, 2.0)], (3, 4))] == [3, 8]


def halves(*colors: str, height: int = 48, width: int = 64) -> RegionMap:
    """Upright stripes of one width."""
    owner = np.arange(width) * len(colors) // width
    shares = np.stack([np.tile(owner == place, (height, 1)) for place in range(len(colors))])
    return RegionMap(colors, shares.astype(np.float32))


RED, BLUE, GREEN = "#ff0000", "#0000ff", "#00a000"


def pairings(content: RegionMap | None, *styles: Style) -> list[tuple[int, str, str, float]]:
    scene = Scene(np.zeros((48, 64, 3), np.uint8), styles, content)
    return [(each.style, each.content_region, each.style_region, each.share) for each in scene.pairings]


def style(weight: float = 1.0, region: str = "", regions: RegionMap | None = None) -> Style:
    return Style(np.zeros((48, 64, 3), np.uint8), weight, 1.0, region, regions)


def test_without_regions_every_style_is_for_the_whole_picture():
    assert pairings(None, style(), style(3.0)) == [(0, "", "", 0.25), (1, "", "", 0.75)]


def test_regions_of_one_color_belong_together():
    found = pairings(halves(RED, BLUE), style(regions=halves(BLUE, GREEN, "#fe0102")))
    assert found == [(0, RED, "#fe0102", 0.5), (0, BLUE, BLUE, 0.5)]


def test_a_region_may_have_a_style_of_its_own_and_the_others_take_the_rest():
    found = pairings(halves(RED, BLUE, GREEN), style(region=RED), style(3.0), style(1.0))
    third = 1 / 3
    assert [each[:3] for each in found] == [(0, RED, ""), (1, BLUE, ""), (2, BLUE, ""), (1, GREEN, ""), (2, GREEN, "")]
    assert [each[3] for each in found] == pytest.approx([third, 0.75 * third, 0.25 * third, 0.75 * third, 0.25 * third])


def test_regions_without_a_style_are_left_alone():
    scene = Scene(np.zeros((48, 64, 3), np.uint8), (style(region=RED),), halves(RED, BLUE))
    assert scene.pairings == (Pairing(0, 1.0, RED, ""),)
    assert scene.unpaired == (BLUE,)
    assert pairings(halves(RED, BLUE), style(regions=halves(BLUE))) == [(0, BLUE, BLUE, 1.0)]


@pytest.mark.parametrize(
    ("content", "styles", "message"),
    [
        (None, (style(region=RED),), r"for the region #ff0000, but the content picture has no map"),
        (None, (style(regions=halves(RED)),), "a style has a map of regions, but the content picture has no map"),
        (halves(RED), (style(),), "no style has one or is for one of them"),
        (halves(RED), (style(regions=halves(BLUE)),), r"\(#ff0000\).* no color in common"),
        (halves(RED), (style(region=BLUE),), r"for the region #0000ff, but those .* are #ff0000"),
    ],
)
def test_regions_that_fit_nothing_are_refused(content, styles, message):
    with pytest.raises(ConfigError, match=message):
        pairings(content, *styles)


def test_maps_beside_pictures_are_taken_where_both_sides_have_some(folder, blotches):
    painted = np.zeros((96, 128, 3), np.uint8)
    plain = style_sources("mixed/b.png")
    assert with_regions_beside("content.png", plain) == (None, plain)
    write_picture("content.regions.png", painted)
    assert with_regions_beside("content.png", plain) == (None, plain)
    write_picture("mixed/b.regions.png", painted[:96, :96])
    regions, (styled,) = with_regions_beside("content.png", plain)
    assert (regions, styled.regions) == (Path("content.regions.png"), Path("mixed/b.regions.png"))
    Path("mixed/b.regions.png").unlink()
    regions, _ = with_regions_beside("content.png", [StyleSource("mixed/b.png", region="#000")])
    assert regions == Path("content.regions.png")
    Path("content.regions.png").unlink()
    write_picture("mixed/b.regions.png", painted[:96, :96])
    assert with_regions_beside("content.png", plain) == (None, plain)
