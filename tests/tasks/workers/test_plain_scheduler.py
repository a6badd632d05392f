"""Workers on a central scheduler that nobody has set for grids, such as a plain `luigid`."""

from __future__ import annotations

from typing import Any

import pytest
from luigi.scheduler import DISABLED, FAILED, PENDING, RUNNING, Scheduler
from luigi.worker import GetWorkResponse

from tasks.defaults import AS_MANY_AS_THERE_ARE_WORKERS
from tasks.workers import worker as module
from tasks.workers.worker import GridWorker

NOTHING_TO_DO = GetWorkResponse(None, [], 0, 0, 0, "active")


class Central:
    """A scheduler that is not this process's own."""

    def __init__(self, **settings: Any) -> None:
        self.itself = Scheduler(**settings)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.itself, name)


@pytest.mark.parametrize(("set_there", "then"), [({}, AS_MANY_AS_THERE_ARE_WORKERS), ({"accelerator": 2}, 2)])
def test_as_many_networks_run_at_once_as_there_are_workers_unless_somebody_has_set_how_many(set_there, then):
    central = Central()
    central.itself._resources = dict(set_there)  # in a process that imports the tasks they would be those set for grids
    with GridWorker(scheduler=central, worker_processes=1) as worker:
        worker.run()
    assert central.itself._resources == {"accelerator": then}


@pytest.fixture
def central() -> Central:
    """One with Luigi's delays, on which a worker has died over a task, and another task has failed by itself."""
    central = Central(retry_delay=900.0)
    central.add_task(worker="dead", task_id="left", status=PENDING)
    assert central.get_work(worker="dead")["task_id"] == "left"
    central.add_task(worker="dead", task_id="failed", status=DISABLED)
    central.itself._state._active_workers["dead"].last_active = 0.0
    return central


def statuses(central: Central) -> dict[str, str]:
    return {task.id: task.status for task in central.itself._state.get_active_tasks()}


@pytest.mark.parametrize("assistant", [True, False], ids=["one that helps", "one that waits"])
def test_what_a_dead_worker_has_left_is_done_without_waiting_for_a_quarter_of_an_hour(central, assistant):
    central.itself.prune()
    assert statuses(central) == {"left": FAILED, "failed": DISABLED}
    worker = GridWorker(scheduler=central, worker_processes=1, assistant=assistant, keep_alive=True)
    worker._looked -= module._SECONDS_BETWEEN_LOOKS_OF_HELPERS + 1
    assert worker._keep_alive(NOTHING_TO_DO._replace(n_pending_tasks=1))
    assert statuses(central) == {"left": PENDING, "failed": DISABLED}
    found = central.get_work(worker=worker._id, assistant=assistant)["task_id"]
    assert found == ("left" if assistant else None)  # others have to ask for it first, and do
    assert statuses(central)["left"] == (RUNNING if assistant else PENDING)
