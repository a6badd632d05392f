"""The tasks, with a line on the process after each cell that it has made: `--module benchmarks.drills.sampled`."""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tasks.transfer
from tasks import Sweep

__all__ = ["LOG", "Sweep"]

#: The environment variable with the path of the log.
LOG = "NST_DRILL_LOG"


def _sampled(make: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    @functools.wraps(make)
    def make_and_look(self: Any, members: Any) -> None:
        make(self, members)
        with open(os.environ[LOG], "a", encoding="ascii") as file:
            file.write(json.dumps(_look()) + "\n")

    return make_and_look


def _look() -> dict[str, float]:
    """This process as the system sees it (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return {
        "process": os.getpid(),
        "time": time.time(),
        "mebibytes": pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": len(os.listdir("/proc/self/task")),
    }


tasks.transfer.Transfer.make = _sampled(tasks.transfer.Transfer.make)  # type: ignore[method-assign]
