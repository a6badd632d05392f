"""How long Luigi's tasks ran, kind by kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import luigi


@contextmanager
def task_seconds() -> Iterator[dict[str, float]]:
    """Give a dictionary that gathers the seconds inside `run` by the names of the task classes.

    Time that a task with dynamic dependencies waits for them is not its own, and Luigi does not count it.
    """
    seconds: dict[str, float] = defaultdict(float)

    def add(task: luigi.Task, taken: float) -> None:
        seconds[type(task).__name__] += taken

    luigi.Task.event_handler(luigi.Event.PROCESSING_TIME)(add)
    try:
        yield seconds
    finally:
        luigi.Task.remove_event_handler(luigi.Event.PROCESSING_TIME, add)
