"""Processes that go on from one task to the next, so that a network is loaded and compiled once.

With `--workers 2` or more Luigi forks a process for every task. One that needs Keras takes seconds to import it, to
load the network and to compile it, over and over: 24 small cells took five times as long as with one worker. Such tasks
are handed to a process that stays.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from luigi.task_register import load_task
from luigi.worker import TaskProcess, TaskStatusReporter

if TYPE_CHECKING:
    from tasks.workers.worker import GridWorker

# How long a process that is told to end may take, in seconds; one that does something else by then is made to.
_SECONDS_TO_END = 2.0


class LoadedProcesses:
    """The processes of a worker that stay."""

    def __init__(self, worker: GridWorker) -> None:
        self._worker = worker
        self._context = multiprocessing.get_context("fork")
        self._processes: list[_Loaded] = []

    def process(self, process: TaskProcess) -> TaskProcess:
        """What runs a task: for one that needs a network something that looks like the process Luigi would fork."""
        if not getattr(process.task, "needs_network", False):
            return process
        return _Handed(process, self)

    def free(self) -> _Loaded:
        """A process that has nothing to do; called while no other thread forks."""
        self._processes = [each for each in self._processes if each.process.is_alive()]
        for each in self._processes:
            if self._worker._running_tasks.get(each.task_id) is not each.handed:
                return each
        self._processes.append(_Loaded(self._context, self._worker))
        return self._processes[-1]

    def close(self) -> None:
        """End them."""
        for each in self._processes:
            each.connection.close()
        for each in self._processes:
            each.process.join(_SECONDS_TO_END)
            if each.process.is_alive():
                each.process.terminate()
        self._processes = []


class _Loaded:
    """A process that stays, and the task that it has or had last.

    It has a line of its own for what became of a task. On Luigi's, which all processes share, whoever writes holds a
    lock, and one that is killed then would keep it for ever.
    """

    def __init__(self, context: Any, worker: GridWorker) -> None:
        self.task_id = ""
        self.handed: _Handed | None = None
        theirs, self.connection = context.Pipe(duplex=False)
        self._outcomes, outcomes = context.Pipe(duplex=False)
        ours = (self.connection, self._outcomes)
        self.process = context.Process(target=_serve, args=(theirs, _Outcomes(outcomes), ours, worker))
        self.process.start()
        theirs.close()
        outcomes.close()
        threading.Thread(target=self._hand_on, args=(worker._task_result_queue,), daemon=True).start()

    def _hand_on(self, outcomes: Any) -> None:
        """Tell Luigi what became of each task, until the process has ended."""
        with self._outcomes, contextlib.suppress(EOFError, OSError):
            while True:
                outcomes.put(self._outcomes.recv())

    def give(self, handed: _Handed) -> None:
        task = handed.task
        self.task_id, self.handed = task.task_id, handed
        self.connection.send((task.task_module, task.task_family, task.to_str_params()))


class _Outcomes:
    """Where a process says what became of a task, as if it were Luigi's queue."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, outcome: object) -> None:
        self._connection.send(outcome)


class _Handed(TaskProcess):
    """A task in the hands of a process that stays, as Luigi's worker sees it."""

    def __init__(self, process: TaskProcess, processes: LoadedProcesses) -> None:
        super().__init__(
            process.task,
            process.worker_id,
            process.result_queue,
            process.status_reporter,
            use_multiprocessing=True,
            worker_timeout=process.worker_timeout,
            check_unfulfilled_deps=process.check_unfulfilled_deps,
            check_complete_on_run=process.check_complete_on_run,
            task_completion_cache=process.task_completion_cache,
        )
        self._processes = processes
        self._loaded: _Loaded | None = None

    def start(self) -> None:
        self._loaded = self._processes.free()
        self._loaded.give(self)

    def is_alive(self) -> bool:
        return self._loaded is not None and bool(self._loaded.process.is_alive())

    @property
    def exitcode(self) -> int | None:
        """That of the process; one that ended in the middle of a task in good order has not done it either."""
        if self._loaded is None or self._loaded.process.is_alive():
            return None
        return self._loaded.process.exitcode or 1

    def terminate(self) -> None:
        if self._loaded is not None:
            self._loaded.process.terminate()


def _serve(
    connection: Connection, outcomes: _Outcomes, theirs: tuple[Connection, Connection], worker: GridWorker
) -> None:
    """Run one task after the other, until the worker is gone."""
    for each in theirs:
        each.close()  # else this process would hold its own lines open
    while True:
        try:
            module, family, params = connection.recv()
        except (EOFError, OSError):
            return
        task = load_task(module, family, params)
        config = worker._config
        TaskProcess(
            task,
            worker._id,
            outcomes,
            TaskStatusReporter(worker._scheduler, task.task_id, worker._id, None),
            use_multiprocessing=True,
            worker_timeout=config.timeout,
            check_unfulfilled_deps=config.check_unfulfilled_deps,
            check_complete_on_run=config.check_complete_on_run,
            task_completion_cache=worker._task_completion_cache,
        ).run()
