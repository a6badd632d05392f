"""Plain data to the page of a grid's report, `index.html`; the table beside it is `pipeline.report.table`."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jinja2 import Environment

from nstcore.system.files import encodable
from pipeline.grid.backbone_labels import backbone_order, display_name
from pipeline.grid.series import Series
from pipeline.report.cell import PageFigure, PagePicture, ReportCell, Status, in_order, own_seconds, weights_of
from pipeline.report.networks import Compared, network_rows, training_seconds
from pipeline.report.page_data import page_data
from pipeline.report.page_text import duration, is_doubt, loss, percent, setting, times
from pipeline.report.page_walls import pairs, walls
from pipeline.report.table import CSV_COLUMNS, grid_csv
from pipeline.report.templating import environment, script_hash, sources

if TYPE_CHECKING:
    from pipeline.nights.page import NightPage

__all__ = ["CSV_COLUMNS", "PageFigure", "PagePicture", "ReportCell", "Status", "grid_csv", "index_html"]

# In this order they are one style sheet and one script: a page opened from a disk cannot load modules.
_STYLES = ("page.css", "walls.css", "tools.css", "viewer.css", "changes.css")
_SCRIPTS = ("data.js", "state.js", "walls.js", "pairs.js", "table.js", "filters.js", "viewer.js", "way.js", "start.js")

# Up to so many cells the page has all its pictures at once, for whoever prints it or takes a picture of it.
_EAGER = 100


def index_html(
    cells: Iterable[ReportCell],
    *,
    title: str,
    pair_figures: Mapping[tuple[str, str], Sequence[PageFigure]],
    image_grids: Mapping[Series, str],
    summary_figures: Sequence[PageFigure] = (),
    network_figures: Mapping[str, PageFigure] | None = None,
    compared: Compared | None = None,
    missing_backbones: Mapping[str, str],
    settings: Mapping[str, object],
    passed_over: Mapping[str, Sequence[str]] | None = None,
    ballot: str = "",
    changes: NightPage | None = None,
) -> str:
    """The report as one page that needs nothing but the pictures in its folder.

    Without a script it shows the pictures, the figures and what is missing; the script adds filters, a table of all
    numbers and a viewer.

    Args:
        cells: in any order; variants of a backbone in that of their study.
        title: of the page.
        pair_figures: by (content, style); paths relative to the report's folder, unquoted, like all paths here.
        image_grids: the pictures of a series as one figure.
        summary_figures: of the whole grid.
        network_figures: how a network was trained, by its digest.
        compared: networks' pictures, and starts from them, with the usual start.
        missing_backbones: why a backbone was left out of the grid.
        passed_over: what lies in the folders of pictures and is none, by folder.
        settings: of the grid, in the order given; sequences are joined by commas.
        ballot: the page on which its pictures are voted on; "" if there is none.
        changes: what is to stand at the top of a night's page.

    Returns:
        HTML to be written as UTF-8. All names are escaped, all paths quoted.
    """
    rows = in_order(cells)
    seconds = [own_seconds(cell) for cell in rows]
    script = sources(*(f"page/{name}" for name in _SCRIPTS))
    data = page_data(rows)
    weights = _weights(rows)
    wary = {source["backbone"]: source["note"] for source in weights if source["wary"]}
    page = _environment().get_template("index.html")
    return encodable(
        page.render(
            title=title,
            style=sources(*(f"page/{name}" for name in _STYLES)),
            script=script,
            script_hash=script_hash(script),
            data=data,
            count=len(rows),
            counts={status: sum(cell.status == status for cell in rows) for status in ("done", "failed", "skipped")},
            trained_in=training_seconds(rows),
            networks=network_rows(rows, network_figures or {}, compared),
            seconds=math.fsum(value for value in seconds if isinstance(value, int | float)),
            missing_backbones=[
                (backbone, missing_backbones[backbone], sum(_lost_with(cell, {backbone}) for cell in rows))
                for backbone in sorted(missing_backbones, key=backbone_order)
            ],
            gaps=_gaps(cell for cell in rows if not _lost_with(cell, missing_backbones)),
            loading="lazy" if len(rows) > _EAGER else "eager",
            summary_figures=summary_figures,
            walls=walls(rows, image_grids, wary),
            pairs=pairs(rows, pair_figures, data["facets"]),
            weights=weights,
            passed_over=passed_over or {},
            settings=[(name, setting(value)) for name, value in settings.items()],
            ran_with=_ran_with(rows),
            ballot=ballot,
            changes=changes,
        )
    )


def _environment() -> Environment:
    made = environment()
    made.filters |= {
        "backbone": display_name,
        "percent": percent,
        "duration": duration,
        "loss": loss,
        "times": times,
        "setting": setting,
    }
    return made


def _lost_with(cell: ReportCell, missing_backbones: Container[str]) -> bool:
    """Whether a cell was skipped only because its whole backbone was, which the page says once."""
    return cell.status == "skipped" and cell.backbone in missing_backbones


def _gaps(cells: Iterable[ReportCell]) -> list[dict[str, Any]]:
    """Cells without a picture by status and reason, because one cause usually takes many.

    `pairs` are its pairs of pictures, each with the labels of the series that lost it. They are left out where a pair
    lost all there are, or where nothing varies and the backbones of the group say as much.
    """
    groups: defaultdict[tuple[Status, str], list[ReportCell]] = defaultdict(list)
    cells = list(cells)
    every = {cell.series for cell in cells}
    for cell in cells:
        if cell.status != "done":
            groups[cell.status, cell.reason or "no reason was recorded"].append(cell)
    gaps = []
    for (status, reason), members in sorted(groups.items()):
        members.sort(key=lambda cell: backbone_order(cell.backbone))
        pairs: dict[tuple[str, str], list[str]] = {}
        for cell in members:
            pairs.setdefault((cell.content, cell.style), []).append(cell.series.label)
        varies = any(each.variant for each in every)
        all_of_them = len(every if varies else {cell.series for cell in members})
        gaps.append(
            {
                "status": status,
                "reason": reason,
                "count": len(members),
                "backbones": list(dict.fromkeys(display_name(cell.backbone) for cell in members)),
                "pairs": [(*pair, labels if len(labels) < all_of_them else []) for pair, labels in pairs.items()],
            }
        )
    return gaps


def _weights(cells: Iterable[ReportCell]) -> list[dict[str, Any]]:
    """Every distinct set of weights in the grid, by backbone; `wary` if its pictures are not those of the network."""
    distinct: dict[tuple[str, str], dict[str, Any]] = {}
    for cell in cells:
        for weights, backbone in weights_of(cell.manifest, cell.backbone):
            note = str(weights.get("note") or "")
            entry = {**weights, "backbone": backbone, "note": note, "wary": is_doubt(note)}
            distinct[backbone, repr(weights)] = entry
    return [distinct[key] for key in sorted(distinct, key=lambda key: (backbone_order(key[0]), key[1]))]


def _ran_with(cells: Iterable[ReportCell]) -> list[tuple[str, str]]:
    """What the cells ran on: every value that occurs, by name."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for cell in cells:
        record = cell.manifest or {}
        for name, value in {
            "device": record.get("device"),
            "engine": record.get("engine_version"),
            **(record.get("versions") or {}),
        }.items():
            if value is not None:
                found[name].add(str(value))
    return [(name, ", ".join(sorted(values))) for name, values in found.items()]
