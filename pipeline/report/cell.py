"""One cell of a grid as its reports show it, and what they ask of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.grid.backbone_labels import backbone_order
from pipeline.grid.series import USUAL, Series, Variant

Status = Literal["done", "failed", "skipped"]


@dataclass(frozen=True)
class PagePicture:
    """A picture as a page shows it; paths are relative to the report's folder, with "/" and unquoted."""

    picture: str
    thumbnail: str


@dataclass(frozen=True)
class ReportCell:
    """One cell as a report shows it.

    Attributes:
        content, style, backbone: the cell's names; any text.
        status: whether there is a picture.
        manifest: what `manifest.json` holds, or None where the cell did not finish.
        reason: why there is no picture, in one line; "" for a finished cell.
        nature: of a cell that failed, what kind of failure it is (`nstcore.failures.Nature.name`); "" if none is told.
        picture: path of the picture relative to the report's folder, with "/" and unquoted; "" if there is none.
        preset: the named settings it was made with.
        variant: what the study varied and to what.
        measures: by the names in `pipeline.measures.names`, those that could be measured; None if none was tried.
        unmeasured: why a finished cell lacks measures, in one line; "" if it has all.
        thumbnail: a small version of `picture`, likewise; "" if there is none.
        content_picture, style_picture: what it was made from, as its network saw it; None where that is not known.
        strip: path of the pictures of its way, likewise, which the manifest says more of; "" if there are none.
        method: how its picture comes about.
    """

    content: str
    style: str
    backbone: str
    status: Status
    manifest: dict[str, Any] | None
    reason: str = ""
    nature: str = ""
    picture: str = ""
    preset: str = ""
    variant: Variant = ()
    measures: Mapping[str, float] | None = None
    unmeasured: str = ""
    thumbnail: str = ""
    content_picture: PagePicture | None = None
    style_picture: PagePicture | None = None
    strip: str = ""
    method: str = USUAL

    @property
    def series(self) -> Series:
        return Series(self.backbone, self.variant, self.method)


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


def in_order(cells: Iterable[ReportCell]) -> list[ReportCell]:
    """Sort by content, style and backbone; the variants of a backbone stay in the order of their study."""
    return sorted(cells, key=lambda cell: (cell.content, cell.style, backbone_order(cell.backbone)))


def lookup(cell: ReportCell, section: str, name: str) -> Any:
    """A value of the manifest, or None where there is none; `relative_total` is worked out."""
    record: Any = cell.manifest or {}
    if section == "losses":
        record = lookup(cell, "result", "losses") or {}
    elif section:
        record = record.get(section) or {}
    if name == "relative_total":
        first, last = record.get("initial_total"), record.get("total")
        return None if not first or last is None else last / first
    return record.get(name)


def further_losses(cells: Iterable[ReportCell]) -> list[str]:
    """Names of the losses that any cell has besides those of the flat settings; `lookup` them in "losses"."""
    names = (name for cell in cells for name in lookup(cell, "result", "losses") or {})
    return list(dict.fromkeys(names))


def own_seconds(cell: ReportCell) -> Any:
    """The cell's share of the time of its batch."""
    seconds, batch_size = lookup(cell, "result", "seconds"), lookup(cell, "result", "batch_size")
    return seconds / batch_size if isinstance(seconds, int | float) and isinstance(batch_size, int) else seconds


def weights_of(manifest: Mapping[str, Any] | None, backbone: str) -> list[tuple[Mapping[str, Any], str]]:
    """Where the weights of a cell's networks came from, each with the name of its network: one, or the content's too.

    Args:
        backbone: the cell's.
    """
    record = manifest or {}
    of_content = record.get("content_weights")
    pairs = ((record.get("weights"), backbone), (of_content, str((of_content or {}).get("backbone"))))
    return [(weights, name) for weights, name in pairs if weights]


def weights_note(manifest: Mapping[str, Any]) -> str:
    """What has to be known of them all; "" where there is nothing to say."""
    notes = (str(weights.get("note") or "") for weights, _ in weights_of(manifest, ""))
    return "; ".join(dict.fromkeys(filter(None, notes)))
