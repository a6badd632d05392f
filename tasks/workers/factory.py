"""What Luigi makes its workers and schedulers with."""

from __future__ import annotations

from typing import Any

from luigi import interface, scheduler

from nstcore import ConfigError
from tasks.workers.patient import PatientScheduler
from tasks.workers.worker import GridWorker


class Factory:
    """In the place of Luigi's own, which `luigi` and `luigi.build` take unless they are given another."""

    def create_local_scheduler(self) -> scheduler.Scheduler:
        return scheduler.Scheduler(prune_on_get_work=True, record_task_history=False)

    def create_remote_scheduler(self, url: str) -> PatientScheduler:
        """The central scheduler at an address.

        Raises:
            ConfigError: if none answers there.
        """
        found = PatientScheduler(url)
        if not found.answers():
            raise ConfigError(
                f"no scheduler answers at {url}; start one there with nst-scheduler, or leave out what names one"
            )
        return found

    def create_worker(self, scheduler: Any, worker_processes: int, assistant: bool = False) -> GridWorker:
        return GridWorker(scheduler=scheduler, worker_processes=worker_processes, assistant=assistant)


def install() -> None:
    """Have Luigi use them in this process."""
    interface._WorkerSchedulerFactory = Factory
