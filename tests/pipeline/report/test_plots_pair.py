"""The terms and the time of one pair, and how series are told apart."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text

from nstcore.config import TransferConfig
from nstcore.networks.backbones import BACKBONES
from nstcore.result import Iterate, Trace
from pipeline.grid.series import Series, series_order
from pipeline.report import plots
from pipeline.report.plots.line_styles import MOST, line_styles

VGG19 = Series("vgg19")
CONFIG = TransferConfig(content_weight=1.0, style_weight=40.0, total_variation_weight=0.5)


def clocked(*seconds: float) -> Trace:
    """A run whose loss halves with each step."""
    return Trace(tuple(Iterate(step, step, at, 8.0 / 2**step, 1.0, 1.0, 1.0) for step, at in enumerate(seconds)))


def line(figure: Figure, panel: int, label: str) -> tuple[list[float], list[float]]:
    (found,) = (each for each in figure.axes[panel].get_lines() if each.get_label() == label)
    return np.asarray(found.get_xdata()).tolist(), np.asarray(found.get_ydata()).tolist()


def labels(figure: Figure, panel: int) -> set[str]:
    return {str(each.get_label()) for each in figure.axes[panel].get_lines()}


def words(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(Text)).replace("\n", " ")


def test_terms_are_shares_of_the_initial_loss_and_add_up_to_the_relative_loss() -> None:
    run = Trace((Iterate(0, 1, 0.0, 400.0, 0.0, 9.0, 80.0), Iterate(1, 2, 1.0, 100.0, 20.0, 1.0, 80.0)))
    figure = plots.terms_per_iteration({VGG19: run}, {VGG19: CONFIG}, title="a × b")
    content, style, variation = (line(figure, panel, "VGG19")[1] for panel in range(3))
    assert content[1] == 20 / 400
    assert style == [360 / 400, 40 / 400]
    assert variation == [40 / 400, 40 / 400]
    assert content[1] + style[1] + variation[1] == pytest.approx(100 / 400)
    assert line(figure, 0, "VGG19 below") == ([0], [content[0]])  # a start from the content picture
    assert content[0] < 20 / 400
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Content", "Style", "Total variation"]
    assert {axes.get_yscale() for axes in figure.axes} == {"log"}
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    assert figure.axes[0].get_ylabel() == "Weighted term / initial total loss"
    assert "VGG19, final content 5 %, style 10 %, total variation 10 %" in words(figure)
    assert "a term that is zero" in words(figure)


def test_a_term_without_weight_is_said_to_be_no_part_of_the_loss() -> None:
    config = replace(CONFIG, total_variation_weight=0.0)
    figure = plots.terms_per_iteration({VGG19: clocked(0, 1)}, {VGG19: config}, title="")
    assert "VGG19" in labels(figure, 1)
    assert labels(figure, 2) == set()
    assert "Total variation is no part of the loss (its weight is 0) for VGG19." in words(figure)
    figure.draw_without_rendering()


def test_time_is_that_of_each_iteration_and_the_start_does_not_rule_the_scale() -> None:
    figure = plots.time_and_loss({VGG19: clocked(30.0, 30.5, 31.0, 31.5, 32.0)}, title="")
    assert line(figure, 0, "VGG19 each") == ([1, 2, 3, 4], [0.5] * 4)
    assert line(figure, 0, "VGG19") == ([1, 2, 3, 4], [0.5] * 4)
    top = figure.axes[0].get_ylim()[1]
    assert 0.5 < top < 1
    assert line(figure, 0, "VGG19 above") == ([0], [top])
    assert "longer than the scale shows, up to 30 s" in words(figure)
    assert "VGG19, 0.5 s per iteration, 32 s in all, start 30 s" in words(figure)
    assert line(figure, 1, "VGG19") == ([30, 30.5, 31, 31.5, 32], [1, 0.5, 0.25, 0.125, 0.0625])
    assert line(figure, 1, "VGG19 start") == ([0, 30], [1, 1])
    assert figure.axes[1].get_yscale() == "log"
    assert all(axes.get_xlabel() and axes.get_ylabel() for axes in figure.axes)
    assert figure.axes[0].get_ylabel().endswith("(s)")
    assert figure.axes[1].get_xlabel().endswith("(s)")


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(), min_size=1, max_size=5))
def test_any_clock_can_be_drawn(seconds: list[float]) -> None:
    figure = plots.time_and_loss({VGG19: clocked(*seconds)}, title="")
    figure.draw_without_rendering()
    shown = np.array(line(figure, 1, "VGG19")[0])
    assert np.array_equal(shown, [each if 0 <= each <= 1e12 else math.nan for each in seconds], equal_nan=True)


def test_a_clock_that_goes_backwards_is_said() -> None:
    figure = plots.time_and_loss({VGG19: clocked(1.0, 3.0, 2.0)}, title="")
    assert line(figure, 0, "VGG19 each") == ([0, 1], [1, 2])
    assert "iterations whose time is not known: 1" in words(figure)


def variants(backbone: str, count: int) -> list[Series]:
    return [Series(backbone, (("style_weight", str(number)),)) for number in range(count)]


def appearances(series: list[Series]) -> Counter[tuple[str, str, str]]:
    found = line_styles(series)
    return Counter(
        (line_style.color, str(line_style.dash), line_style.marker) for line_style in found.values() if line_style.apart
    )


@pytest.mark.parametrize(
    "series",
    [
        variants("vgg19", 7),
        variants("vgg19", MOST),
        [each for backbone in BACKBONES for each in variants(backbone, 3)],
        [each for backbone in ("vgg16", "vgg19") for each in variants(backbone, 6)],
        [*variants("resnet50", 9), *(Series("vgg19", (("pooling", name),)) for name in ("avg", "max", "none"))],
    ],
)
def test_variants_are_told_apart(series: list[Series]) -> None:
    seen = appearances(series)
    assert len(seen) == len(series)
    assert set(seen.values()) == {1}


def test_a_hue_is_a_backbones_where_there_are_several() -> None:
    found = line_styles([each for backbone in BACKBONES for each in variants(backbone, 3)])
    plain = line_styles(Series(backbone) for backbone in BACKBONES)
    assert {series.backbone: line_style.color for series, line_style in found.items()} == {
        series.backbone: line_style.color for series, line_style in plain.items()
    }


def test_what_cannot_be_told_apart_is_drawn_thin_and_gray_and_named() -> None:
    series = [each for backbone in BACKBONES for each in variants(backbone, 5)]
    figure = plots.loss_per_iteration(dict.fromkeys(series, clocked(0, 1, 2)), title="")
    found = {str(each.get_label()): each for each in figure.axes[0].get_lines()}
    gray = [each for each in series if found[each.label].get_color() == "#999999"]
    assert len(gray) == len(series) - MOST == 8
    assert {each.backbone for each in series if each not in gray} == set(BACKBONES)
    assert all(found[each.label].get_linewidth() < 1 for each in gray)
    assert "8 others, too many to tell apart" in words(figure)
    shown = words(figure).replace(" ", "")  # a line may end within a name
    assert all(each.label.replace(" ", "") in shown for each in series)


def test_what_stands_out_of_many_lies_evenly_among_them() -> None:
    many, few = variants("vgg19", 100), variants("vgg16", 2)
    found = line_styles([*many, *few])
    apart = [int(each.variant[0][1]) for each in many if found[each].apart]
    assert len(apart) == MOST - len(few)
    assert (apart[0], apart[-1]) == (0, 99)
    assert set(np.diff(apart)) == {11}
    assert all(found[each].apart for each in few)
    assert set(appearances([*many, *few]).values()) == {1}


@given(st.lists(st.integers(0, 40), min_size=4, max_size=4))
def test_no_more_stand_out_than_can_be_told_apart(counts: list[int]) -> None:
    series = [each for backbone, count in zip(BACKBONES, counts, strict=True) for each in variants(backbone, count)]
    found = line_styles(series)
    apart = [each for each, line_style in found.items() if line_style.apart]
    assert found.keys() == {*series}
    assert len(apart) == min(len(series), MOST)
    assert {each.backbone for each in apart} == {each.backbone for each in series}


def test_a_note_of_all_variants_is_written_once() -> None:
    series = variants("vgg19", 3)
    notes = dict.fromkeys(series, "stand-in weights")
    figure = plots.loss_per_iteration(dict.fromkeys(series, clocked(0, 1)), title="", notes=notes)
    assert words(figure).count("stand-in weights") == 1


def test_numbers_are_sorted_by_size() -> None:
    values = ["400", "5", "40", "avg", "1e-3"]
    ordered = sorted((Series("vgg19", (("w", value),)) for value in values), key=series_order)
    assert [series.variant[0][1] for series in ordered] == ["1e-3", "5", "40", "400", "avg"]


def test_numbers_within_names_are_sorted_by_size() -> None:
    values = ["layer 10", "7", "", "layer 2", "layer", "2 layers", "10 layers", "layer 2b", "٣ layers", "9" * 400]
    ordered = sorted((Series("vgg19", (("w", value),)) for value in values), key=series_order)
    shown = [series.variant[0][1] for series in ordered]
    assert shown == [
        "7",
        "",
        "2 layers",
        "٣ layers",
        "10 layers",
        "9" * 400,
        "layer",
        "layer 2",
        "layer 2b",
        "layer 10",
    ]
