"""Plain data to the two texts of a grid's report: `grid.csv` and `index.html`."""

from __future__ import annotations

import csv
import io
import math
import os
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.backbone_labels import backbone_order, display_name
from pipeline.series import Series, Variant, variant_label

Status = Literal["done", "failed", "skipped"]


@dataclass(frozen=True)
class ReportCell:
    """One cell as a report shows it.

    Attributes:
        content, style, backbone: the cell's names; any text.
        status: whether there is a picture.
        manifest: what `manifest.json` holds, or None where the cell did not finish.
        reason: why there is no picture, in one line; "" for a finished cell.
        picture: path of the picture relative to the report's folder, with "/" and unquoted; "" if there is none.
        preset: the named settings it was made with.
        variant: what the study varied and to what.
        measures: by the names in `pipeline.measure_names`, those that could be measured; None if none was tried.
        unmeasured: why a finished cell lacks measures, in one line; "" if it has all.
    """

    content: str
    style: str
    backbone: str
    status: Status
    manifest: dict[str, Any] | None
    reason: str = ""
    picture: str = ""
    preset: str = ""
    variant: Variant = ()
    measures: Mapping[str, float] | None = None
    unmeasured: str = ""

    @property
    def series(self) -> Series:
        return Series(self.backbone, self.variant)


@dataclass(frozen=True)
class PageFigure:
    """A figure as a page shows it; paths are relative to the report's folder, with "/" and unquoted.

    Attributes:
        title: what it shows, a few words.
        picture: the PNG.
        vector: the same as SVG; "" if there is none.
    """

    title: str
    picture: str
    vector: str = ""


# Columns of grid.csv that come from the manifest, and where they are in it. Losses are without unit.
_FROM_MANIFEST: dict[str, tuple[str, str]] = {
    "size": ("config", "size"),  # longest side asked for, pixels
    "width": ("result", "width"),
    "height": ("result", "height"),
    "iterations": ("result", "iterations"),
    "evaluations": ("result", "evaluations"),
    "seconds": ("result", "seconds"),  # wall time of its whole batch
    "batch_size": ("result", "batch_size"),
    "initial_total": ("result", "initial_total"),
    "total": ("result", "total"),
    "relative_total": ("result", "relative_total"),  # total / initial_total, see `_lookup`
    "content_loss": ("result", "content"),
    "style_loss": ("result", "style"),
    "total_variation": ("result", "total_variation"),
    "precision": ("config", "precision"),
    "peak_memory_mib": ("result", "peak_memory_mib"),
    "weights_source": ("weights", "source"),
    "weights_version": ("weights", "version"),
    "weights_sha256": ("weights", "sha256"),
    "weights_note": ("weights", "note"),
    "device": ("", "device"),
    "backend": ("versions", "backend"),
    "keras": ("versions", "keras"),
    "engine_version": ("", "engine_version"),
    "finished": ("", "finished"),
}
CSV_COLUMNS = (
    *("content", "style", "backbone", "preset", "variant", "status", "digest"),
    *_FROM_MANIFEST,
    *("picture", "reason"),
)

# What makes a spreadsheet read a text as a formula (OWASP, "CSV Injection"), the full-width forms included.
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")


def grid_csv(cells: Iterable[ReportCell]) -> str:
    """A header and a row per cell, sorted by content, style and backbone; what is unknown is left empty.

    Texts are quoted and numbers are not. A text that a spreadsheet would run as a formula (it starts with = + - @, a
    tab or a line break) gets an apostrophe in front, as does one that starts with an apostrophe, so that taking one
    leading apostrophe off any text gives back the data. `picture` is a path, not a URL.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(CSV_COLUMNS)
    for cell in _sorted(cells):
        known = {
            "content": cell.content,
            "style": cell.style,
            "backbone": cell.backbone,
            "preset": cell.preset,
            "variant": variant_label(cell.variant),
            "status": cell.status,
            "digest": _lookup(cell, "", "digest"),
            **{column: _lookup(cell, *place) for column, place in _FROM_MANIFEST.items()},
            "picture": cell.picture,
            "reason": cell.reason,
        }
        writer.writerow(_harmless(known[column]) for column in CSV_COLUMNS)
    return _encodable(text.getvalue())


def index_html(
    cells: Iterable[ReportCell],
    *,
    title: str,
    loss_plots: Mapping[tuple[str, str], str],
    image_grids: Mapping[str, str],
    missing_backbones: Mapping[str, str],
    settings: Mapping[str, object],
) -> str:
    """The report as one page that needs no script and no other file but the pictures it shows.

    Args:
        cells: in any order.
        title: of the page.
        loss_plots: figure per (content, style); paths relative to the report's folder, unquoted, like all paths here.
        image_grids: figure per backbone.
        missing_backbones: why a backbone was left out of the grid.
        settings: of the grid, in the order given; sequences are joined by commas.

    Returns:
        HTML to be written as UTF-8. All names are escaped, all paths quoted.
    """
    rows = _sorted(cells)
    seconds = [_own_seconds(cell) for cell in rows]
    page = _environment().get_template("index.html")
    return _encodable(
        page.render(
            title=title,
            cells=rows,
            counts={status: sum(cell.status == status for cell in rows) for status in ("done", "failed", "skipped")},
            seconds=math.fsum(value for value in seconds if isinstance(value, int | float)),
            missing_backbones=[
                (backbone, missing_backbones[backbone], sum(_lost_with(cell, {backbone}) for cell in rows))
                for backbone in sorted(missing_backbones, key=backbone_order)
            ],
            gaps=_gaps(cell for cell in rows if not _lost_with(cell, missing_backbones)),
            weights=_weights(rows),
            image_grids=sorted(image_grids.items(), key=lambda item: backbone_order(item[0])),
            loss_plots=sorted(loss_plots.items()),
            settings=[(name, _setting(value)) for name, value in settings.items()],
            ran_with=_ran_with(rows),
        )
    )


def _environment() -> Environment:
    templates = FileSystemLoader(Path(__file__).with_name("templates"))
    environment = Environment(
        loader=templates, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"url": _url, "backbone": display_name, "number": _number, "duration": _duration}
    environment.globals["lookup"] = _lookup
    return environment


def _sorted(cells: Iterable[ReportCell]) -> list[ReportCell]:
    return sorted(cells, key=lambda cell: (cell.content, cell.style, backbone_order(cell.backbone)))


def _lookup(cell: ReportCell, section: str, name: str) -> Any:
    """A value of the manifest, or None where there is none; `relative_total` is worked out."""
    record: Any = cell.manifest or {}
    if section:
        record = record.get(section) or {}
    if name == "relative_total":
        first, last = record.get("initial_total"), record.get("total")
        return None if not first or last is None else last / first
    return record.get(name)


def _harmless(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return "" if value is None else value
    text = str(value)
    return f"'{text}" if text.startswith((*_FORMULA_STARTS, "'")) else text


def _encodable(text: str) -> str:
    """A file name that is not UTF-8 holds surrogates, which no file can: they become \\udc80."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _url(path: str) -> str:
    """A relative path as a relative URL: every byte but letters, digits, "/", "-", "_", "." and "~" is quoted."""
    quoted = quote(os.fsencode(path), safe="/")
    return f".{quoted}" if quoted.startswith("/") else quoted  # "//host" would leave the folder


def _lost_with(cell: ReportCell, missing_backbones: Container[str]) -> bool:
    """Whether a cell was skipped only because its whole backbone was, which the page says once."""
    return cell.status == "skipped" and cell.backbone in missing_backbones


def _gaps(cells: Iterable[ReportCell]) -> list[tuple[Status, str, str, list[ReportCell]]]:
    """Cells without a picture: (status, backbone, reason, cells), because one cause usually takes many."""
    groups: defaultdict[tuple[Status, str, str], list[ReportCell]] = defaultdict(list)
    for cell in cells:
        if cell.status != "done":
            groups[cell.status, cell.backbone, cell.reason or "no reason was recorded"].append(cell)
    ordered = sorted(groups.items(), key=lambda item: (item[0][0], backbone_order(item[0][1]), item[0][2]))
    return [(*group, members) for group, members in ordered]


def _weights(cells: Iterable[ReportCell]) -> list[dict[str, Any]]:
    """Every distinct set of weights in the grid, by backbone; `wary` if its pictures are not those of the network."""
    distinct: dict[tuple[str, str], dict[str, Any]] = {}
    for cell in cells:
        weights = (cell.manifest or {}).get("weights")
        if weights:
            note = str(weights.get("note") or "")
            wary = note.lower().startswith(("stand-in", "random"))
            distinct[cell.backbone, repr(weights)] = {**weights, "backbone": cell.backbone, "note": note, "wary": wary}
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


def _setting(value: object) -> str:
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes):
        return ", ".join(map(str, sorted(value, key=str) if isinstance(value, set | frozenset) else value))
    return "" if value is None else str(value)


def _number(value: Any) -> str:
    """Four digits, for people; "–" for what is unknown."""
    return f"{value:.4g}" if isinstance(value, int | float) else "–"


def _own_seconds(cell: ReportCell) -> Any:
    """The cell's share of the time of its batch."""
    seconds, batch_size = _lookup(cell, "result", "seconds"), _lookup(cell, "result", "batch_size")
    return seconds / batch_size if isinstance(seconds, int | float) and isinstance(batch_size, int) else seconds


def _duration(seconds: float) -> str:
    if not isinstance(seconds, int | float) or not math.isfinite(seconds):
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
