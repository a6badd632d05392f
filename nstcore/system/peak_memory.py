"""The most memory that this process has held."""

from __future__ import annotations

import resource
import sys
from pathlib import Path


def peak_memory() -> int:
    """The largest resident size of this process so far, bytes.

    On Linux that of the program that runs now: what `getrusage` tells begins with the size of the process that started
    it, which a worker or a grid that starts small commands may have been many times larger.
    """
    return _of_this_program(Path("/proc/self/status")) or _since_the_start()


def _of_this_program(status: Path) -> int | None:
    try:
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    kibibytes = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return kibibytes[0] * 2**10 if kibibytes else None


def _since_the_start() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 2**10)
