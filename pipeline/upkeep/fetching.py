"""A folder of the outputs brought from object storage to this machine."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path, PurePath

from nstcore.errors import InputError
from nstcore.system.files import write_whole
from nstcore.system.places import make_folder
from pipeline import storage
from pipeline.storage.folders import Entry, files_below, is_folder
from pipeline.storage.places import require_known

# So many are read at a time: pictures of a report are small, and their number is not.
_AT_ONCE = 64


def fetch_folder(place: PurePath, folder: Path) -> tuple[int, int]:
    """Write every file below a place into a folder, but hidden ones, which are of no use to those who look at pages.

    Returns:
        How many files, and how many bytes they are.

    Raises:
        ConfigError: for an address that outputs cannot lie at.
        InputError: if there is nothing at the place, or one of its names leads out of the folder.
        OutputError: if a file cannot be written.
    """
    require_known(place)
    if not is_folder(place):
        raise InputError(f"{place}: there is nothing; name the folder of a report: OUTPUTS/reports/DIGEST")
    count = size = 0
    shown = _shown(place)
    while entries := list(itertools.islice(shown, _AT_ONCE)):
        storage.prefetch(entry.path for entry in entries)
        for entry in entries:
            target = folder / entry.path.relative_to(place)
            content = storage.read(entry.path)
            make_folder(target.parent)
            write_whole(target, content)
            count, size = count + 1, size + len(content)
    return count, size


def _shown(place: PurePath) -> Iterator[Entry]:
    for entry in files_below(place):
        parts = entry.path.relative_to(place).parts
        if ".." in parts:  # a key may be named so, and whoever writes to the bucket names it
            raise InputError(f"{entry.path}: leads out of its folder; remove it there")
        if not any(part.startswith(".") for part in parts):
            yield entry
