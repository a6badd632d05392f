"""What the script of a report's page reads: every cell, as plain data for JSON.

What many cells share (settings, weights, versions, names) is there once, and cells refer to it by its place: a page
of 2,000 cells then needs about a megabyte.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nstcore.system.files import encodable
from pipeline.grid.backbone_labels import display_name
from pipeline.grid.series import method_of
from pipeline.measures.names import MEASURES
from pipeline.report.cell import PagePicture, ReportCell, further_losses, lookup, own_seconds, weights_note
from pipeline.report.page_text import is_doubt, setting, url


@dataclass(frozen=True)
class _Number:
    """A number of a cell: where it comes from and how the page writes it. `in_table` makes it a column."""

    key: str
    label: str
    kind: Literal["number", "percent", "seconds", "count", "measure"]
    place: tuple[str, str]
    in_table: bool = False
    meaning: str = ""
    better: str = ""


_NUMBERS = (
    _Number("loss", "Final loss", "number", ("result", "total"), in_table=True),
    _Number(
        "relative",
        "Of initial loss",
        "percent",
        ("result", "relative_total"),
        in_table=True,
        meaning="final loss as a share of the loss before the first iteration; raw losses of networks do not compare",
    ),
    _Number(
        "time",
        "Time",
        "seconds",
        ("result", "seconds"),
        in_table=True,
        meaning="wall time; of a batch, the cell's share",
    ),
    _Number("iterations", "Iterations", "count", ("result", "iterations"), in_table=True),
    _Number("evaluations", "Evaluations", "count", ("result", "evaluations")),
    _Number("initial", "Initial loss", "number", ("result", "initial_total")),
    _Number("content-loss", "Content loss", "number", ("result", "content")),
    _Number("style-loss", "Style loss", "number", ("result", "style")),
    _Number("variation", "Total variation", "number", ("result", "total_variation")),
    _Number("width", "Width, pixels", "count", ("result", "width")),
    _Number("height", "Height, pixels", "count", ("result", "height")),
    _Number("memory", "Peak memory, MiB", "count", ("result", "peak_memory_mib")),
)


class _Pool:
    """Distinct values in the order in which they were first asked for."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[str, int] = {}

    def place(self, value: Any) -> int:
        place = self._places.setdefault(json.dumps(value), len(self.values))
        if place == len(self.values):
            self.values.append(value)
        return place


def page_data(cells: Sequence[ReportCell]) -> dict[str, Any]:
    """Describe cells, already in order, for the page's script.

    Returns:
        - facets: what cells are filtered by, as {key, label, values};
        - numbers: {key, label, kind, table, meaning, better};
        - series, originals, settings, weights, environments, strips: what cells refer to;
        - cells: {id, facets: a place in the values of each facet, or -1; numbers: in their order, null if unknown; …}.
    """
    axes = list(dict.fromkeys(name for cell in cells for name, _ in cell.variant))
    facets = [("content", "Content"), ("style", "Style"), ("backbone", "Backbone"), ("preset", "Preset")]
    facets += [("status", "Status"), *((f"set.{axis}", axis) for axis in axes)]
    has_methods = any(not cell.series.is_usual for cell in cells)
    facets += [("method", "Method")] if has_methods else []
    measured = {name for cell in cells for name in cell.measures or ()}
    measures = [measure for measure in MEASURES if measure.name in measured]
    losses = [_Number(f"loss.{name}", f"{name} loss", "number", ("losses", name)) for name in further_losses(cells)]
    columns = [*_NUMBERS, *losses]
    names = [_Pool() for _ in facets]
    pools = {name: _Pool() for name in ("series", "originals", "settings", "weights", "environments", "strips")}
    described = []
    for cell, identity in zip(cells, cell_ids(cells), strict=True):
        set_to = dict(cell.variant)
        preset = None if "preset" in axes else cell.preset or None  # not twice where it is what varies
        values = [cell.content, cell.style, display_name(cell.backbone), preset, cell.status]
        values += [set_to.get(axis) for axis in axes]
        values += [cell.series.method_label or "optimised"] if has_methods else []
        described.append(
            {
                "id": identity,
                "facets": [
                    -1 if value is None else pool.place(_text(value)) for pool, value in zip(names, values, strict=True)
                ],
                "numbers": [_value(cell, number) for number in columns]
                + [_finite((cell.measures or {}).get(measure.name)) for measure in measures],
                "series": pools["series"].place(_text(cell.series.label)),
                "picture": url(cell.picture),
                "thumbnail": url(cell.thumbnail or cell.picture),
                "ratio": ratio(cell),
                "content": _original(cell.content_picture, pools["originals"]),
                "style": _original(cell.style_picture, pools["originals"]),
                **{name: pools[name].place(found) for name, found in _shared(cell).items() if found},
                **{name: found for name, found in _remarks(cell).items() if found},
                **({"strip": _strip(cell, pools["strips"])} if cell.strip else {}),
            }
        )
    return {
        "facets": [
            {"key": _text(key), "label": _text(label), "values": pool.values}
            for (key, label), pool in zip(facets, names, strict=True)
        ],
        "numbers": [_column(number) for number in columns]
        + [
            _column(_Number(m.name, m.title, "measure", ("", ""), in_table=True, meaning=m.meaning, better=m.better))
            for m in measures
        ],
        **{name: pool.values for name, pool in pools.items()},
        "cells": described,
    }


def cell_ids(cells: Iterable[ReportCell]) -> list[str]:
    """A name of each cell for links to it; the same on every page that shows it."""
    ids, seen = [], set()
    for cell in cells:
        for copy in itertools.count():  # a study may hold one cell twice
            names = (cell.content, cell.style, cell.backbone, cell.variant, cell.preset, copy)
            identity = repr((*names, *method_of(cell).values()))
            found = hashlib.sha256(identity.encode("utf-8", "backslashreplace")).hexdigest()[:10]
            if found not in seen:
                break
        seen.add(found)
        ids.append(found)
    return ids


def ratio(cell: ReportCell) -> float:
    """Width / height of a cell's picture, within what a page can lay out; 4 / 3 if it is not known."""
    width, height = lookup(cell, "result", "width"), lookup(cell, "result", "height")
    return round(min(max(width / height, 0.4), 3.0), 4) if width and height else 1.3333


def _column(number: _Number) -> dict[str, Any]:
    return {
        "key": number.key,
        "label": number.label,
        "kind": number.kind,
        "table": number.in_table,
        "meaning": number.meaning,
        "better": number.better,
    }


def _value(cell: ReportCell, number: _Number) -> Any:
    return _finite(own_seconds(cell) if number.key == "time" else lookup(cell, *number.place))


def _finite(value: Any) -> Any:
    """A number that JSON can hold; "nan" and "inf" are texts there, and None is unknown."""
    if not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) else str(value)


def _text(value: str) -> str:
    return encodable(str(value))


def _original(picture: PagePicture | None, pool: _Pool) -> int:
    return -1 if picture is None else pool.place([url(picture.picture), url(picture.thumbnail)])


def _strip(cell: ReportCell, pool: _Pool) -> dict[str, Any]:
    """The file of a cell's strip, and the losses. How its frames lie, and when they were taken, many cells share."""
    record = (cell.manifest or {})["strip"]
    frames = record["frames"]
    names = ("height", "width", "columns", "tile_height", "tile_width")
    layout = {name: record[name] for name in names}
    layout["moments"] = [[frame["size"], frame["iteration"]] for frame in frames]
    losses = [_finite(frame["total"]) for frame in frames]
    return {"file": url(cell.strip), "layout": pool.place(layout), "losses": losses}


def _pairs(record: dict[str, Any]) -> list[list[str]]:
    return [[_text(name), _text(setting(value))] for name, value in record.items() if value not in (None, "")]


def _shared(cell: ReportCell) -> dict[str, list[list[str]]]:
    record = cell.manifest or {}
    ran = {"device": record.get("device"), "engine": record.get("engine_version"), **(record.get("versions") or {})}
    return {
        "settings": _pairs(record.get("config") or {}),
        "weights": [
            *_pairs({k: v for k, v in (record.get("weights") or {}).items() if k != "backbone"}),
            *_pairs({f"content: {k}": v for k, v in (record.get("content_weights") or {}).items()}),
        ],
        "environments": _pairs(ran),
    }


def _remarks(cell: ReportCell) -> dict[str, str | bool]:
    record = cell.manifest or {}
    note = _text(weights_note(record))
    return {
        "reason": _text(cell.reason),
        "unmeasured": _text(cell.unmeasured),
        "note": note,
        "doubt": is_doubt(note),
        "digest": _text(record.get("digest") or ""),
        "finished": _text(record.get("finished") or ""),
        "resumed": _resumed(record),
    }


def _resumed(record: Mapping[str, Any]) -> str:
    """Where a cell was taken up that a process had left unfinished; "" if none had."""
    places = record.get("resumed_at") or ()
    notes = dict.fromkeys(str(place["note"]) for place in places if place.get("note"))
    where = [f"iteration {place['iteration']} of {place['size']} px" for place in places]
    return _text("; ".join([*where, *notes]))
