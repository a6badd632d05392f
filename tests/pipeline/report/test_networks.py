"""What a report says of trained networks: when they have paid, against whom, and how they are drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nstcore.config import TransferConfig
from nstcore.result import Iterate, Trace
from pipeline.grid.series import Series
from pipeline.report import plots
from pipeline.report.cell import PageFigure, ReportCell
from pipeline.report.networks import (
    network_rows,
    pays_after,
    saved_iterations,
    trained,
    training_seconds,
    worth_iterations,
)
from pipeline.report.page import grid_csv, index_html
from pipeline.report.page_text import duration, loss, times
from pipeline.report.plots import SummaryCell

OPTIMIZED, NETWORK = Series("vgg19"), Series("vgg19", method="feedforward")


def cell(content: str, method: str, seconds: float, total: float, *, backbone: str = "vgg19", **others) -> ReportCell:
    network = {
        "digest": "d1",
        "file": "networks/ink/vgg19-d1/network.keras",
        "sha256": "ab" * 32,
        "size": "small",
        "width": 16,
        "blocks": 3,
        "upsampling": "nearest",
        "steps": 2000,
        "seconds": 600.0,
        "held_out": 12.5,
        "photographs": "inputs/photographs",
        "device": "CPU",
    }
    manifest = {
        "config": {"size": 256},
        "weights": {"source": "a registry", "version": "1", "sha256": "cd" * 32, "archive_sha256": None, "note": ""},
        "digest": f"{content}{method}",
        "result": {"seconds": seconds, "batch_size": 1, "total": total, "initial_total": 40.0, "iterations": 1},
        **({"network": network} if method == "feedforward" else {}),
    }
    others = {"picture": "p.png", "method": method, **others}
    return ReportCell(content, "ink", backbone, "done", manifest, **others)


CELLS = [
    cell("a", "optimize", 60.0, 2.0),
    cell("a", "feedforward", 0.1, 3.0),
    cell("b", "optimize", 80.0, 4.0),
    cell("b", "feedforward", 0.3, 4.0),
    cell("c", "feedforward", 0.2, 9.0),  # never optimised
    cell("a", "optimize", 1.0, 1.0, backbone="vgg16"),  # of another backbone
]


@pytest.mark.parametrize("training", [0.5, 1.0, 59.9, 600.0, 601.5])
@pytest.mark.parametrize(("per_picture", "optimized"), [(0.1, 60.0), (0.5, 1.0), (0.0, 0.7)])
def test_training_has_paid_after_the_least_number_of_pictures(training, per_picture, optimized):
    found = next(n for n in range(1, 10_000) if training + n * per_picture <= n * optimized)
    assert pays_after(training, per_picture, optimized) == found


def test_training_never_pays_where_a_pass_is_no_faster_and_is_not_judged_without_a_comparison():
    assert pays_after(10.0, 2.0, 2.0) == math.inf
    assert pays_after(10.0, 3.0, 2.0) == math.inf
    assert pays_after(10.0, None, 2.0) is None
    assert pays_after(10.0, 0.1, None) is None


def test_a_network_is_compared_with_the_optimised_cells_of_its_backbone():
    (row,) = network_rows(CELLS, {"d1": PageFigure("curve", "training/t.png")})
    assert (row.style, row.label, row.shape) == ("ink", "VGG19", "small (width 16, 3 blocks, nearest upsampling)")
    assert (row.per_picture, row.optimized, row.pictures) == (0.2, 70.0, 3)
    assert row.ratio == pytest.approx(np.median([3.0 / 2.0, 4.0 / 4.0]))
    assert row.pays == f"after {math.ceil(600 / (70 - 0.2))} pictures"
    assert row.figure == PageFigure("curve", "training/t.png")
    assert training_seconds(CELLS) == 600.0  # once, however many cells it made


def test_without_optimised_cells_there_is_nothing_to_compare_with():
    (row,) = network_rows([CELLS[1]], {})
    assert (row.optimized, row.ratio, row.pays, row.figure) == (None, None, "nothing to compare with", None)


@pytest.mark.parametrize(
    ("usual", "refined", "saved"),
    [
        ((9, 5, 3, 2), (4, 2.5, 2, 1), (1, 3)),  # reaches 2 at its iteration 2
        ((9, 5, 3, 2), (1, 0.5), (3, 3)),  # is below from the start
        ((9, 5, 3, 2), (4, 3, 2.5, 2.1), (0, 3)),  # never
        ((9, 2), (3, 2.5, 2.2, 1.0), (0, 1)),  # later than the usual start
    ],
)
def test_iterations_are_saved_up_to_the_loss_that_the_usual_start_ends_at(usual, refined, saved):
    assert saved_iterations(trace(*usual), trace(*refined)) == saved


@pytest.mark.parametrize(
    ("usual", "applied", "worth"),
    [((9, 5, 3, 2), (9, 4), (2, 3)), ((9, 5, 3, 2), (9, 10), (0, 3)), ((9, 5, 3, 2), (9, 1), (3, 3))],
)
def test_a_picture_is_worth_the_iterations_to_its_loss(usual, applied, worth):
    assert worth_iterations(trace(*usual), trace(*applied)) == worth


def test_what_a_picture_is_worth_is_told_as_the_median():
    keys = [(each.content, each.style, each.series) for each in CELLS if each.method == "feedforward"]
    (row,) = network_rows(CELLS, {}, dict(zip(keys, [(10, 60), (30, 60), (60, 60)], strict=True)))
    assert (row.worth, row.saved) == ("30 iterations", "")
    (row,) = network_rows(CELLS, {}, {keys[0]: (60, 60)})
    assert row.worth == "60 iterations or more"


def test_what_a_start_saves_is_told_with_the_pictures_that_save_none():
    refined = [cell(name, "refine", 30.0, 2.0) for name in "abc"]
    for each in refined:
        each.manifest["network"] = CELLS[1].manifest["network"]
    keys = [(each.content, each.style, each.series) for each in refined]
    saved = dict(zip(keys, [(30, 60), (0, 60), (45, 60)], strict=True))
    (row,) = network_rows([*CELLS, *refined], {}, saved)
    assert row.saved == "30 iterations (50%); 1 of 3 pictures save none"
    assert (row.pictures, row.per_picture) == (3, 0.2)  # of those that the network gave
    assert network_rows(CELLS, {})[0].saved == ""
    assert "A start from it saves" not in html(CELLS)


def test_a_cell_says_how_its_network_came_about():
    assert trained(CELLS[1]) == "trained before in 10 min, 2000 steps"
    assert trained(CELLS[0]) == ""


def html(cells) -> str:
    figures = {"d1": PageFigure("curve", "training/t.png")}
    return index_html(
        cells, title="t", pair_figures={}, image_grids={}, missing_backbones={}, settings={}, network_figures=figures
    )


def test_the_page_has_a_section_only_where_there_are_networks():
    page = html(CELLS)
    assert 'id="networks"' in page
    assert "after 9 pictures" in page
    assert "training/t.png" in page
    assert "10 min of training" in page
    plain = html([each for each in CELLS if each.method == "optimize"])
    assert 'id="networks"' not in plain
    assert "of training" not in plain
    assert '"Method"' not in plain


def test_the_table_has_columns_of_methods_only_where_there_are_several():
    with_methods, plain = (grid_csv(cells).splitlines()[0] for cells in (CELLS, CELLS[:1]))
    assert with_methods == f'{plain},"method","network_sha256","training_steps","training_seconds"'


def trace(*totals: float) -> Trace:
    return Trace(tuple(Iterate(step, step, 0.5 * step, total, 1.0, 1.0, 1.0) for step, total in enumerate(totals)))


def lines(axes) -> dict[str, list]:
    return {line.get_label(): line.get_xydata().tolist() for line in axes.lines}


def test_the_loss_of_a_network_is_a_level_line_as_long_as_the_longest_curve():
    traces = {OPTIMIZED: trace(8.0, 4.0, 2.0, 1.0), NETWORK: trace(8.0, 2.0)}
    raw, relative = plots.loss_per_iteration(traces, title="").axes
    assert lines(raw)[NETWORK.label] == [[0, 2.0], [3, 2.0]]
    assert lines(relative)[NETWORK.label] == [[0, 0.25], [3, 0.25]]
    assert lines(raw)[OPTIMIZED.label] == [[0, 8.0], [1, 4.0], [2, 2.0], [3, 1.0]]
    terms = plots.terms_per_iteration(traces, dict.fromkeys(traces, TransferConfig()), title="")
    assert [x for x, _ in lines(terms.axes[0])[NETWORK.label]] == [0, 3]
    summary = plots.grid_summary([SummaryCell(series, each) for series, each in traces.items()], title="")
    (bands,) = (axes for axes in summary.axes if axes.get_title(loc="left") == "Loss per iteration")
    assert lines(bands)[NETWORK.label] == [[0, 0.25], [3, 0.25]]


def test_the_legend_says_that_it_was_one_pass():
    figure = plots.time_and_loss({OPTIMIZED: trace(8.0, 4.0, 2.0), NETWORK: trace(8.0, 2.0)}, title="")
    texts = " ".join(text.get_text() for text in figure.texts)
    assert "VGG19, feed-forward, 0.5 s in one pass" in texts
    figure = plots.loss_per_iteration({NETWORK: trace(8.0, 2.0)}, title="")
    assert "Level lines: " in " ".join(text.get_text() for text in figure.texts)


def test_times_and_ratios_are_written_for_people():
    assert (duration(0.0642), duration(0.9996), duration(36.04), duration(None)) == ("64 ms", "1.0 s", "36.0 s", "–")
    assert (loss(12.3456), loss(math.nan), times(1.4567), times(None)) == ("12.35", "–", "1.46 ×", "–")
