"""The summary of a grid: its numbers by hand, and what is said of those that are missing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from nstcore.result import Iterate, Trace
from pipeline.grid.series import Series
from pipeline.measures.names import MEASURES
from pipeline.report.plots import SummaryCell, grid_summary

VGG16, VGG19 = Series("vgg16"), Series("vgg19")


def run(*totals: float, pace: float = 1.0) -> Trace:
    return Trace(tuple(Iterate(step, step, step * pace, total, 1.0, 1.0, 1.0) for step, total in enumerate(totals)))


def panel(figure: Figure, label: str) -> Axes:
    (found,) = (axes for axes in figure.axes if axes.get_label() == label)
    return found


def points(figure: Figure, label: str, line: str) -> list[float]:
    (found,) = (each for each in panel(figure, label).get_lines() if each.get_label() == line)
    return np.asarray(found.get_xdata()).tolist()


def words(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(Text)).replace("\n", " ")


def test_dots_quartiles_and_medians() -> None:
    cells = [SummaryCell(VGG19, run(10.0, 10.0 * share, pace=share)) for share in (0.1, 0.2, 0.3, 0.4, 0.9)]
    figure = grid_summary([*cells, SummaryCell(VGG16, run(4.0, 1.0))], title="a")
    loss = "Final / initial loss"
    assert sorted(points(figure, loss, "VGG19 cells")) == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.9])
    assert points(figure, loss, "VGG19 quartiles") == pytest.approx([0.2, 0.4])
    assert points(figure, loss, "VGG19 median") == pytest.approx([0.3])
    assert points(figure, loss, "VGG16 median") == [0.25]
    assert points(figure, "Time per iteration", "VGG19 median") == pytest.approx([0.3])
    assert panel(figure, loss).get_xscale() == "log"
    assert panel(figure, "Time per iteration").get_xlim()[0] == 0
    assert panel(figure, "Time per iteration").get_xlabel().startswith("s")
    assert "VGG19, n=5" in words(figure)
    assert "VGG16, n=1" in words(figure)


def test_more_settings_than_rows_are_brought_together_by_backbone() -> None:
    cells = [
        SummaryCell(Series(backbone, (("seed", str(seed)),)), run(100.0, 1.0 + seed))
        for backbone in ("vgg19", "vgg16")
        for seed in range(13)
    ]
    figure = grid_summary(cells, title="")
    assert points(figure, "Final / initial loss", "VGG19 median") == pytest.approx([0.07])
    assert "VGG16, n=13" in words(figure)
    assert "26 are too many for a row each" in words(figure)
    assert "too many" not in words(grid_summary(cells[:12] + cells[13:25], title=""))


def test_a_run_that_ended_early_keeps_its_last_value() -> None:
    cells = [SummaryCell(VGG19, run(*totals)) for totals in ((8.0, 4.0), (8.0, 4.0, 2.0), (8.0, 8.0, 8.0))]
    figure = grid_summary(cells, title="")
    (curve,) = (line for line in panel(figure, "curves").get_lines() if line.get_label() == "VGG19")
    assert np.asarray(curve.get_xdata()).tolist() == [0, 1, 2]
    assert np.asarray(curve.get_ydata()).tolist() == [1, 0.5, 0.5]


def test_the_judges_of_a_measure_stand_side_by_side() -> None:
    cell = SummaryCell(VGG19, run(2.0, 1.0), {measure.name: 0.5 for measure in MEASURES})
    titles = [axes.get_label() for axes in grid_summary([cell], title="").axes]
    assert sorted(titles) == sorted(
        ["curves", "Final / initial loss", "Time per iteration", *(measure.title for measure in MEASURES)]
    )
    at = titles.index("Style left (VGG19)")
    assert titles[at : at + 2] == ["Style left (VGG19)", "Style left (EfficientNet-Lite0)"]


def test_measures_may_be_missing_or_unknown() -> None:
    cells = [
        SummaryCell(VGG19, run(2.0, 1.0), {"ssim": 0.25, "lpips": math.nan}),
        SummaryCell(VGG19, run(2.0, 1.0), {"ssim": math.nan, "unheard of": 1.0}),
        SummaryCell(VGG19, run(2.0, 1.0)),
    ]
    figure = grid_summary(cells, title="")
    assert points(figure, "SSIM to content", "VGG19 cells") == [0.25]
    assert "LPIPS to content" not in {axes.get_label() for axes in figure.axes}
    assert "SSIM to content: 1; LPIPS to content: 0" in words(figure)
    assert "Measures" not in words(grid_summary(cells[2:], title=""))


def test_cells_without_a_picture_are_counted() -> None:
    cells = [SummaryCell(VGG19, run(2.0, 1.0)), SummaryCell(VGG19), SummaryCell(VGG16), SummaryCell(VGG16, Trace(()))]
    shown = words(grid_summary(cells, title=""))
    assert "Cells without a picture, not in the figure: 3 (VGG16: 2; VGG19: 1)." in shown
    assert "VGG16, n=0" in shown


def test_a_loss_that_is_no_positive_number_is_said() -> None:
    figure = grid_summary([SummaryCell(VGG19, run(2.0, 1.0)), SummaryCell(VGG19, run(2.0, -1.0))], title="")
    assert points(figure, "Final / initial loss", "VGG19 cells") == [0.5]
    assert "Cells whose loss is not always positive and finite, left out of the curves: 1." in words(figure)
    assert "Final / initial loss: values that its axis cannot show: 1." in words(figure)


@pytest.mark.parametrize("cells", [[], [SummaryCell(VGG19)]])
def test_nothing_completed(cells: list[SummaryCell]) -> None:
    grid_summary(cells, title="a").draw_without_rendering()


def test_letters_are_of_eight_points_or_more() -> None:
    cells = [SummaryCell(Series("vgg19", (("w", str(number)),)), run(2.0, 1.0), {"ssim": 0.5}) for number in range(20)]
    figure = grid_summary(cells, title="a")
    assert min(text.get_fontsize() for text in figure.findobj(Text) if text.get_text()) >= 8
    assert figure.get_figwidth() <= 7.2
    assert all(f"w {number}" in words(figure) for number in range(20))


odd = st.one_of(st.floats(), st.sampled_from([0.0, 1e300, 5e-324, 1.0]))


@settings(max_examples=6, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([VGG16, VGG19]), st.lists(odd, max_size=3), odd, odd), max_size=5))
def test_any_numbers_can_be_drawn(cells: list[tuple[Series, list[float], float, float]]) -> None:
    made = [
        SummaryCell(series, run(*totals, pace=pace), {"ssim": measure, "lpips": -measure})
        for series, totals, pace, measure in cells
    ]
    grid_summary(made, title="").draw_without_rendering()
