"""How a step of a cell fails without taking the rest of its grid along.

Luigi runs nothing that depends on a failed task, so one broken picture would cost every report that shows it. A step
that meets a `StyleTransferError` therefore leaves a record of it in place of its output and counts as complete for
the rest of this run: the cells after it fail with the same line, the reports show it, and `FullGrid` ends with one
failed `FailedCell` for each. A later run finds no output and tries again.

What a person can mend, the system's refusals included, is told in one line; only faults of ours have a traceback. They
are settled too, as what they are: a fault in one step is no reason for a grid of thousands to have no page.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import PurePath

import luigi

from nstcore import StyleTransferError
from nstcore.errors import InputError, one_line
from nstcore.failures import OURS, nature_of, persevere
from nstcore.system.refusals import line_of
from pipeline.outputs.stores import JsonStore
from pipeline.sharing.leases import Held, LeaseLost
from pipeline.sharing.shared_run import counts, run_of
from tasks.light import LightTask
from tasks.logs import about

logger = logging.getLogger("luigi-interface")


class CellFailed(StyleTransferError):
    """A cell of a grid could not be made."""


class ProgramFault(StyleTransferError):
    """A fault of ours, in one line; its traceback is in the log."""


def fault_of(error: Exception, title: str) -> ProgramFault:
    """Log the traceback of an error that nobody foresaw, this once, and give what is told of it from then on."""
    line = one_line(f"a fault of the program, whose log has a traceback: {type(error).__name__}: {error}")
    logger.error("%s: %s", title, line, exc_info=error)
    return ProgramFault(line)


class FailureRecord:
    """The line that a step of this run failed with, in a file beside its output.

    A run is that of all processes that work on the output folder at the time (`pipeline.sharing.shared_run`).
    """

    def __init__(self, path: PurePath, output_dir: str) -> None:
        self._store = JsonStore(os.fspath(path))
        self._output_dir = output_dir

    def reason(self) -> str:
        """The line, or "" if the step did not fail in this run."""
        return self._told("reason")

    def nature(self) -> str:
        """What kind of failure it was (`nstcore.failures.Nature.name`), or "" if the step did not fail in this run."""
        return self._told("nature")

    def write(self, reason: str, nature: str) -> None:
        self._store.dump({"run": run_of(self._output_dir, as_of_now=True), "reason": reason, "nature": nature})

    def _told(self, what: str) -> str:
        if not self._store.exists():
            return ""
        try:
            record = self._store.load()
            return str(record[what]) if counts(self._output_dir, str(record["run"])) else ""
        except (InputError, ValueError, KeyError, TypeError):  # removed this moment by another process, or damaged
            return ""

    def clear(self) -> None:
        self._store.remove()


class SettlingTask(LightTask):
    """A task that ends in its output or in a `FailureRecord`. Subclasses define `work` and `failure`."""

    #: Those that are held while it works, told of its progress.
    leases: Sequence[Held] = ()

    def failure(self) -> FailureRecord:
        raise NotImplementedError

    def work(self) -> None:
        raise NotImplementedError

    @property
    def title(self) -> str:
        """What it is about, in log lines."""
        return str(self)

    def complete(self) -> bool:
        try:
            return bool(self.output().exists()) or bool(self.failure().reason())
        except StyleTransferError:
            return False  # run() says what is wrong

    def run(self) -> Iterator[luigi.Task] | None:
        with self.settled():
            self.check_dependencies()
            persevere(self.work, name=self.title)
        if self.failure().reason():
            self.set_status_message(f"failed: {self.failure().reason()}")
        return None

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
        """Leave a record of the error that ends the block, or none, not even an old one.

        Where the record cannot be written either, the error fails the task.

        Raises:
            LeaseLost: which is no failure; another process makes it.
        """
        try:
            yield
        except LeaseLost:
            raise
        except Exception as error:
            failed = error if line_of(error) else fault_of(error, self.title)
            nature = OURS if isinstance(failed, ProgramFault) else nature_of(failed)
            try:
                self.failure().write(line_of(failed), nature.name)
            except StyleTransferError:
                raise failed from None
            logger.info("%s: failed: %s", self.title, line_of(failed))
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


logger.addFilter(_OneLine())


@SettlingTask.event_handler(luigi.Event.START)
def say_what_it_is_about(task: SettlingTask) -> None:
    """Let every line that is logged from now on name the task's cell."""
    about(task.title)


@SettlingTask.event_handler(luigi.Event.SUCCESS)
@SettlingTask.event_handler(luigi.Event.FAILURE)
def say_no_more(_task: SettlingTask, *_error: Exception) -> None:
    """What is logged after a task is about no cell."""
    about("")
