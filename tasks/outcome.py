"""How a step of a cell fails without taking the rest of its grid along.

Luigi runs nothing that depends on a failed task, so one broken picture would cost every report that shows it. A step
that meets a `StyleTransferError` therefore leaves a record of it in place of its output and counts as complete for
the rest of this run: the cells after it fail with the same line, the reports show it, and `FullGrid` ends with one
failed `FailedCell` for each. A later run finds no output and tries again. Anything unforeseen fails the Luigi way.

What a person can mend, the system's refusals included, is told in one line; only faults of ours have a traceback.
"""

from __future__ import annotations

import contextlib
import logging
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import luigi

from nstcore import StyleTransferError
from nstcore.system.refusals import line_of
from pipeline.stores import JsonStore

# Made once when the scheduling process imports this module, and inherited by the workers it forks.
_RUN = uuid.uuid4().hex


class CellFailed(StyleTransferError):
    """A cell of a grid could not be made."""


class FailureRecord:
    """The line that a step of this run failed with, in a file beside its output."""

    def __init__(self, path: Path) -> None:
        self._store = JsonStore(os.fspath(path))

    def reason(self) -> str:
        """The line, or "" if the step did not fail in this run."""
        if not self._store.exists():
            return ""
        record = self._store.load()
        return str(record["reason"]) if record["run"] == _RUN else ""

    def written_at(self) -> float:
        """When it was written, seconds since the epoch."""
        return os.stat(self._store.path).st_mtime

    def write(self, reason: str) -> None:
        self._store.dump({"run": _RUN, "reason": reason})

    def clear(self) -> None:
        if self._store.exists():
            self._store.remove()


class SettlingTask(luigi.Task):
    """A task that ends in its output or in a `FailureRecord`. Subclasses define `work` and `failure`."""

    def failure(self) -> FailureRecord:
        raise NotImplementedError

    def work(self) -> None:
        raise NotImplementedError

    def complete(self) -> bool:
        try:
            return bool(self.output().exists()) or bool(self.failure().reason())
        except StyleTransferError:
            return False  # run() says what is wrong

    def run(self) -> None:
        with self.settled():
            self.check_dependencies()
            self.work()
        if self.failure().reason():
            self.set_status_message(f"failed: {self.failure().reason()}")

    def check_dependencies(self) -> None:
        """See that nothing that this task needs has failed.

        Raises:
            StyleTransferError: with the line of the step that did.
        """
        for task in self.deps():
            if isinstance(task, SettlingTask) and task.failure().reason():
                raise StyleTransferError(task.failure().reason())

    @contextlib.contextmanager
    def settled(self) -> Iterator[None]:
        """Leave a record of the error that ends the block and that a person can mend, or none, not even an old one.

        Where the record cannot be written either, the error fails the task.
        """
        try:
            yield
        except Exception as error:
            reason = line_of(error)
            if not reason:
                raise
            try:
                self.failure().write(reason)
            except StyleTransferError:
                raise error from None
        else:
            self.failure().clear()


class _OneLine(logging.Filter):
    """Of a failed task, Luigi logs its worker's name and a traceback. Where a line says why, that line is logged."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        reason = line_of(error) if error else ""
        if reason and isinstance(record.args, tuple) and record.args:
            record.msg, record.args = "%s failed: %s", (record.args[-1], reason)
            record.exc_info = record.exc_text = None
        return True


logging.getLogger("luigi-interface").addFilter(_OneLine())
