"""The figures of a grid's pairs, several pairs to a task."""

from __future__ import annotations

import numpy as np
import pytest

from nstcore.pictures.images import write_picture
from pipeline import storage
from pipeline.grid.expansion import expand
from pipeline.grid.study import Study
from tasks import FigureSet, GridReport, LossPlot, TermsPlot, TimePlot, Transfer

KINDS = (LossPlot, TermsPlot, TimePlot)


@pytest.fixture
def report(tmp_path):
    """The report of a planned grid of 3 contents, 4 styles and 2 backbones."""
    random = np.random.default_rng(0)
    for kind, count in (("content", 3), ("style", 4)):
        (tmp_path / kind).mkdir()
        for number in range(count):
            picture = random.integers(0, 256, (40, 40, 3), np.uint8)
            write_picture(tmp_path / kind / f"{kind}{number}.png", picture)
    settings = {"size": 32, "weights": "random"}
    study = Study(str(tmp_path / "content"), str(tmp_path / "style"), backbones=("vgg16", "vgg19"), settings=settings)
    plan = expand(study, dict.fromkeys(study.networks(), "0" * 64), {})
    report = GridReport(grid=plan.digest, output_dir=str(tmp_path / "outputs"))
    report.plan_store().dump(plan)
    return report


def sets_of(report: GridReport) -> list[FigureSet]:
    return [step for step in report.requires() if isinstance(step, FigureSet)]


def test_every_pair_has_its_figures_in_one_of_few_sets(report):
    sets = sets_of(report)
    assert len(sets) == 2
    assert [pair for one in sets for pair in one.pairs()] == list(report.plan().pairs)
    drawn = [(type(figure), figure.content, figure.style) for one in sets for figure in one.figures()]
    assert drawn == [(kind, *pair) for pair in report.plan().pairs for kind in KINDS]


def test_a_set_requires_the_cells_that_its_figures_show(report):
    for one in sets_of(report):
        shown = {step for figure in one.figures() for step in figure.requires()}
        assert set(one.requires()) == shown
        assert len(one.requires()) == len(shown) == 2 * len(one.pairs())


def test_a_figure_that_cannot_be_drawn_does_not_keep_the_others_and_is_all_that_the_next_run_draws(report, monkeypatch):
    monkeypatch.setattr(Transfer, "complete", lambda _: True)
    monkeypatch.setattr(Transfer, "identity", lambda _: "one")
    first, _ = sets_of(report)
    broken = first.figures()[4]
    drawn, fonts = [], set()

    def draw(figure):
        if figure is broken and not fonts:
            raise RuntimeError("no such font")
        drawn.append(figure)
        for path in figure.output().paths():
            storage.write(path, b"a figure")

    for kind in KINDS:
        monkeypatch.setattr(kind, "draw", draw)
    with pytest.raises(ExceptionGroup, match="could not be drawn") as raised:
        first.run()
    assert [str(error) for error in raised.value.exceptions] == ["no such font"]
    assert drawn == [figure for figure in first.figures() if figure is not broken]
    assert not first.complete()

    drawn.clear()
    fonts.add("a font")
    first.run()
    assert drawn == [broken]
    assert first.complete()
