"""Distances of two pictures, and the map of many: oracles by hand, symmetry, and a layout that covers nothing."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest

from nstcore import WeightsError
from nstcore.networks.weights import Provenance
from pipeline.measures import comparison, formulas, judges
from pipeline.measures.judges import JUDGES, JudgeFeatures
from pipeline.measures.picture_map import PictureMap, map_pictures, principal_coordinate
from pipeline.report.plots.map_figure import draw, move_apart


def by_hand(judge, picture):
    """Colours as features, for every judge."""
    features = picture.reshape(-1, 3).astype(np.float32) / 255
    gram = features.T @ features / np.float32(len(features))
    return JudgeFeatures(features, (gram,))


@pytest.fixture
def simple_judges(monkeypatch):
    monkeypatch.setattr(judges, "features_of", by_hand)
    monkeypatch.setattr(judges, "provenance", lambda judge: Provenance(judge.name, "a test", "", "0"))

    def absent(one, other):
        raise WeightsError("no LPIPS here")

    monkeypatch.setattr(formulas, "lpips", absent)


def test_equal_pictures_are_at_distance_0(simple_judges, content_picture):
    measures = comparison.compare(content_picture, content_picture).measures
    assert measures.pop("ssim") == pytest.approx(1)
    assert set(measures.values()) == {0.0}


def test_the_order_does_not_matter_even_where_sizes_differ(simple_judges, content_picture, style_picture):
    there = comparison.compare(content_picture, style_picture)
    back = comparison.compare(style_picture, content_picture)
    assert there.measures == pytest.approx(back.measures)
    assert there.unmeasured == {"lpips": "no LPIPS here"}
    assert there.judges.keys() == {judge.name for judge in JUDGES.values() if judge.by_grams}
    assert there.measures.keys() | there.unmeasured.keys() == {one.name for one in comparison.QUANTITIES}


def test_distances_are_those_of_the_formula():
    one, other = np.array([[3.0, 0.0]], np.float32), np.array([[0.0, 4.0]], np.float32)
    assert comparison.content_distance(one, other) == 1  # 25 / (9 + 16)
    assert comparison.content_distance(one, 2 * one) == pytest.approx(math.sqrt(9 / 45))
    zero = np.zeros_like(one)
    assert comparison.content_distance(zero, zero) == 0
    assert comparison.style_distance((one, one), (one, 2 * one)) == pytest.approx(math.sqrt((0 + 9 / 45) / 2))


def test_red_and_blue_have_nothing_in_common(simple_judges):
    red, blue = np.zeros((2, 40, 40, 3), np.uint8)
    red[..., 0] = blue[..., 2] = 255
    measures = comparison.compare(red, blue).measures
    assert measures["style_vgg19"] == measures["content_vgg19"] == measures["colour"] == 1


def test_points_on_a_line_get_their_places_back():
    places = np.array([2.0, -1.0, 0.5, 7.0])
    coordinate, explained = principal_coordinate(np.abs(places[:, None] - places[None]))
    np.testing.assert_allclose(coordinate, places - places.mean(), atol=1e-9)
    assert explained == pytest.approx(1)


def test_the_longest_side_of_a_rectangle_is_found():
    corners = np.array([(0, 0), (4, 0), (0, 3), (4, 3)])
    distances = np.linalg.norm(corners[:, None] - corners[None], axis=2)
    coordinate, explained = principal_coordinate(distances)
    np.testing.assert_allclose(np.abs(coordinate), 2)
    assert explained == pytest.approx(16 / 25)
    same, whole = principal_coordinate(np.zeros((3, 3)))
    assert (list(same), whole) == ([0, 0, 0], 1)


def test_a_map_holds_the_distances_of_every_two(simple_judges, blotches):
    pictures = [(name, blotches(seed, 40 + seed, 64)) for seed, name in enumerate(("=a", "b", "ü,\n"))]
    placed = map_pictures(pictures, JUDGES["vgg19"])
    looks = [by_hand(None, picture) for _, picture in pictures]
    for a in range(3):
        for b in range(3):
            expected = comparison.style_distance(looks[a].grams, looks[b].grams)
            assert placed.style[a, b] == pytest.approx(expected)
    assert (placed.content == placed.content.T).all()
    rows = list(csv.DictReader(placed.to_csv().splitlines(keepends=True)))
    assert [row["picture"] for row in rows] == ["'=a", "b", "ü,\n"]
    assert float(rows[0]["style distance to b"]) == pytest.approx(placed.style[0, 1], abs=1e-6)
    assert float(rows[2]["content distance to =a"]) == pytest.approx(placed.content[2, 0], abs=1e-6)
    assert float(rows[1]["content coordinate"]) == pytest.approx(placed.places[1, 1], abs=1e-6)


@pytest.mark.parametrize("count", [2, 9, 40])
def test_boxes_are_moved_until_none_covers_another(count):
    random = np.random.default_rng(count)
    sizes = random.uniform(0.5, 1.2, (count, 2))
    area = np.array([12.0, 12.0])
    wanted = np.tile([[6.0, 6.0]], (count, 1))  # all at one place
    centers, apart = move_apart(wanted, sizes, area)
    assert apart
    low, high = centers - sizes / 2, centers + sizes / 2
    assert (low >= -1e-6).all()
    assert (high <= area + 1e-6).all()
    for a in range(count):
        for b in range(a):
            assert ((high[a] <= low[b] + 1e-5) | (high[b] <= low[a] + 1e-5)).any()


def test_boxes_that_have_room_stay_where_they_are():
    wanted = np.array([[1.0, 1.0], [3.0, 1.0]])
    centers, apart = move_apart(wanted, np.ones((2, 2)), np.array([4.0, 2.0]))
    assert apart
    np.testing.assert_array_equal(centers, wanted)


def test_the_figure_shows_every_picture_and_name(blotches):
    names = ("night", "$x^2$ \\frac", "a name that is much too long for the space below one thumbnail " * 3)
    placed = PictureMap(names, np.zeros((3, 3)), np.zeros((3, 3)), np.array([(0, 0), (0, 0), (1, 0.5)]), (0.5, 0.4))
    figure = draw(placed, [blotches(seed, 60, 90) for seed in range(3)], judge="VGG19")
    (axes,) = figure.axes
    assert len(axes.images) == 3
    labels = [text.get_text() for text in axes.texts]
    assert labels[0] == "night"
    assert labels[1].replace("\n", " ") == "$x^2$ \\frac"
    assert "…" in labels[2]
    assert "style" in axes.get_xlabel()
    assert "content" in axes.get_ylabel()
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts] + [image.get_window_extent() for image in axes.images]
    for place, box in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0
        assert box.x1 <= figure.bbox.x1
        assert not any(box.padded(-2).overlaps(other.padded(-2)) for other in boxes[place + 1 :])
