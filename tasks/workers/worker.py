"""Luigi's worker, for grids that several of them make together on a central scheduler.

Of Luigi's own accord a worker leaves as soon as nothing can be done at the moment, its status tells of what it did
itself, a task that a killed worker has left is tried again after a quarter of an hour, and a scheduler that was started
anew has forgotten all. One that has a task to see done stays here until it is done or has failed, whoever does it, and
ends with the status that the outcome deserves. Alone, with a scheduler of its own, it does what Luigi's does.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

import luigi
from luigi.scheduler import DISABLED, DONE, FAILED, PENDING, RUNNING, Scheduler
from luigi.task_register import Register
from luigi.worker import GetWorkResponse, TaskProcess, Worker, _is_external

from nstcore import StyleTransferError
from nstcore.failures import KILLED
from pipeline.sharing import shared_run
from tasks.completion_cache import completions_remembered
from tasks.defaults import AS_MANY_AS_THERE_ARE_WORKERS
from tasks.workers.loaded import LoadedProcesses
from tasks.workers.supervisor import how_killed

logger = logging.getLogger("luigi-interface")

# How often one that has nothing to do looks after what others have left, and when it gives up: while no worker does
# anything, and none was heard of that could.
_SECONDS_BETWEEN_LOOKS, _SECONDS_WITHOUT_WORK = 2.0, 180.0
# The same of one that helps with what others ask for: there may be many.
_SECONDS_BETWEEN_LOOKS_OF_HELPERS = 10.0
# How often, between those looks, a scheduler is told that what it takes for done is not: for longer than it is deaf.
_MOST_REMINDERS = 10
# Of how many tasks such a one remembers what they are. More are asked for again, by their parameters.
_MOST_REMEMBERED = 500
# The resource of tasks that hold a network; Luigi takes one that a scheduler knows nothing of for there once.
_ACCELERATOR = "accelerator"
# A task whose lease counts the dead (`pipeline.sharing.deaths`) is started again as often as that allows, which may be
# more often for one that gets further each time; but not for ever, should the leases not be writable.
_MOST_STARTS = 10 * KILLED.tries


class GridWorker(Worker):
    """A worker that waits for others, takes over from the dead, and judges a task by what became of it."""

    _open = 0

    def __init__(self, *arguments: Any, **others: Any) -> None:
        super().__init__(*arguments, **others)
        self._is_shared = not isinstance(self._scheduler, Scheduler)
        self._asked: list[luigi.Task] = []
        self._runs = False
        self._taken_part_in: set[luigi.Task] = set()
        self._looked = time.monotonic()
        self._last_running = time.monotonic()
        self._loaded = LoadedProcesses(self)
        self._killed: Counter[str] = Counter()
        self._most_together: dict[str, int] = {}
        self._reminded: Counter[luigi.Task] = Counter()

    def __enter__(self) -> Self:
        GridWorker._open += 1
        return super().__enter__()  # type: ignore[no-any-return]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Any:
        try:
            return super().__exit__(kind, error, traceback)
        finally:
            self._loaded.close()
            GridWorker._open -= 1
            if not GridWorker._open:
                shared_run.leave()

    def add(self, task: luigi.Task, multiprocess: bool = False, processes: int = 0) -> bool:
        if not self._runs:
            self._asked.append(task)
        return bool(super().add(task, multiprocess, processes))

    def run(self) -> bool:
        self._runs = True
        if self._is_shared:
            self._let_networks_run()
        succeeded = super().run()
        if self._is_shared and not self._assistant:
            succeeded = self._judged()
        return bool(succeeded)

    def _let_networks_run(self) -> None:
        """Say to a scheduler that was not set for grids, such as a plain `luigid`, that more than one may run at once.

        What somebody has set stays. Otherwise one machine would wait while another makes a cell, and all of them for a
        minute whenever one dies.
        """
        if _ACCELERATOR not in {known["name"] for known in self._scheduler.resource_list()}:
            self._scheduler.update_resource(resource=_ACCELERATOR, amount=AS_MANY_AS_THERE_ARE_WORKERS)

    def _get_work(self) -> GetWorkResponse:
        """Ask for something to do, and say for the next time how many of its kind are done together.

        Luigi's workers say that of the tasks that they ask for themselves. One that helps asks for none, and would be
        given one cell at a time.
        """
        if self._assistant:
            self._forget()
        response = super()._get_work()
        task = self._scheduled_tasks.get(response.task_id)
        if task is not None and task.batchable:
            family, most = task.task_family, task.max_batch_size
            if self._most_together.get(family) != most:
                self._most_together[family] = most
                names = type(task).batch_param_names()
                self._scheduler.add_task_batcher(
                    worker=self._id, task_family=family, batched_args=names, max_batch_size=most
                )
        return response

    def _forget(self) -> None:
        """Let go of what is over, which Luigi keeps for the end: one that helps for weeks would grow by all of it."""
        self._add_task_history.clear()
        self._get_work_response_history.clear()
        if len(self._scheduled_tasks) > _MOST_REMEMBERED and not self._running_tasks:
            self._scheduled_tasks.clear()
            Register.clear_instance_cache()

    def _create_task_process(self, task: luigi.Task) -> TaskProcess:
        process = super()._create_task_process(task)
        return self._loaded.process(process) if process.use_multiprocessing else process

    def _purge_children(self) -> None:
        """Start a task again whose process was killed. Luigi would let it fail, and the report of its grid with it."""
        for task_id, process in list(self._running_tasks.items()):
            ran_out_of_time = process.timeout_time is not None and time.time() > process.timeout_time
            if process.is_alive() or (process.exitcode or 0) >= 0 or ran_out_of_time:
                continue
            self._killed[task_id] += 1
            counts_the_dead = hasattr(process.task, "lease_file")
            if self._killed[task_id] < (_MOST_STARTS if counts_the_dead else KILLED.tries):
                name = getattr(process.task, "title", process.task)
                logger.warning("%s: its process %s; tried again", name, how_killed(-process.exitcode))
                del self._running_tasks[task_id]
                self._run_task(task_id)
        super()._purge_children()

    def _add_task(self, *arguments: Any, **others: Any) -> None:
        super()._add_task(*arguments, **others)
        if self._is_shared and others["status"] == FAILED and others["runnable"] is None:
            # It failed here, and would fail anywhere: only what was broken off is tried again. Who asks later may.
            self._scheduler.add_task(
                **{**others, "status": DISABLED, "runnable": False, "new_deps": None, "resources": None}
            )

    def _keep_alive(self, response: GetWorkResponse) -> bool:
        """Whether to stay although there is nothing to do at the moment."""
        if not self._is_shared or self._stop_requesting_work:
            return bool(super()._keep_alive(response))
        if self._assistant:
            if time.monotonic() - self._looked > _SECONDS_BETWEEN_LOOKS_OF_HELPERS:
                self._looked = time.monotonic()
                self._forgive_the_dead()
            return bool(super()._keep_alive(response))
        if response.running_tasks:
            self._last_running = time.monotonic()
        if time.monotonic() - self._looked < _SECONDS_BETWEEN_LOOKS:
            return True
        self._looked = time.monotonic()
        if not response.n_pending_tasks and not response.running_tasks:
            return self._remind()
        if self._take_part():
            return True
        return self._look_after_the_dead() or self.worker_processes == 0

    def _remind(self) -> bool:
        """Ask anew for what the scheduler has forgotten, or takes for done, and tell whether there is any.

        One that was started again without its state has forgotten it. One takes for done what was done before somebody
        removed the outputs, and Luigi's does not listen to whoever asks for that within ten seconds.
        """
        waits = False
        for task in (each for each in self._asked if not _is_complete(each)):
            found = self._found(task)
            if found and found["status"] == DONE:
                self._reminded[task] += 1
                if self._reminded[task] > _MOST_REMINDERS:
                    continue
            elif found and self._id in found["workers"]:
                continue
            else:
                logger.warning("the scheduler has forgotten %s; it is asked for again", task.task_family)
            self.add(task)
            waits = True
        return waits

    def _take_part(self) -> bool:
        """Get a part of what another worker has begun, and tell whether there is one.

        A task's run asks for the others that it needs, and Luigi gives those to whoever asked. So this worker runs it
        too: what it finds done or being made stays so.
        """
        if self.worker_processes == 0:
            return False
        waiting = [task for task in self._asked if self._found(task).get("status") == PENDING]
        taken = [task for task in waiting if task not in self._taken_part_in]
        for task in taken:
            self.add(task)
        self._taken_part_in.update(taken)
        return bool(taken)

    def _found(self, task: luigi.Task) -> dict[str, Any]:
        """What the scheduler says of a task; nothing if it has none."""
        by_status = self._scheduler.task_search(task_str=task.task_id)
        found = (known[task.task_id] for known in by_status.values() if task.task_id in known)
        return dict(next(found, {}))

    def _look_after_the_dead(self) -> bool:
        """Have taken up what workers left that are gone, and tell whether there is anything to wait for."""
        self._forgive_the_dead()
        if self._scheduler.task_list(status=RUNNING, upstream_status="", limit=False):
            self._last_running = time.monotonic()
            return True
        if any(_is_external(task) and not task.complete() for task in self._scheduled_tasks.values()):
            return False
        without = time.monotonic() - self._last_running
        if without > _SECONDS_WITHOUT_WORK / 3:
            for task in self._asked:  # what it waits for may have gone with the worker that had asked for it
                self.add(task)
        return without < _SECONDS_WITHOUT_WORK

    def _forgive_the_dead(self) -> None:
        """Let what workers left that are gone be made now. What failed by itself is disabled (see `_add_task`)."""
        self._scheduler.prune()
        for task_id in self._scheduler.task_list(status=FAILED, upstream_status="", limit=False):
            self._scheduler.forgive_failures(task_id=task_id)

    def _judged(self) -> bool:
        """Set down what became of the tasks that were asked for, whoever did them, and tell whether all is well."""
        with completions_remembered():
            failed = [each for task in self._asked for each in _failed(task)]
            done = [task for task in self._asked if _is_complete(task)]
            waiting = {task for task, status, _ in self._add_task_history if status == PENDING}
            self._write_down([task for task in waiting if _is_complete(task)], DONE)
        mine = {task for task, status, _ in self._add_task_history if status == FAILED}
        for task in failed:
            if task not in mine:
                logger.error("%s failed: %s", task, task.line())
        self._write_down([task for task in failed if task not in mine], PENDING)
        self._write_down([task for task in failed if task not in mine], FAILED)
        undone = [task for task in self._asked if task not in done]
        if undone and not failed and not mine:
            self._tell_why(undone)
        for response in self._get_work_response_history:
            response["running_tasks"] = []  # what others ran is over
        return not undone and not failed

    def _tell_why(self, undone: list[luigi.Task]) -> None:
        """Say what keeps tasks from being done: what failed on workers elsewhere."""
        disabled = self._scheduler.task_list(status=DISABLED, upstream_status="", limit=False)
        if disabled:
            names = ", ".join(sorted(task["display_name"] for task in disabled.values())[:5])
            logger.error("failed on other workers, whose logs say why: %s", names)
            self._write_down(undone, FAILED)

    def _write_down(self, tasks: Iterable[luigi.Task], status: str) -> None:
        """For Luigi's summary, which its exit status is made from."""
        self._add_task_history.extend((task, status, True) for task in tasks)


def _is_complete(task: luigi.Task) -> bool:
    try:
        return bool(task.complete())
    except StyleTransferError:
        return False


def _failed(task: luigi.Task) -> list[Any]:
    """The failed cells of a task that has come to its end, as tasks that tell of them."""
    left = getattr(task, "left_over", None)
    return left() if left is not None else []
