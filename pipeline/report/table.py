"""Plain data to `grid.csv`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from nstcore.system.files import encodable
from pipeline.grid.series import variant_label
from pipeline.measures.names import MEASURES
from pipeline.report.cell import ReportCell, further_losses, in_order, lookup
from pipeline.report.spreadsheet import harmless

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
    "relative_total": ("result", "relative_total"),  # total / initial_total, see `lookup`
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
# Of tables that have cells of a method besides the usual one.
_OF_METHODS: dict[str, tuple[str, str]] = {
    "network_sha256": ("network", "sha256"),
    "training_steps": ("network", "steps"),
    "training_seconds": ("network", "seconds"),
}
_MEASURES = tuple(measure.name for measure in MEASURES)
#: The columns that every table has, in order; those of further losses, "<name>_loss", come before "precision", and
#: where there are several methods, "method" and what is known of trained networks at the end.
CSV_COLUMNS = (
    *("content", "style", "backbone", "preset", "variant", "status", "digest"),
    *_FROM_MANIFEST,
    *_MEASURES,
    *("unmeasured", "resumed", "picture", "reason"),
)


def grid_csv(cells: Iterable[ReportCell]) -> str:
    """A header and a row per cell, sorted by content, style and backbone; what is unknown is left empty.

    Texts are quoted and numbers are not. A text that a spreadsheet would run as a formula (it starts with = + - @, a
    tab or a line break) gets an apostrophe in front, as does one that starts with an apostrophe, so that taking one
    leading apostrophe off any text gives back the data. `picture` is a path, not a URL.
    """
    text = io.StringIO()
    cells = in_order(cells)
    further = {f"{name}_loss": name for name in further_losses(cells)}
    place = CSV_COLUMNS.index("precision")
    methods = ("method", *_OF_METHODS) if any(not cell.series.is_usual for cell in cells) else ()
    columns = (*CSV_COLUMNS[:place], *further, *CSV_COLUMNS[place:], *methods)
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(map(harmless, columns))
    for cell in cells:
        known = {
            "content": cell.content,
            "style": cell.style,
            "backbone": cell.backbone,
            "preset": cell.preset,
            "variant": variant_label(cell.variant),
            "status": cell.status,
            "digest": lookup(cell, "", "digest"),
            **{column: lookup(cell, *source) for column, source in _FROM_MANIFEST.items()},
            **{column: lookup(cell, "losses", name) for column, name in further.items()},
            **{name: (cell.measures or {}).get(name) for name in _MEASURES},
            "unmeasured": cell.unmeasured,
            "resumed": len(lookup(cell, "", "resumed_at") or ()) or None,  # times that it was taken up
            "picture": cell.picture,
            "reason": cell.reason,
            "method": cell.method,
            **{column: lookup(cell, *source) for column, source in _OF_METHODS.items()},
        }
        writer.writerow(harmless(known[column]) for column in columns)
    return encodable(text.getvalue())
