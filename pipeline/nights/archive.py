"""The folder that holds nights, one folder each: which there are, how one is added, which are taken away."""

from __future__ import annotations

import contextlib
import datetime
import logging
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath

from nstcore.errors import ConfigError, InputError, OutputError
from pipeline import storage
from pipeline.nights.night import Night
from pipeline.outputs.damaged import set_aside
from pipeline.storage.folders import folders_in, is_there, new_folder, remove_folder
from pipeline.storage.places import remote
from pipeline.storage.sealed import FileRecord, damage, read_sealed

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
    """A folder of nights. A night is whole or absent: it is made under a hidden name and then renamed.

    In object storage, where nothing is renamed, it is whole when its record is there, which is written last.
    """

    folder: PurePath

    def path(self, date: datetime.date) -> PurePath:
        return self.folder / date.isoformat()

    def page(self, date: datetime.date) -> PurePath:
        return self.path(date) / PAGE

    def has(self, date: datetime.date) -> bool:
        """Whether a night has its page; in object storage, also what is written after it."""
        is_finished = not remote(self.folder) or storage.exists(self.path(date) / SNAPSHOT)
        return storage.exists(self.page(date)) and is_finished

    def dates(self) -> list[datetime.date]:
        """The nights that there are, oldest first."""
        found = []
        for folder in folders_in(self.folder):
            with contextlib.suppress(ValueError):  # a folder of another name is none of ours
                date = datetime.date.fromisoformat(folder.name)
                if folder == self.path(date) and storage.exists(folder / SNAPSHOT) and not os.path.islink(folder):
                    found.append(date)
        return sorted(found)

    def load(self, date: datetime.date) -> Night:
        """Read a night.

        Raises:
            ValueError: naming the file, if it does not hold one.
        """
        path = self.path(date) / SNAPSHOT
        try:
            return Night.from_dict(read_sealed(path))
        except InputError as error:
            raise ValueError(str(error)) from error
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path}: {error}") from error

    def damage(self, date: datetime.date) -> str:
        """How a night's record or page is not as it was written, in one line; "" if both are, or there is no night.

        Of a night's other files `records` knows.
        """
        snapshot, page = self.path(date) / SNAPSHOT, self.page(date)
        seen = storage.version(snapshot)
        if seen is None:
            return ""
        try:
            self.load(date)
            record = self.records(date).get(PAGE)
            found = damage(page, record, seen) if record else "" if storage.size(page) else "is missing or empty"
        except (InputError, ValueError) as error:
            return str(error)
        return found and f"{page}: {found}"

    def records(self, date: datetime.date) -> dict[str, FileRecord]:
        """What a night notes of its files; nights of before note nothing.

        Raises:
            InputError: if its record cannot be read, or is not as it was written.
        """
        return dict(read_sealed(self.path(date) / SNAPSHOT).get("files") or {})

    def set_aside(self, date: datetime.date) -> PurePath:
        """Move a night out of the way, and say where it is now."""
        return set_aside(self.path(date))

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
    def new(self, date: datetime.date) -> Iterator[PurePath]:
        """Give an empty folder that becomes the night when the block ends without an error.

        Raises:
            OutputError: if there is something else in its place.
        """
        place = self.path(date)
        if storage.exists(place / SNAPSHOT) or (not remote(place) and is_there(place)):
            raise OutputError(f"{place}: is there already; move it away, or name another --nights-dir")
        with new_folder(place) as folder:
            yield folder

    def pruned(self) -> set[datetime.date]:
        """The nights that were taken away. They count as done, or a range of days would make them again for ever."""
        path = self.folder / _PRUNED
        if not storage.exists(path):
            return set()
        lines = storage.read(path).decode("utf-8").split()
        return {datetime.date.fromisoformat(line) for line in lines}

    def prune(self, dates: Iterable[datetime.date]) -> None:
        """Delete nights. Cells and reports stay, whoever shares them."""
        going = sorted(set(dates) & set(self.dates()))
        if not going:
            return
        lines = sorted(night.isoformat() for night in self.pruned() | set(going))
        storage.write(self.folder / _PRUNED, ("\n".join(lines) + "\n").encode())
        for date in going:
            remove_folder(self.path(date), first=SNAPSHOT)  # a night that is half deleted must not look like one


def link_tree(source: PurePath, target: PurePath, *, leave_out: Collection[str] = ()) -> None:
    """Put a folder's files into another, as hard links where the file system can, else as copies.

    Hidden files are left out, as are those named in `leave_out`, by their path in the folder. All files of the project
    are replaced when they change and never written into, so what is linked stays as it is.
    """
    for path in storage.walk(source):
        name = path.relative_to(source)
        if name.as_posix() not in leave_out and not any(part.startswith(".") for part in name.parts):
            storage.link_new(path, target / name)
