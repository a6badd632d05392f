"""The tasks, with a log of what they do that a kill leaves behind: `luigi --module benchmarks.drills.watched …`.

A line of the log, JSON, is written at once whenever a cell's transfer reports an iterate, and when a state was written.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import tasks.transfer
from pipeline import storage
from tasks import Sweep

__all__ = ["LOG", "Sweep"]

#: The environment variable with the path of the log.
LOG = "NST_DRILL_LOG"

_progress, _writing_into = tasks.transfer.progress, storage.writing_into


def _log(**entry: Any) -> None:
    line = json.dumps({"process": os.getpid(), **entry}) + "\n"
    descriptor = os.open(os.environ[LOG], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _watched_progress(task: Any, runs: Any) -> Iterator[Callable[[Any], None]]:
    sizes = iter([run.size for run in runs])
    size = 0
    with _progress(task, runs) as report:

        def report_and_log(iterate: Any) -> None:
            nonlocal size
            if iterate.iteration == 0:
                size = next(sizes)
            _log(cell=task.version, size=size, iteration=iterate.iteration, seconds=iterate.seconds)
            report(iterate)

        yield report_and_log


@contextlib.contextmanager
def _watched_writing(path: Any) -> Iterator[Any]:
    began = time.monotonic()
    with _writing_into(path) as file:
        yield file
    _log(wrote=time.monotonic() - began)


tasks.transfer.progress = _watched_progress
storage.writing_into = _watched_writing
