"""What killed processes left half written is removed when a run begins: in the outputs, the cache, and among temporary
files. Only what is older than a day, which no process is still writing; and once a day, however many runs there are."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePath

from nstcore.errors import StyleTransferError
from nstcore.networks.weights import cache
from nstcore.system.storage_clock import remove_older, storage_time
from pipeline.grid.paths import parts_of_output, runs_folder
from pipeline.storage import is_own_part

_DAY = 86400.0


def sweep(output: PurePath) -> int:
    """Sweep an output folder, unless that was done within a day, the cache of weights and the temporary folders.

    Whatever the system refuses is left as it is: it is no reason not to run.

    Returns:
        How many files and folders were removed.
    """
    removed = 0
    with contextlib.suppress(OSError, StyleTransferError):
        removed += len(remove_older(cache.folder(), ".*.part*", _DAY))
    with contextlib.suppress(OSError):
        removed += _sweep_temporary(Path(tempfile.gettempdir()))
    with contextlib.suppress(OSError):
        # In object storage nothing is ever half written.
        if isinstance(output, Path) and output.is_dir() and not _was_swept(output):
            removed += sweep_outputs(output)
    return removed


def sweep_outputs(output: Path) -> int:
    """Sweep an output folder that is there, and tell how many files were removed.

    Raises:
        OSError: if nothing can be written there, by which the age of files is told.
    """
    now, removed = storage_time(output), 0
    for path in parts_in(output):
        with contextlib.suppress(OSError):
            if now - path.stat().st_mtime > _DAY:
                path.unlink()
                removed += 1
    return removed


def _was_swept(output: Path) -> bool:
    """Whether this user swept a folder within a day; if not, it counts as swept from now on.

    Noted in the cache, since a run that has nothing to do leaves the outputs as they are.
    """
    with contextlib.suppress(OSError, StyleTransferError):
        name = hashlib.sha256(os.fsencode(output.resolve())).hexdigest()[:16]
        marker = cache.folder().parent / "swept" / name
        marker.parent.mkdir(parents=True, exist_ok=True)
        if marker.exists() and storage_time(marker.parent) - marker.stat().st_mtime < _DAY:
            return True
        marker.write_bytes(b"\n")  # an empty one may be given this machine's time
    return False


def parts_in(output: Path) -> Iterator[Path]:
    """The temporary files of writers, in an output folder and in the folders that it has.

    A person's own may lie beside those, as where outputs go into the home folder, and other programs' into them.
    """
    for place in (output, *parts_of_output(output), runs_folder(output)):
        for folder, below, names in os.walk(place):
            if place == output:
                below.clear()
            yield from (Path(folder, name) for name in names if is_own_part(name))


def _sweep_temporary(folder: Path) -> int:
    """The folders into which weights were fetched, of this user."""
    removed = 0
    now = None
    for path in folder.glob("nstcore-*"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            now = storage_time(folder) if now is None else now
            if (
                path.is_dir()
                and not path.is_symlink()
                and status.st_uid == os.getuid()
                and now - status.st_mtime > _DAY
            ):
                shutil.rmtree(path, ignore_errors=True)
                removed += 1
    return removed
