"""What a file of a report shows, noted beside it: it is done while that is what it should show, whatever clocks say."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import PurePath
from typing import Any

from nstcore.errors import InputError
from pipeline import storage
from pipeline.storage.sealed import DamagedError, FileRecord, damage, read_sealed, sealed

#: Raised by hand when what is drawn or written of the same cells changes: every report is made anew then.
DRAWN_VERSION = "2"

#: The folder of the records, in that of the report. Hidden: it is of no use to those who look at the report.
RECORDS = ".made"


def digest_of(*parts: Any) -> str:
    """One digest of plain data, hex."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class MadeRecord:
    """The record of one file of a report, and of the files that belong to it."""

    def __init__(self, folder: PurePath, name: str) -> None:
        """
        Args:
            folder: of the report.
            name: of the file in it.
        """
        self._folder = folder
        self.path = folder / RECORDS / f"{name}.json"

    def vouches_for(self, shows: str) -> bool:
        """Whether the files are there as they were written, and show what they should."""
        seen = storage.version(self.path)
        if seen is None:
            return False
        try:
            noted = _read(os.fspath(self.path), seen)
            return bool(noted["shows"] == shows) and not any(self._damaged(noted["files"], seen))
        except InputError:
            return False

    def damaged(self, *, to_the_bit: bool = False) -> dict[PurePath, str]:
        """The files that are not as they were written, the record itself among them, and how; none if none was written.

        Args:
            to_the_bit: whether the files are read; else it is a glance.
        """
        seen = storage.version(self.path)
        if seen is None:
            return {}
        try:
            files = _read(os.fspath(self.path), seen)["files"]
            return dict(self._damaged(files, None if to_the_bit else seen))
        except DamagedError as error:
            return {self.path: str(error).removeprefix(f"{self.path}: ")}

    def take_away_damaged(self) -> list[str]:
        """Remove what is not as it was written, before it is made anew, and say of each in one line what it was."""
        lines = [f"{path}: {how}" for path, how in self.damaged().items()]
        for path in self.damaged():
            storage.remove(path)
        return lines

    def whole_files(self) -> dict[str, FileRecord]:
        """What is noted of the files that are as they were written; nothing without a record that can be believed."""
        seen = storage.version(self.path)
        try:
            noted = _read(os.fspath(self.path), seen)["files"] if seen else {}
            return {name: record for name, record in noted.items() if not damage(self._folder / name, record, seen)}
        except InputError:
            return {}

    def write(self, shows: str, files: Mapping[str, FileRecord]) -> None:
        """Note what files show that were just written.

        Args:
            files: by their paths in the report's folder.

        Raises:
            OutputError: if that cannot be written.
        """
        storage.write(self.path, sealed({"shows": shows, "files": files}))

    def _damaged(self, files: Mapping[str, FileRecord], seen: storage.Version | None) -> Iterator[tuple[PurePath, str]]:
        for name, record in files.items():
            if how := damage(self._folder / name, record, seen):
                yield self._folder / name, how


@lru_cache(maxsize=20_000)
def _read(path: str, _: storage.Version) -> dict[str, Any]:
    record = read_sealed(path)
    if not (isinstance(record.get("shows"), str) and isinstance(record.get("files"), dict)):
        raise DamagedError(f"{path}: is not what was written there")
    return record
