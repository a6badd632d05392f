"""What a night of a nightly grid was: every cell as it ended, small enough to keep and to compare with the next."""

from __future__ import annotations

import datetime
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from pipeline.grid.series import USUAL, Series, Variant
from pipeline.report.cell import ReportCell, Status, lookup, own_seconds, weights_of

#: Raised when a `night.json` of before can no longer be read.
FORMAT = 1

#: What tells the cells of a night apart; the number counts cells that are otherwise named alike.
Identity = tuple[str, str, Series, int]


@dataclass(frozen=True)
class NightCell:
    """A cell as a night left it.

    Attributes:
        content, style, backbone, variant, method: which cell.
        status, reason: whether there is a picture, and why not.
        picture: path relative to the night's folder, "" if there is none; picture_sha256: of its bytes.
        digest: identity of everything that affects the pixels, as `pipeline.grid.digest` sees it; of that:
        content_sha256, style_sha256, weights_sha256: of the pictures, their maps included, and the network; config:
        settings; engine.
        height, width: pixels.
        loss: final total; relative_loss: as a share of the initial one.
        seconds: wall time, of a batch the cell's share; finished: when, ISO 8601 in UTC.
        measures: by the names in `pipeline.measures.names`.
        versions, device: what it was made with.
    """

    content: str
    style: str
    backbone: str
    variant: Variant
    status: Status
    reason: str = ""
    picture: str = ""
    picture_sha256: str = ""
    digest: str = ""
    content_sha256: str = ""
    style_sha256: str = ""
    weights_sha256: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    engine: str = ""
    height: int = 0
    width: int = 0
    loss: float | None = None
    relative_loss: float | None = None
    seconds: float | None = None
    finished: str = ""
    measures: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    device: str = ""
    method: str = USUAL

    @property
    def series(self) -> Series:
        return Series(self.backbone, self.variant, self.method)

    @property
    def names(self) -> tuple[str, str, str]:
        """Content, style and series, for people."""
        return self.content, self.style, self.series.label


@dataclass(frozen=True)
class Night:
    """All cells of one night.

    Attributes:
        date: of the night.
        title: of the study; nights of another title are not compared with.
        settings: what the study asked for.
        cells: as the night left them.
        compared_with: date of the night that it was compared with; None if it was the first.
        worse: the cells that ended worse than in that night, as (content, style, series, in what).
    """

    date: datetime.date
    title: str
    settings: Mapping[str, Any]
    cells: tuple[NightCell, ...]
    compared_with: datetime.date | None = None
    worse: tuple[tuple[str, str, str, str], ...] = ()

    def by_identity(self) -> dict[Identity, NightCell]:
        """The cells by what tells them apart, in their order."""
        seen: Counter[tuple[str, str, Series]] = Counter()
        cells: dict[Identity, NightCell] = {}
        for cell in self.cells:
            names = (cell.content, cell.style, cell.series)
            cells[(*names, seen[names])] = cell
            seen[names] += 1
        return cells

    def versions(self) -> dict[str, str]:
        """Everything that the cells were made with, by name; values that differ among cells are joined."""
        found: dict[str, set[str]] = {}
        for cell in self.cells:
            if cell.status == "done":
                weights = {f"weights of {cell.backbone}": cell.weights_sha256[:12]}
                for name, value in {"engine": cell.engine, "device": cell.device, **cell.versions, **weights}.items():
                    found.setdefault(name, set()).add(str(value))
        return {name: ", ".join(sorted(values)) for name, values in sorted(found.items())}

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        compared_with = self.compared_with.isoformat() if self.compared_with else None
        return {"format": FORMAT, **asdict(self), "date": self.date.isoformat(), "compared_with": compared_with}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Night:
        """Read what `to_dict` and JSON made of a night.

        Raises:
            ValueError: if it is something else, or of another format.
        """
        try:
            if data["format"] != FORMAT:
                raise ValueError(f"format must be {FORMAT}. Received: format={data['format']!r}")
            return cls(
                date=datetime.date.fromisoformat(data["date"]),
                title=data["title"],
                settings=data["settings"],
                cells=tuple(_cell(each) for each in data["cells"]),
                compared_with=datetime.date.fromisoformat(data["compared_with"]) if data["compared_with"] else None,
                worse=tuple((each[0], each[1], each[2], each[3]) for each in data["worse"]),
            )
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise ValueError(f"is not a night: {type(error).__name__} {error}") from error


def _cell(data: Mapping[str, Any]) -> NightCell:
    known = {each.name for each in fields(NightCell)}
    variant = tuple((name, value) for name, value in data["variant"])
    return NightCell(**{**{name: value for name, value in data.items() if name in known}, "variant": variant})


def night_cells(cells: Iterable[ReportCell], sha256: Callable[[str], str]) -> tuple[NightCell, ...]:
    """Describe the cells of a report as its night keeps them.

    Args:
        sha256: of a picture, by its path in the report.
    """
    return tuple(itertools.starmap(_night_cell, ((cell, sha256) for cell in cells)))


def _night_cell(cell: ReportCell, sha256: Callable[[str], str]) -> NightCell:
    made = cell.manifest or {}
    result = made.get("result") or {}
    return NightCell(
        cell.content,
        cell.style,
        cell.backbone,
        cell.variant,
        cell.status,
        reason=cell.reason,
        picture=cell.picture,
        picture_sha256=sha256(cell.picture) if cell.picture else "",
        digest=str(made.get("digest") or ""),
        content_sha256=_checksums(made.get("content") or {}),
        style_sha256=_checksums(made.get("style") or {}),
        weights_sha256="+".join(str(each.get("sha256") or "") for each, _ in weights_of(made, cell.backbone)),
        # By their checksum and not by the name they were found under, as in the digest of a cell.
        config={name: value for name, value in (made.get("config") or {}).items() if name != "weights"},
        engine=str(made.get("engine_version") or ""),
        height=result.get("height") or 0,
        width=result.get("width") or 0,
        loss=result.get("total"),
        relative_loss=lookup(cell, "result", "relative_total"),
        seconds=own_seconds(cell),
        finished=str(made.get("finished") or ""),
        measures=dict(cell.measures or {}),
        versions={name: str(value) for name, value in (made.get("versions") or {}).items()},
        device=str(made.get("device") or ""),
        method=cell.method,
    )


def _checksums(record: Mapping[str, Any]) -> str:
    """Of a picture as a manifest records it, of its map of regions, and of the pictures that a mixture names."""
    parts = [*([record["regions"]] if "regions" in record else []), *record.get("pictures", ())]
    return " ".join(filter(None, (str(record.get("sha256") or ""), *map(_checksums, parts))))
