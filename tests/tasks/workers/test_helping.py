"""A worker that helps: it does together what whoever asked wants done together."""

from __future__ import annotations

from collections import Counter

import luigi
import pytest
from luigi.scheduler import Scheduler

from tasks.workers import worker
from tasks.workers.worker import GridWorker
from tests.tasks.joined_tasks import Joined


@pytest.mark.parametrize("most", [1, 3])
def test_a_helper_joins_tasks_once_it_has_seen_that_they_may_be(tmp_path, most):
    scheduler = Scheduler()
    asking = luigi.worker.Worker(scheduler=scheduler, worker_id="asking", worker_processes=0)
    with asking:
        for number in range(10):
            asking.add(Joined(folder=str(tmp_path), name=f"task{number}", most=most))
        with GridWorker(scheduler=scheduler, worker_id="helping", assistant=True, keep_alive=False) as helping:
            assert helping.run()
    sizes = Counter(int(file.read_text()) for file in tmp_path.iterdir())
    assert sizes == ({1: 10} if most == 1 else {1: 1, 3: 9})


def test_a_helper_does_not_keep_what_it_has_done(tmp_path, monkeypatch):
    """One that serves for weeks would hold every task, every answer of the scheduler and every status that it told."""
    monkeypatch.setattr(worker, "_MOST_REMEMBERED", 4)
    scheduler = Scheduler()
    most = 0
    with GridWorker(scheduler=scheduler, worker_id="helping", assistant=True, keep_alive=False) as helping:
        for batch in range(3):
            asking = luigi.worker.Worker(scheduler=scheduler, worker_id=f"asking{batch}", worker_processes=0)
            with asking:
                for number in range(10):
                    asking.add(Joined(folder=str(tmp_path), name=f"task{batch}-{number}", most=1))
                assert helping.run()
            kept = (helping._scheduled_tasks, helping._add_task_history, helping._get_work_response_history)
            most = max(most, *map(len, kept))
    assert len(list(tmp_path.iterdir())) == 30
    assert most <= 5
