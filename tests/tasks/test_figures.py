"""Figure tasks as the report's page and the command line see them; `test_full_grid` runs them."""

from __future__ import annotations

import pytest

from nstcore import TransferConfig
from pipeline.grid.cell import Cell
from pipeline.grid.expansion import Grid
from pipeline.grid.paths import plan_file, report_folder
from pipeline.grid.series import Series
from pipeline.outputs.stores import GridStore
from pipeline.report.page import PageFigure
from tasks import FrontsPlot, GridReport, ImageGrid, LossPlot, SummaryPlot, TermsPlot, TimePlot


@pytest.mark.parametrize(
    ("task", "folder"), [(LossPlot, "loss_per_iteration"), (TermsPlot, "terms_per_iteration"), (TimePlot, "time")]
)
def test_a_page_finds_both_files_of_a_pair(task, folder, tmp_path):
    cell = Cell("a <b>", "$s", *[""] * 4, TransferConfig(), "", "0")
    GridStore(str(plan_file(report_folder(tmp_path, "g")))).dump(Grid((cell,), (), {}, {}, "Pairs", (cell.series,)))
    figure = task(grid="g", content="a <b>", style="$s", output_dir=str(tmp_path)).page_figure()
    assert figure == PageFigure(figure.title, f"{folder}/a <b>--$s.png", f"{folder}/a <b>--$s.svg")
    assert figure.title


def test_a_page_finds_the_figures_of_a_whole_grid():
    assert SummaryPlot(grid="g").page_figure() == PageFigure("Summary of all pairs", "summary.png", "summary.svg")
    assert ImageGrid(grid="g", backbone="vgg19").page_figure() == PageFigure("VGG19", "image_grid/vgg19.png")


def test_a_table_of_pictures_belongs_to_a_series():
    variant = (("style_weight", "40"), ("pooling", "avg"))
    task = ImageGrid(grid="g", backbone="vgg19", variant=variant)
    assert ImageGrid.from_str_params(task.to_str_params()) is task
    assert task.series == Series("vgg19", variant)
    assert task.page_figure() == PageFigure(task.series.label, f"image_grid/{task.series.file_stem}.png")


@pytest.mark.parametrize(("weights", "shown"), [((40.0, 5.0), True), ((40.0, 40.0), False)])
def test_a_page_shows_what_weights_trade_where_they_vary(weights, shown, tmp_path):
    cells = tuple(
        Cell("a", "b", *[""] * 4, TransferConfig(style_weight=weight), "", str(number), variant=(("n", str(number)),))
        for number, weight in enumerate(weights)
    )
    grid = Grid(cells, (), {}, {}, "Weights", tuple(cell.series for cell in cells))
    GridStore(str(plan_file(report_folder(tmp_path, "g")))).dump(grid)
    asked = GridReport(grid="g", output_dir=str(tmp_path)).requires()
    figures = [task.page_figure() for task in asked if isinstance(task, FrontsPlot)]
    expected = PageFigure("Style left against content lost", "fronts.png", "fronts.svg")
    assert figures == ([expected] if shown else [])
