"""What the page of a night shows of its changes: the pictures that differ, before, after and where."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import ClassVar

from nstcore import PictureError
from nstcore.pictures.images import Picture, encode_png, read_picture
from pipeline import storage
from pipeline.nights.changes import ChangedCell, Changes
from pipeline.nights.difference import difference

# Under the night's folder.
_FOLDER = "changes"


@dataclass(frozen=True)
class ShownChange:
    """A cell with another picture or outcome, as a page shows it; paths are relative to the page, unquoted.

    Attributes:
        cell: what changed, and why.
        before, after, difference: pictures; "" for one that there is not.
        mean_absolute, ssim, gain, scaled: see `pipeline.nights.difference.Difference`; None where a picture is missing.
    """

    cell: ChangedCell
    before: str = ""
    after: str = ""
    difference: str = ""
    mean_absolute: float | None = None
    ssim: float | None = None
    gain: int | None = None
    scaled: bool = False


@dataclass(frozen=True)
class NightPage:
    """What stands at the top of a night's page.

    Attributes:
        date: of the night; compared_with: of the one before, None if there was none.
        changes: None if there was none.
        shown: the changed cells, those that differ most first.
    """

    date: datetime.date
    compared_with: datetime.date | None = None
    changes: Changes | None = None
    shown: tuple[ShownChange, ...] = ()

    #: How many changed cells are shown before the reader asks for more.
    most_at_once: ClassVar[int] = 24

    @property
    def unchanged(self) -> int:
        return len(self.changes.unchanged) if self.changes is not None else 0

    @property
    def tally(self) -> list[tuple[int, str, str]]:
        """How many cells each kind of change met, as (count, word, class of the word)."""
        found = self.changes
        if found is None:
            return []
        counts = (
            (len(found.worse), "worse", "failed"),
            (len(found.failed), "newly failed", "failed"),
            (len(found.recovered), "recovered", "done"),
            (len(found.changed), "changed", ""),
            (len(found.new), "new", ""),
            (len(found.removed), "removed", ""),
        )
        return [*(each for each in counts if each[0]), (len(found.unchanged), "unchanged", "")]

    @property
    def summary(self) -> str:
        """The tally in one line."""
        if self.compared_with is None:
            return "nothing to compare with"
        return f"since {self.compared_with}: " + ", ".join(f"{count} {word}" for count, word, _ in self.tally)

    @property
    def replaced(self) -> list[tuple[str, str]]:
        """The pictures that were replaced, as (kind, name)."""
        names = [
            (kind, getattr(change.cell.after, kind))
            for change in self.shown
            for kind in ("content", "style")
            if f"another {kind} picture" in change.cell.reasons
        ]
        return sorted(set(names))


def show_changes(changed: Iterable[ChangedCell], earlier: PurePath, night: PurePath) -> tuple[ShownChange, ...]:
    """Put what a page shows of changed cells beside it: the earlier pictures, and difference images.

    Args:
        earlier: folder of the night before; the earlier pictures are linked, so that it may be pruned.
        night: folder of the night that is being made.

    Returns:
        Those that differ most first; before them, those that cannot be compared.
    """
    shown = [_show(cell, earlier, night, f"{_FOLDER}/{place}") for place, cell in enumerate(changed, 1)]
    return tuple(sorted(shown, key=lambda one: (one.mean_absolute is not None, -(one.mean_absolute or 0.0))))


def _show(cell: ChangedCell, earlier: PurePath, night: PurePath, stem: str) -> ShownChange:
    before = f"{stem}-before{PurePath(cell.before.picture).suffix}" if cell.before.picture else ""
    try:
        if before:
            storage.link_new(earlier / cell.before.picture, night / before)
        if not (before and cell.after.picture):
            return ShownChange(cell, before, cell.after.picture)
        found = difference(_picture(night / before), _picture(night / cell.after.picture))
    except (OSError, PictureError):  # someone tidied the night before; what is left is shown
        return ShownChange(cell, "", cell.after.picture)
    path = f"{stem}-difference.png"
    storage.write(night / path, encode_png(found.picture))
    return ShownChange(
        cell, before, cell.after.picture, path, found.mean_absolute, found.ssim, found.gain, found.scaled
    )


def _picture(place: PurePath) -> Picture:
    with storage.at_hand(place) as path:
        return read_picture(path)
