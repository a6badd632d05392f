"""Maps of regions: which colors they have, how much of each a pixel holds, and the guides of layers."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from nstcore import ConfigError, PictureError
from nstcore.pictures.images import write_picture
from nstcore.pictures.region_map import RegionMap, color_name, read_regions, regions_beside

RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 160, 0)
PICTURE = np.zeros((180, 240, 3), np.uint8)
STEPS = [[red, green, blue] for red in (0, 85, 170, 255) for green in (0, 128, 255) for blue in (0, 255)]
MANY = np.array(STEPS, np.uint8).reshape(4, 6, 3).repeat(45, 0).repeat(40, 1)


def disk(background, color, *, height=180, width=240, smooth=4):
    """A disk on a ground, antialiased, and the share of it in each pixel."""
    large = Image.new("L", (smooth * width, smooth * height))
    middle, radius = (smooth * width / 2, smooth * height / 2), smooth * height / 3
    ImageDraw.Draw(large).ellipse([each - radius for each in middle] + [each + radius for each in middle], fill=255)
    share = np.asarray(large.resize((width, height), Image.Resampling.BOX), np.float64)[..., np.newaxis] / 255
    painted = np.rint(share * color + (1 - share) * np.array(background)).astype(np.uint8)
    return painted, share[..., 0]


def as_jpeg(painted, quality=75):
    file = io.BytesIO()
    Image.fromarray(painted).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def test_colors_are_regions_the_largest_first():
    painted, share = disk(BLUE, RED)
    found = read_regions(painted, PICTURE)
    assert found.colors == ("#0000ff", "#ff0000")
    assert found.shares.shape == (2, 180, 240)
    assert np.allclose(found.shares.sum(axis=0), 1.0)
    assert found.shares[1] == pytest.approx(share, abs=0.11)  # less than a tenth of a color is none
    assert set(np.unique(found.shares[:, share == 1.0])) == {0.0, 1.0}


def test_the_colors_of_a_jpeg_are_those_that_were_painted():
    painted, share = disk(BLUE, RED)
    found = read_regions(as_jpeg(painted), PICTURE)
    assert (found.find("#0000ff"), found.find("#f00")) == found.colors
    far = np.asarray(Image.fromarray((share > 0).astype(np.uint8)).filter(ImageFilter.MaxFilter(17))) == 0
    assert (found.shares[0][far] == 1.0).all()
    assert np.abs(found.shares[1] - share).mean() < 0.01


def test_an_edge_holds_nothing_of_a_third_color_that_is_between_the_two():
    """Black and white blend to gray, which here is a region elsewhere."""
    painted, share = disk((0, 0, 0), (255, 255, 255))
    painted[:, :30] = 128
    found = read_regions(painted, PICTURE)
    assert set(found.colors) == {"#000000", "#ffffff", "#808080"}
    gray = found.shares[found.colors.index("#808080")]
    assert (gray[:, :30] == 1.0).all()
    assert (gray[:, 31:] == 0.0).all()
    assert found.shares[found.colors.index("#ffffff")] == pytest.approx(share, abs=0.11)


def test_soft_edges_stay_soft():
    painted, _ = disk(BLUE, RED)
    soft = np.asarray(Image.fromarray(painted).filter(ImageFilter.GaussianBlur(10)))
    found = read_regions(soft, PICTURE)
    assert (found.find("#00f"), found.find("#f00")) == found.colors
    # Nothing in it is a third color, and what is between the two is shared as it was painted.
    assert found.shares[1] == pytest.approx(soft[..., 0] / 255, abs=0.12)
    assert (np.abs(found.shares[1] - 0.5) < 0.3).mean() > 0.05


def test_a_small_region_is_one_and_a_thin_line_is_none():
    painted = np.full((300, 400, 3), BLUE, np.uint8)
    painted[10:30, 10:30] = RED
    painted[:, 200] = GREEN  # no wider than what antialiasing leaves
    found = read_regions(painted, np.zeros((300, 400, 3)))
    assert found.colors == ("#0000ff", "#ff0000")
    assert found.shares[1].sum() == pytest.approx(400, rel=0.01)


@pytest.mark.parametrize(
    ("painted", "message"),
    [
        (np.random.default_rng(0).integers(0, 256, (180, 240, 3), np.uint8), "has no flat colors; paint each region"),
        (MANY, "has 24 flat colors; a map has at most 16"),
        (np.zeros((180, 200, 3), np.uint8), r"200 x 180 pixels .*not the proportions of its picture, 240 x 180"),
    ],
)
def test_what_is_no_map_is_refused(painted, message):
    with pytest.raises(PictureError, match=message) as raised:
        read_regions(painted, PICTURE)
    assert str(raised.value).startswith("the map of regions ")


def test_a_map_may_have_any_size_of_its_pictures_proportions(tmp_path):
    large, _ = disk(BLUE, RED, height=1800, width=2400, smooth=1)
    write_picture(tmp_path / "name.regions.png", large)
    found = read_regions(tmp_path / "name.regions.png", PICTURE)
    assert found.shares.shape == (2, 768, 1024)
    assert regions_beside(tmp_path / "name.jpg") == tmp_path / "name.regions.png"
    assert regions_beside(tmp_path / "other.jpg") is None
    assert regions_beside(PICTURE) is None


def test_a_guide_averages_over_areas_and_has_mean_square_one():
    """Against the mean of each cell by hand; outside a region it is exactly 0."""
    share = np.zeros((1, 12, 16), np.float32)
    share[0, 2:7, 3:9] = np.random.default_rng(0).uniform(0.5, 1, (5, 6))
    means = share[0].reshape(3, 4, 4, 4).mean(axis=(1, 3))
    guide = RegionMap(("#ff0000",), share).guide("#ff0000", 3, 4)
    assert guide == pytest.approx((means / np.sqrt(np.mean(means**2))).ravel(), rel=1e-5)
    assert ((guide == 0) == (means.ravel() == 0)).all()
    assert np.mean(guide.astype(np.float64) ** 2) == pytest.approx(1.0, rel=1e-5)


def test_a_region_that_covers_all_is_a_guide_of_ones():
    guide = read_regions(np.full((180, 240, 3), RED, np.uint8), PICTURE).guide("#ff0000", 7, 9)
    assert guide.tolist() == [1.0] * 63
    assert read_regions(np.full((90, 120, 3), RED, np.uint8), PICTURE).guide("#ff0000", 360, 480).tolist() == [1.0] * (
        360 * 480
    )


def test_colors_are_written_in_one_way():
    assert color_name("#F0a") == color_name("#ff00AA") == "#ff00aa"
    for wrong in ("red", "#ff", "ff0000", "#ff00001", 3, None, "#ff000g"):
        with pytest.raises(ConfigError, match=r'region must be a color such as "#ff0000"'):
            color_name(wrong)


@pytest.mark.parametrize(
    ("colors", "shares"),
    [
        (("#f00",), np.ones((4, 4))),
        (("#f00", "#00f"), np.ones((1, 4, 4))),
        (("#f00",), np.zeros((1, 4, 4))),
        (("#f00",), np.full((1, 4, 4), 2.0)),
        (("#f00",), np.full((1, 4, 4), np.nan)),
    ],
)
def test_a_map_that_cannot_be_is_refused(colors, shares):
    with pytest.raises(ConfigError, match=r"RegionMap\.shares must be"):
        RegionMap(colors, shares)
