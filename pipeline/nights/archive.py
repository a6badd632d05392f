"""The folder that holds nights, one folder each: which there are, how one is added, which are taken away."""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nstcore.errors import ConfigError, OutputError
from nstcore.system.files import link_or_copy, reading, write_whole
from pipeline.nights.night import Night

logger = logging.getLogger("luigi-interface")

#: What makes a folder a night. Nothing else is ever deleted.
SNAPSHOT = "night.json"
PAGE = "index.html"
_PRUNED = "pruned.txt"


@dataclass(frozen=True)
class KeepRule:
    """Which nights are kept.

    Attributes:
        last: so many of the newest.
        firsts: and the first that there is of each month.
    """

    last: int = 14
    firsts: bool = True

    def __post_init__(self) -> None:
        if self.last < 1:
            raise ConfigError(f"last must be a whole number >= 1. Received: last={self.last!r}")

    def to_prune(
        self, nights: Collection[datetime.date], spared: Collection[datetime.date] = ()
    ) -> list[datetime.date]:
        """The nights that need not be kept, oldest first; never one that is spared."""
        ordered = sorted(set(nights))
        kept = {*ordered[-self.last :], *spared}
        if self.firsts:
            first_of_month: dict[tuple[int, int], datetime.date] = {}
            for night in ordered:
                first_of_month.setdefault((night.year, night.month), night)
            kept |= set(first_of_month.values())
        return [night for night in ordered if night not in kept]


@dataclass(frozen=True)
class NightArchive:
    """A folder of nights. A night is whole or absent: it is made under a hidden name and then renamed."""

    folder: Path

    def path(self, date: datetime.date) -> Path:
        return self.folder / date.isoformat()

    def page(self, date: datetime.date) -> Path:
        return self.path(date) / PAGE

    def dates(self) -> list[datetime.date]:
        """The nights that there are, oldest first."""
        found = []
        for path in self.folder.glob(f"*/{SNAPSHOT}"):
            with contextlib.suppress(ValueError):  # a folder of another name is none of ours
                date = datetime.date.fromisoformat(path.parent.name)
                if path.parent == self.path(date) and not path.parent.is_symlink():
                    found.append(date)
        return sorted(found)

    def load(self, date: datetime.date) -> Night:
        """Read a night.

        Raises:
            ValueError: naming the file, if it does not hold one.
        """
        path = self.path(date) / SNAPSHOT
        try:
            return Night.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from error

    def latest(self, title: str, before: datetime.date) -> Night | None:
        """The newest night of a study before a date."""
        earlier = (date for date in reversed(self.dates()) if date < before)
        return next((night for date in earlier if (night := self.of_study(date, title))), None)

    def of_study(self, date: datetime.date, title: str) -> Night | None:
        """A night if it can be read and is of this study; what cannot be read is said in the log."""
        try:
            night = self.load(date)
        except ValueError as error:
            logger.warning("left alone: %s", error)
            return None
        return night if night.title == title else None

    @contextlib.contextmanager
    def new(self, date: datetime.date) -> Iterator[Path]:
        """Give an empty folder that becomes the night when the block ends without an error.

        Raises:
            OutputError: if there is something else in its place.
        """
        place, part = self.path(date), self.folder / f".{date.isoformat()}.part"
        if place.exists():
            raise OutputError(f"{place}: is there already; move it away, or name another --nights-dir")
        shutil.rmtree(part, ignore_errors=True)  # of a run that was killed
        part.mkdir(parents=True)
        try:
            yield part
            os.replace(part, place)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def pruned(self) -> set[datetime.date]:
        """The nights that were taken away. They count as done, or a range of days would make them again for ever."""
        path = self.folder / _PRUNED
        if not os.path.exists(path):
            return set()
        with reading(path):
            lines = path.read_text(encoding="utf-8").split()
        return {datetime.date.fromisoformat(line) for line in lines}

    def prune(self, dates: Iterable[datetime.date]) -> None:
        """Delete nights. Cells and reports stay, whoever shares them."""
        going = sorted(set(dates) & set(self.dates()))
        if not going:
            return
        lines = sorted(night.isoformat() for night in self.pruned() | set(going))
        write_whole(self.folder / _PRUNED, ("\n".join(lines) + "\n").encode())
        for date in going:
            # Renamed first: a night that is half deleted must not look like one.
            part = self.folder / f".{date.isoformat()}.part"
            shutil.rmtree(part, ignore_errors=True)
            os.replace(self.path(date), part)
            shutil.rmtree(part)


def link_tree(source: Path, target: Path, *, leave_out: Collection[str] = ()) -> None:
    """Put a folder's files into another, as hard links where the file system can, else as copies.

    Hidden files are left out, as are those named in `leave_out`, by their path in the folder. All files of the project
    are replaced when they change and never written into, so what is linked stays as it is.
    """
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        if path.is_file() and name.as_posix() not in leave_out and not any(part.startswith(".") for part in name.parts):
            link_or_copy(path, target / name)
