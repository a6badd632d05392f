"""Turned and resized copies of a style picture: what they are, and that losses find what they want in them."""

from __future__ import annotations

import numpy as np
import pytest

from nstcore import ConfigError, TransferConfig, build_objective
from nstcore.losses import View, make_loss
from nstcore.losses.patch_search import nearest_of_all
from nstcore.losses.patches import Patches
from nstcore.pictures.views import view
from nstcore.recipe import resolve
from nstcore.targets import compute_targets


def corners(features: np.ndarray, size: int, stride: int) -> list[tuple[int, int]]:
    height, width, _ = features.shape
    return [(y, x) for y in range(0, height - size + 1, stride) for x in range(0, width - size + 1, stride)]


def patch(features: np.ndarray, corner: tuple[int, int], size: int) -> np.ndarray:
    y, x = corner
    return features[y : y + size, x : x + size].astype(np.float64).ravel()


@pytest.mark.parametrize(("size", "stride"), [(3, 1), (3, 2), (1, 1), (2, 1)])
def test_the_nearest_of_all_copies_is_that_of_a_search_over_all_pairs(to_numpy, size, stride):
    random = np.random.default_rng(0)
    mine = random.normal(size=(2, 6, 7, 3)).astype(np.float32)
    styles = [random.normal(size=(2, *sides, 3)).astype(np.float32) for sides in ((5, 8), (8, 5), (4, 4))]
    loss = Patches(patch_size=size, stride=stride, rotations=(90.0, 20.0))
    target = {"features": styles[0], "features@1": styles[1], "features@2": styles[2]}
    match = nearest_of_all(mine, styles, size, stride)
    values = to_numpy(loss.value(loss.features(mine), target))
    for one in range(2):
        theirs = [(number, corner) for number, each in enumerate(styles) for corner in corners(each[one], size, stride)]
        vectors = [patch(styles[number][one], corner, size) for number, corner in theirs]
        before = np.cumsum([0, *(each.shape[1] * each.shape[2] for each in styles)])
        distances, found = [], []
        for corner in corners(mine[one], size, stride):
            own = patch(mine[one], corner, size)
            best = int(np.argmax([own @ each / np.linalg.norm(each) for each in vectors]))
            distances.append(np.sum((own - vectors[best]) ** 2))
            number, (y, x) = theirs[best]
            found.append(before[number] + y * styles[number].shape[2] + x)
        assert to_numpy(match.places)[one].ravel().tolist() == found
        assert values[one] == pytest.approx(np.mean(distances), rel=1e-5)


def test_quarter_turns_keep_every_pixel(blotches):
    picture = blotches(0, 20, 31)
    for quarters in (-1, 1, 2):
        assert np.array_equal(view(picture, 90.0 * quarters, 1.0), np.rot90(picture, quarters))


@pytest.mark.parametrize("degrees", [-180.0, -100.0, -45.0, -7.5, 7.5, 30.0, 45.0, 120.0])
@pytest.mark.parametrize("shape", [(60, 90), (90, 60), (40, 200)])
def test_turned_copies_have_nothing_made_up_in_their_corners_and_little_left_out(degrees, shape):
    white = np.full((*shape, 3), 255, np.uint8)
    turned = view(white, degrees, 1.0)
    assert turned.min() >= 250  # where a corner were outside, it would be black
    slant = np.radians(min(abs(degrees) % 90.0, 90.0 - abs(degrees) % 90.0))
    height, width = shape if abs(degrees) % 180.0 <= 45.0 or abs(degrees) % 180.0 > 135.0 else shape[::-1]
    sides = np.arange(1.0, 201.0)
    inner_height, inner_width = np.meshgrid(sides, sides, indexing="ij")
    # The corners of an upright rectangle in the middle, as the turned one sees them.
    fits = inner_width * np.cos(slant) + inner_height * np.sin(slant) <= width
    fits &= inner_width * np.sin(slant) + inner_height * np.cos(slant) <= height
    area = (turned.shape[0] + 4) * (turned.shape[1] + 4)
    assert area >= (inner_height * inner_width)[fits].max()


def test_a_turned_copy_is_turned_counter_clockwise_and_centered():
    """A bright spot right of the middle goes up."""
    picture = np.zeros((101, 101, 3), np.uint8)
    picture[48:53, 68:73] = 255
    turned = view(picture, 30.0, 1.0)
    y, x = (axis.mean() for axis in np.nonzero(turned[..., 0] > 128))
    middle = (np.array(turned.shape[:2]) - 1) / 2
    assert (x - middle[1], middle[0] - y) == pytest.approx((20 * np.cos(np.pi / 6), 10.0), abs=0.8)


@pytest.mark.parametrize(("degrees", "scale"), [(0.0, 0.6), (90.0, 1.5), (30.0, 1.0), (-75.0, 0.8)])
def test_copies_of_real_numbers_are_of_real_numbers(blotches, degrees, scale):
    picture = (blotches(0, 41, 60) // 4 + 96).astype(np.uint8)
    whole, real = view(picture, degrees, scale), view(picture.astype(np.float32), degrees, scale)
    assert real.dtype == np.float32
    assert np.abs(real - whole).max() < 3.0  # 8 bits are rounded or cut off at each step
    far = view(20.0 * picture.astype(np.float32) - 2500.0, degrees, scale)  # beyond what 8 bits hold, both ways
    assert far == pytest.approx(20.0 * real - 2500.0, abs=1e-2)
    assert far.min() < -100
    assert far.max() > 400


def test_a_scaled_copy_has_the_scaled_size(blotches):
    assert view(blotches(0, 20, 31), 0.0, 1.5).shape == (30, 46, 3)


SMALL = {"backbone": "vgg16", "weights": "random", "size": 48, "content_layers": ("block1_conv1",)}
LAYERS = ("block1_conv2", "block2_conv1")


@pytest.mark.parametrize("name", ["patches", "nearest_neighbors"])
def test_a_content_that_is_a_turned_style_has_no_loss_only_where_turned_copies_count(blotches, name):
    style = blotches(3, 36, 48)
    content = np.ascontiguousarray(np.rot90(style))
    values = {}
    for rotations in ((), (90.0,)):
        losses = {"gram": {"weight": 0.0}, name: {"layers": LAYERS, "rotations": rotations}}
        config = TransferConfig(**SMALL, losses=losses)
        objective = build_objective(content, style, config)
        kept = compute_targets(style, "style", resolve(config)).kept
        plain = make_loss(name, {"layers": LAYERS, "rotations": rotations})
        values[rotations] = objective.components(objective.x0)[name], len(kept[name, "+".join(plain.readings[0])])
    assert values[()] == (pytest.approx(1.0, rel=1e-3), 1)  # balanced by itself
    assert values[(90.0,)] == (pytest.approx(0.0, abs=1e-3), 2)


def test_rotations_and_scales_come_with_each_other_and_alone():
    loss = make_loss("patches", {"layers": ["a"], "rotations": [7.5, 0], "scales": [1.05]})
    assert loss.views == (View(), View(0.0, 1.05), View(7.5, 1.0), View(7.5, 1.05))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rotations": [200]}, r"Patches\.rotations must be numbers from -180 to 180"),
        ({"rotations": 90}, r"Patches\.rotations must be a sequence of numbers"),
        ({"scales": [0]}, r"Patches\.scales must be numbers from 0\.1 to 10"),
        ({"scales": [True]}, r"Patches\.scales must be numbers"),
        ({"rotations": list(range(1, 60)), "scales": [2]}, "make 120 copies of a style picture; 100 are the most"),
    ],
)
def test_copies_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        make_loss("patches", {"layers": ["a"], **settings})
