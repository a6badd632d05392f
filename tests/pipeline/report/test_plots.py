"""Figures, checked by what is in their axes and by the pixels and bytes that are saved."""

from __future__ import annotations

import math
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from nstcore.config import TransferConfig
from nstcore.networks.backbones import BACKBONES
from nstcore.result import Iterate, Trace
from pipeline.grid.series import Series
from pipeline.report import plots
from pipeline.report.plots import SummaryCell
from pipeline.report.plots.text_layout import drawable, figure_style, fit, measure

OKABE_ITO = {"#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}
VGG16, VGG19, RESNET50 = Series("vgg16"), Series("vgg19"), Series("resnet50")
HOSTILE = '$x_1^2$ \\frac{ <b>"it\'s" 日本語 Ωμέγα عربى \n\t_' + "long_name-" * 10


def trace(*totals: float) -> Trace:
    return Trace(
        tuple(Iterate(step, 2 * step + 1, 0.5 * step, total, 1.0, 1.0, 1.0) for step, total in enumerate(totals))
    )


def curves(figure: Figure, panel: int) -> dict[str, tuple[list[float], list[float]]]:
    lines = figure.axes[panel].get_lines()
    return {
        str(line.get_label()): (np.asarray(line.get_xdata()).tolist(), np.asarray(line.get_ydata()).tolist())
        for line in lines
    }


def terms(traces: dict[Series, Trace]) -> Figure:
    return plots.terms_per_iteration(traces, dict.fromkeys(traces, TransferConfig()), title="")


def words(figure: Figure) -> str:
    """All text of a figure, with line breaks as spaces."""
    return " ".join(text.get_text() for text in figure.findobj(Text)).replace("\n", " ")


def noise(height: int, width: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def saved(figure: Figure, folder: Path) -> np.ndarray:
    plots.save(figure, folder / "figure.png")
    return np.array(Image.open(folder / "figure.png").convert("RGB"))


def test_panels_hold_the_losses_as_they_are_and_divided_by_the_first() -> None:
    figure = plots.loss_per_iteration({VGG19: trace(8e9, 2e9, 4e8), VGG16: trace(50.0, 40.0)}, title="a × b")
    assert curves(figure, 0)["VGG19"] == ([0, 1, 2], [8e9, 2e9, 4e8])
    assert curves(figure, 0)["VGG16"] == ([0, 1], [50.0, 40.0])
    assert curves(figure, 1)["VGG19"] == ([0, 1, 2], [1.0, 0.25, 0.05])
    assert curves(figure, 1)["VGG16"] == ([0, 1], [1.0, 0.8])
    for axes in figure.axes:
        assert axes.get_yscale() == "log"
        assert axes.get_xlabel() == "Iteration"
        assert "loss" in axes.get_ylabel()
    assert "a × b" in words(figure)
    assert "VGG19, final loss 4e+08 (5 % of initial)" in words(figure)


@pytest.mark.parametrize("others", [[], ["vgg16"], ["resnet50", "inceptionv3", "vgg16"]])
def test_a_backbone_always_looks_the_same(others: list[str]) -> None:
    def look(names: list[str]) -> tuple[object, ...]:
        figure = plots.loss_per_iteration({Series(name): trace(3.0, 2.0) for name in names}, title="")
        (line,) = (line for line in figure.axes[0].get_lines() if line.get_label() == "VGG19")
        return line.get_color(), line.get_linestyle(), line.get_marker()

    assert look([*others, "vgg19"]) == look(["vgg19"]) == ("#D55E00", "--", "s")


def test_backbones_are_told_apart_by_color_and_by_marker() -> None:
    figure = plots.loss_per_iteration({Series(name): trace(3.0, 2.0) for name in BACKBONES}, title="")
    lines = figure.axes[0].get_lines()
    assert (
        len({line.get_color() for line in lines} & OKABE_ITO)
        == len({line.get_marker() for line in lines})
        == len(BACKBONES)
    )


def test_notes_are_in_the_figure_even_without_a_curve() -> None:
    notes = {VGG19: "stand-in weights", RESNET50: "failed: no $weights", VGG16: ""}
    figure = plots.loss_per_iteration({VGG19: trace(2.0, 1.0)}, title="", notes=notes)
    assert "final loss 1 (50 % of initial); stand-in weights" in words(figure)
    assert "ResNet50, no curve; failed: no $weights" in words(figure)
    assert "VGG16" not in words(figure)


@pytest.mark.parametrize("traces", [{}, {VGG19: Trace(())}])
def test_nothing_completed(traces: dict[Series, Trace], tmp_path: Path) -> None:
    figure = plots.loss_per_iteration(traces, title="a × b", notes={VGG16: "failed: why"})
    assert "No backbone has completed this pair." in words(figure)
    assert "failed: why" in words(figure)
    assert saved(figure, tmp_path).size


def test_losses_of_zero_or_less_are_at_the_bottom_and_said(tmp_path: Path) -> None:
    figure = plots.loss_per_iteration({VGG19: trace(5.0, 2.0, 0.0, -3.0)}, title="")
    assert curves(figure, 0)["VGG19"][1] == [5.0, 2.0, 0.2, 0.2]
    assert curves(figure, 0)["VGG19 below"] == ([2, 3], [0.2, 0.2])
    assert "a loss of zero or less" in words(figure)
    assert "final loss -3" in words(figure)
    assert saved(figure, tmp_path).size


@pytest.mark.parametrize("first", [0.0, -1.0, math.nan, math.inf])
def test_no_relative_curve_without_an_initial_loss(first: float, tmp_path: Path) -> None:
    figure = plots.loss_per_iteration({VGG19: trace(first, 1.0)}, title="")
    assert all(math.isnan(value) for value in curves(figure, 1)["VGG19"][1])
    assert "no relative curve" in words(figure)
    assert saved(figure, tmp_path).size


totals = st.one_of(st.floats(), st.floats(1e-3, 1e9), st.sampled_from([0.0, -0.0, 5e-324, sys.float_info.max]))


@settings(max_examples=6, deadline=None)
@given(st.dictionaries(st.sampled_from([*BACKBONES, "_new$"]), st.lists(totals, min_size=1, max_size=4), min_size=1))
def test_any_losses_can_be_drawn(losses: dict[str, list[float]]) -> None:
    traces = {Series(name): trace(*values) for name, values in losses.items()}
    figure = plots.loss_per_iteration(traces, title="")
    for other in (plots.time_and_loss(traces, title=""), terms(traces)):
        other.draw_without_rendering()
    plots.grid_summary([SummaryCell(*item) for item in traces.items()], title="").draw_without_rendering()
    figure.draw_without_rendering()
    for name, values in losses.items():
        shown = dict(zip(*curves(figure, 0)[Series(name).label], strict=True))
        for step, value in enumerate(values):
            if 1e-100 <= value <= 1e100:
                assert shown[step] == value


@settings(max_examples=6, deadline=None)
@given(st.text(max_size=100))
@example("\U0001ee27")  # in Matplotlib's ordinary font but not in its bold one
def test_any_text_can_be_drawn(text: str) -> None:
    pictures = {(text, text): noise(20, 20, 1)}
    for figure in (
        plots.loss_per_iteration(
            {VGG19: trace(2.0, 1.0)}, title=text, notes={VGG19: text, Series(text, ((text, text),)): text}
        ),
        plots.time_and_loss({Series(text, ((text, text),)): trace(2.0, 1.0)}, title=text),
        plots.grid_summary([SummaryCell(Series(text, ((text, text),)), trace(2.0, 1.0))], title=text),
        plots.picture_table(pictures, rows=[text], columns=[text], title=text, row_title=text, column_title=text),
        plots.image_grid(pictures, contents={}, styles={}, title=text, missing={("", text): text}),
    ):
        figure.draw_without_rendering()


def test_names_are_never_formulas(tmp_path: Path) -> None:
    curve = plots.loss_per_iteration({VGG19: trace(2.0)}, title=HOSTILE, notes={VGG19: HOSTILE})
    assert words(curve).count('$x_1^2$ \\frac{ <b>"it\'s"') == 2
    short = {("$c_1$", "$s_1$"): "$r_1$"}
    grid = plots.image_grid({}, contents={}, styles={}, title="$t_1$", missing=short)
    assert all(f"${letter}_1$" in words(grid) for letter in "csrt")
    for figure in (curve, grid):
        assert not any(text.get_parse_math() for text in figure.findobj(Text) if "_1" in text.get_text())
        assert saved(figure, tmp_path).size


@given(st.text(), st.floats(5, 500), st.integers(1, 4))
def test_text_is_fitted(text: str, width: float, lines: int) -> None:
    fitted = fit(text, width=width, size=10, lines=lines).split("\n")
    assert len(fitted) <= lines
    assert all(len(line) <= 1 or measure(line, 10) <= width for line in fitted)
    if "…" not in "".join(fitted):
        assert "".join(fitted).replace(" ", "") == "".join(drawable(text).split())
    assert all(char.isprintable() for line in fitted for char in line)


@pytest.mark.parametrize(("dpi", "size"), [(200, 9), (200, 8), (128, 6.2)])
@pytest.mark.parametrize("line", ["VGG19, no curve; failed: vgg19 has no layer 'conv1_pad'", "conv5_block3_2_bn_" * 4])
def test_a_line_is_drawn_as_wide_as_measured(line: str, dpi: int, size: float) -> None:
    with figure_style():
        figure = Figure(figsize=(8, 1), dpi=dpi)
        drawn = figure.text(0, 0.5, line, fontsize=size)
        extent = drawn.get_window_extent(FigureCanvasAgg(figure).get_renderer())
    assert extent.width / dpi * 72 == pytest.approx(measure(line, size), rel=0.01)


def test_names_that_differ_in_letters_no_font_has_stay_apart() -> None:
    private = [drawable(f"a{chr(0xE000 + 0x1800)}"), drawable(f"a{chr(0xE000 + 0x1801)}")]
    assert private == ["a\\uf800", "a\\uf801"]


def figures() -> list[Figure]:
    return [
        plots.loss_per_iteration({VGG19: trace(3.0, 2.0)}, title="a", notes={VGG16: "b"}),
        plots.image_grid({("a", "b"): noise(50, 50, 1)}, contents={}, styles={}, title="c"),
        plots.picture_table({("a", "b"): noise(50, 50, 1)}, rows=["a"], columns=["b"], title="c"),
        plots.time_and_loss({VGG19: trace(3.0, 2.0)}, title="a"),
        terms({VGG19: trace(3.0, 2.0)}),
        plots.grid_summary([SummaryCell(VGG19, trace(3.0, 2.0), {"ssim": 0.5})] * 400, title="a"),
    ]


@pytest.mark.parametrize("suffix", [".png", ".PNG", ".svg"])
def test_the_same_data_gives_the_same_bytes(suffix: str, tmp_path: Path) -> None:
    for first, second in zip(figures(), figures(), strict=True):
        plots.save(first, tmp_path / f"first{suffix}")
        plots.save(second, tmp_path / f"second{suffix}")
        encoded = (tmp_path / f"first{suffix}").read_bytes()
        assert encoded == (tmp_path / f"second{suffix}").read_bytes()
        assert not any(word in encoded for word in (b"matplotlib.org", b"Created with", b"date>"))


def test_a_png_has_no_text_and_no_time(tmp_path: Path) -> None:
    plots.save(figures()[0], tmp_path / "figure.png")
    encoded = (tmp_path / "figure.png").read_bytes()
    kinds, at = [], 8
    while at < len(encoded):
        length, kind = struct.unpack(">I4s", encoded[at : at + 8])
        kinds.append(kind)
        at += 12 + length
    assert set(kinds) == {b"IHDR", b"pHYs", b"IDAT", b"IEND"}


def test_the_order_of_a_mapping_changes_nothing(tmp_path: Path) -> None:
    names = {VGG19: trace(3.0, 2.0), VGG16: trace(2.0, 1.0)}
    backwards = dict(reversed(names.items()))
    one, other = (saved(plots.loss_per_iteration(each, title=""), tmp_path) for each in (names, backwards))
    assert np.array_equal(one, other)


def test_a_save_that_fails_leaves_the_old_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "figure.png"
    path.write_bytes(b"old")

    def fail(*_: object, **__: object) -> None:
        raise OSError("no space")

    for owner, name in ((os, "replace"), (Path, "write_bytes"), (Figure, "savefig")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, fail)
            with pytest.raises(OSError, match="no space"):
                plots.save(figures()[0], path)
        assert [file.name for file in tmp_path.iterdir()] == ["figure.png"]
        assert path.read_bytes() == b"old"


def test_a_suffix_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.png or \.svg.*Received: path=.*figure\.txt"):
        plots.save(figures()[0], tmp_path / "figure.txt")


def test_neither_a_window_nor_a_network_nor_a_scheduler_is_imported() -> None:
    code = """
import sys, pipeline.report.plots, pipeline.report.page
print(sorted({"matplotlib.pyplot", "keras", "tensorflow", "luigi"} & set(sys.modules)))
"""
    root = Path(plots.__file__).parents[3]
    found = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
