"""How a report's page hangs its pictures: a wall per series, content x style, and a row per pair across series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nstcore.system.files import encodable
from pipeline.grid.backbone_labels import backbone_order
from pipeline.grid.series import Series
from pipeline.report.cell import PageFigure, PagePicture, ReportCell
from pipeline.report.page_data import ratio

#: A cell, and its place in the order of the page.
Placed = tuple[int, ReportCell]


@dataclass(frozen=True)
class Row:
    """One content picture of a wall.

    Attributes:
        content: its name.
        original: the picture, if a cell shows it.
        ratio: width / height of the pictures in the row.
        slots: per style of the wall, the cells there; more than one only if a study holds a cell twice.
    """

    content: str
    original: PagePicture | None
    ratio: float
    slots: list[list[Placed]]


@dataclass(frozen=True)
class Wall:
    """The pictures of one series.

    Attributes:
        label: of the series.
        note: what has to be known before the pictures are looked at; "" for ordinary weights.
        figure: the wall as one PNG; "" if there is none.
        styles: the names of the columns, and the pictures.
        rows: one per content.
    """

    label: str
    note: str
    figure: str
    styles: list[tuple[str, PagePicture | None]]
    rows: list[Row]


@dataclass(frozen=True)
class Pair:
    """A content and a style picture: names, places in the page's lists of names, and figures."""

    content: str
    style: str
    places: tuple[int, int]
    figures: Sequence[PageFigure]


def walls(cells: Sequence[ReportCell], figures: Mapping[Series, str], wary: Mapping[str, str]) -> list[Wall]:
    """Lay out cells that are in the order of the page: backbones as in the registry, variants as they come."""
    by_series: dict[Series, list[Placed]] = {}
    for place, cell in enumerate(cells):
        by_series.setdefault(cell.series, []).append((place, cell))
    order = sorted({*by_series, *figures}, key=lambda series: _place(series, list(by_series)))
    return [
        _wall(by_series.get(series, []), series.label, wary.get(series.backbone, ""), figures.get(series, ""))
        for series in order
    ]


def pairs(
    cells: Sequence[ReportCell],
    figures: Mapping[tuple[str, str], Sequence[PageFigure]],
    facets: Sequence[Mapping[str, Any]],
) -> list[Pair]:
    """Every pair that has a cell or a figure, sorted; a name that only a figure has is at place -1."""
    places = [{name: place for place, name in enumerate(facet["values"])} for facet in facets[:2]]
    names = sorted({*((cell.content, cell.style) for cell in cells), *figures})
    return [
        Pair(
            content,
            style,
            (places[0].get(encodable(content), -1), places[1].get(encodable(style), -1)),
            figures.get((content, style), ()),
        )
        for content, style in names
    ]


def _place(series: Series, found: list[Series]) -> tuple[Any, ...]:
    return (backbone_order(series.backbone), found.index(series) if series in found else len(found), series.variant)


def _wall(placed: Sequence[Placed], label: str, note: str, figure: str) -> Wall:
    slots: dict[tuple[str, str], list[Placed]] = {}
    for place, cell in placed:
        slots.setdefault((cell.content, cell.style), []).append((place, cell))
    contents = {cell.content: cell.content_picture for _, cell in placed}
    contents |= {cell.content: cell.content_picture for _, cell in placed if cell.content_picture}
    styles = {cell.style: cell.style_picture for _, cell in placed}
    styles |= {cell.style: cell.style_picture for _, cell in placed if cell.style_picture}
    shapes = {cell.content: ratio(cell) for _, cell in reversed(placed)}
    shapes |= {cell.content: ratio(cell) for _, cell in placed if cell.status == "done"}
    columns = sorted(styles)
    rows = [
        Row(content, contents[content], shapes[content], [slots.get((content, style), []) for style in columns])
        for content in sorted(contents)
    ]
    return Wall(label, note, figure, [(style, styles[style]) for style in columns], rows)
