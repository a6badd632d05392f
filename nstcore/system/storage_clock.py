"""How old files are, by the clock of the storage that holds them: machines that share it may differ by an hour."""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path


def storage_time(folder: str | os.PathLike[str]) -> float:
    """The present time, in seconds, as a folder's storage writes it on files: that of a file just written there.

    Raises:
        OSError: if nothing can be written there.
    """
    probe = Path(folder) / f".{uuid.uuid4().hex}.part"
    try:
        probe.write_bytes(b"\0")  # one that stays empty may be given this machine's time
        return probe.stat().st_mtime
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()


def remove_older(folder: str | os.PathLike[str], pattern: str, seconds: float) -> list[Path]:
    """Remove the files of a folder that match a pattern and have not been written to for so long.

    Returns:
        Those that were removed. Nothing is looked at in a folder that cannot be written.
    """
    found = list(Path(folder).glob(pattern))
    if not found:
        return []
    removed = []
    with contextlib.suppress(OSError):
        now = storage_time(folder)
        for path in found:
            with contextlib.suppress(OSError):  # its owner has removed it meanwhile, or nobody else may
                if now - path.stat().st_mtime > seconds:
                    path.unlink()
                    removed.append(path)
    return removed
