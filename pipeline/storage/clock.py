"""How old files are, by the clock of their storage: those of the machines that share it may differ by hours."""

from __future__ import annotations

import os
import time
from pathlib import Path

from nstcore.errors import OutputError
from nstcore.system.refusals import refused
from nstcore.system.storage_clock import storage_time as time_of_a_new_file
from pipeline.storage.places import Place, remote

# How long a reading of the clock is carried on with this machine's own: the two do not drift apart in so short a time.
_SECONDS = 5.0

# By device: when the clock of a storage was read, on this machine's monotonic clock, and what it said.
_read: dict[int, tuple[float, float]] = {}


def storage_time(folder: Place) -> float:
    """What the clock of a storage says now, in seconds: the time that it gives a file written into `folder`.

    Raises:
        OutputError: if `folder` takes no file.
        InputError: if object storage does not answer.
    """
    if there := remote(folder):
        from pipeline.storage import objects

        return objects.now(there)
    try:
        device = os.stat(folder).st_dev
        if device in _read:
            at, said = _read[device]
            if (since := time.monotonic() - at) < _SECONDS:
                return said + since
        _read[device] = (time.monotonic(), time_of_a_new_file(folder))
    except OSError as error:
        raise OutputError(refused(error, folder, "written")) from error
    return _read[device][1]


def age(path: str | os.PathLike[str]) -> float:
    """How long ago a file was written, in seconds, by the clock of its storage.

    Raises:
        OutputError: if its folder takes no file that would tell the time.
        FileNotFoundError: if it is not there.
    """
    now = storage_time(Path(path).parent)
    return now - os.stat(path).st_mtime
