"""What weights trade: fronts by hand and by brute force, and what the figure shows of them."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from matplotlib.text import Text

from nstcore import TransferConfig
from pipeline.grid.series import Series
from pipeline.report.fronts import Point, WeighedCell, fronts, not_dominated, weights_vary
from pipeline.report.plots import pareto_fronts

JUDGE = "vgg19"
BASE = TransferConfig()


def cell(weight, content, style, pair=("c", "s"), config=BASE, variant=()):
    config = dataclasses.replace(config, style_weight=float(weight))
    measures = {"content_vgg19": content, "style_vgg19": style}
    return WeighedCell(pair, Series(config.backbone, (*variant, ("style_weight", str(weight)))), config, measures)


def words(figure):
    return " ".join(text.get_text() for text in figure.findobj(Text)).replace("\n", " ")


def test_points_are_means_over_pairs_from_the_least_weight_to_the_most():
    cells = [
        *(cell(40, 0.4, 0.2), cell(40, 0.6, 0.4, pair=("d", "s"))),
        *(cell(5, 0.1, 0.7), cell(5, 0.3, 0.9, pair=("d", "s"))),
    ]
    (front,) = fronts(cells, JUDGE)
    assert front.series == Series("vgg19")
    assert (front.varied, front.pairs) == ("style_weight", 2)
    assert [point.weights for point in front.points] == ["5", "40"]
    assert np.allclose([(point.content, point.style) for point in front.points], [(0.2, 0.8), (0.5, 0.3)])


def test_points_are_of_the_pairs_that_all_of_a_front_have():
    cells = [cell(40, 0.4, 0.2), cell(40, 0.9, 0.9, pair=("d", "s")), cell(5, 0.1, 0.7)]
    (front,) = fronts(cells, JUDGE)
    assert front.pairs == 1
    assert [(point.content, point.style) for point in front.points] == [(0.1, 0.7), (0.4, 0.2)]
    unmeasured = dataclasses.replace(cells[2], measures={"content_vgg19": 0.1, "style_vgg19": math.nan})
    assert fronts([*cells[:2], unmeasured], JUDGE) == []


def test_every_backbone_and_every_other_setting_has_a_front_of_its_own():
    other = TransferConfig(pooling="avg")
    cells = [
        cell(weight, 0.4, 0.2, config=config, variant=(("pooling", config.pooling),))
        for config in (BASE, other, TransferConfig(backbone="vgg16"))
        for weight in (5, 40)
    ]
    assert [front.series.label for front in fronts(cells, JUDGE)] == [
        "VGG19, pooling max",
        "VGG19, pooling avg",
        "VGG16, pooling max",
    ]


def test_only_the_weights_of_content_and_style_make_a_front():
    assert weights_vary([BASE, dataclasses.replace(BASE, content_weight=2.0)])
    # The same ratio is the same trade.
    assert not weights_vary([BASE, dataclasses.replace(BASE, content_weight=2.0, style_weight=2 * BASE.style_weight)])
    assert not weights_vary([BASE, TransferConfig(backbone="vgg16", style_weight=5.0), TransferConfig(pooling="avg")])
    assert not weights_vary([])


def test_points_that_are_not_dominated_by_brute_force():
    random = np.random.default_rng(0)
    for _ in range(20):
        places = random.integers(0, 6, (8, 2)) / 6
        points = [Point(str(number), *place) for number, place in enumerate(places)]
        kept = {point.weights for point in not_dominated(points)}
        for point, place in zip(points, places, strict=True):
            beaten = ((places <= place).all(axis=1) & (places < place).any(axis=1)).any()
            assert (point.weights in kept) == (not beaten)


def test_the_figure_joins_the_best_and_leaves_the_beaten_hollow():
    cells = [cell(5, 0.1, 0.7), cell(40, 0.4, 0.2), cell(320, 0.6, 0.3)]
    figure = pareto_fronts(cells, title="a $t$ <b>")
    (panel,) = figure.axes
    lines = {line.get_label(): np.asarray(line.get_xydata()).tolist() for line in panel.get_lines()}
    assert lines["VGG19 best"] == [[0.1, 0.7], [0.4, 0.2]]
    assert lines["VGG19 beaten"] == [[0.6, 0.3]]
    assert {"5", "40", "320"} <= {text.get_text() for text in panel.texts}
    assert "VGG19, style_weight 5 to 320, n=1" in words(figure)
    assert "a $t$ <b>" in words(figure)
    figure.draw_without_rendering()


def test_weights_stand_beside_their_own_marks_and_cover_nothing():
    """As seen on a sweep of two networks at 80 px: marks side by side, and one at the top of a panel."""
    places = {
        "resnet50": {5: (0.345, 0.351), 40: (0.480, 0.2948), 320: (0.505, 0.2945)},
        "vgg19": {5: (0.328, 0.592), 40: (0.551, 0.213), 320: (0.629, 0.205)},
    }
    cells = [
        cell(weight, *place, config=TransferConfig(backbone=name))
        for name, each in places.items()
        for weight, place in each.items()
    ]
    figure = pareto_fronts(cells, title="t")
    figure.draw_without_rendering()
    (panel,) = figure.axes
    marks = panel.transData.transform([place for each in places.values() for place in each.values()])
    boxes = [text.get_window_extent() for text in panel.texts]
    assert len(boxes) == 6
    for number, (text, box) in enumerate(zip(panel.texts, boxes, strict=True)):
        assert not any(box.overlaps(other) for other in boxes[number + 1 :])
        assert not any(box.contains(*mark) for mark in marks)
        assert box.y1 < panel.get_window_extent().y1
        middle = np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2])
        nearest = int(np.argmin(np.hypot(*(marks - middle).T)))
        assert np.allclose(marks[nearest], panel.transData.transform(text.xy))


@pytest.mark.parametrize("style", [0.01, 0.3])
def test_long_names_of_weights_stay_within_the_panel(style):
    names = ("a case with quite a name", "another case, whose name no figure has room for at all", "日本語の名前 \x1b")
    cells = [
        dataclasses.replace(cell(weight, content, style), series=Series("vgg19", (("case", name),)))
        for weight, content, name in zip((5, 40, 320), (0.1, 0.2, 0.9), names, strict=True)
    ]
    figure = pareto_fronts(cells, title="t")
    figure.draw_without_rendering()
    (panel,) = figure.axes
    around = panel.get_window_extent()
    for box in (text.get_window_extent() for text in panel.texts):
        assert around.x0 <= box.x0 < box.x1 <= around.x1
        assert around.y0 <= box.y0 < box.y1 <= around.y1 + 1


def test_a_grid_without_measures_says_so():
    figure = pareto_fronts([dataclasses.replace(cell(5, 0.1, 0.7), measures={})], title="t")
    assert "No two choices of weights" in words(figure)
    figure.draw_without_rendering()
