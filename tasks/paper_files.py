"""What a paper's page is made from and what lies beside it: the cells of its studies, and its figures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import PurePath

from pipeline.grid.paths import paper_figure_file
from pipeline.outputs.stores import VectorFigureStore
from pipeline.papers import Evidence, Finding, Key, Paper, Sample, Setup, key_of, sample_of
from pipeline.papers.page import UNTRANSFERRED
from pipeline.report.page import PageFigure
from pipeline.storage.places import place_at
from tasks.paper_computed import ComputedPictures
from tasks.report_task import relative_path
from tasks.study import StudyTask
from tasks.table import GridTable
from tasks.transfer import Transfer


def evidence_of(studies: Mapping[str, StudyTask], setup: Setup, computed: Iterable[ComputedPictures]) -> Evidence:
    """Every cell of some studies, by name, as it ended, and what was told of pictures that no cell made."""
    found: dict[tuple[Sample, Key], Finding] = {}
    for name, study in studies.items():
        found |= _findings(name, study)
    told = {(task.content, task.style): task.output().load() for task in computed if task.output().exists()}
    return Evidence(found, setup.samples, told, setup.portraits)


def _findings(name: str, study: StudyTask) -> Mapping[tuple[Sample, Key], Finding]:
    table = study.report(study.grid()).clone(GridTable)
    transfers = {
        (cell.content, cell.style, cell.series): Transfer.of(cell, table.output_dir, table.batch_size)
        for cell in table.cells()
    }
    found = {}
    for cell in table.report_cells():
        key, task = key_of(name, cell), transfers.get((cell.content, cell.style, cell.series))
        found[sample_of(cell), key] = Finding(
            key,
            cell,
            *((task.output().trace, task.output().picture) if task else ()),
            *((partial(task.cell.load_picture, kind) for kind in ("content", "style")) if task else ()),
        )
    return found


def reports_of(studies: Iterable[StudyTask], folder: PurePath) -> list[tuple[str, str]]:
    """Title and page of each study's own report, the page relative to a folder."""
    return [
        (study.study().title, relative_path(place_at(study.report(study.grid()).output().path), folder))
        for study in studies
    ]


def write_figures(paper: Paper, evidence: Evidence, folder: PurePath) -> dict[str, list[PageFigure]]:
    """Draw our side of a paper's figures into a folder, and say by exhibit where they are.

    The pictures that no transfer made are under `UNTRANSFERRED`.
    """
    # Matplotlib takes longer to import than a finished page to recognise.
    from pipeline.papers.figures import draw, draw_untransferred

    drawn = {exhibit.key: draw(exhibit, evidence) for exhibit in paper.exhibits}
    drawn[UNTRANSFERRED] = draw_untransferred(evidence)
    written: dict[str, list[PageFigure]] = {}
    for key, figures in drawn.items():
        for name, (title, figure) in figures.items():
            store = VectorFigureStore(os.fspath(paper_figure_file(folder, paper.key, key, name)))
            store.dump(figure)
            paths = [relative_path(place_at(each.path), folder) for each in (store, store.vector())]
            written.setdefault(key, []).append(PageFigure(title, *paths))
    return written
