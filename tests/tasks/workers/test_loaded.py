"""With several workers, tasks that need a network are done by processes that stay."""

from __future__ import annotations

import contextlib
import os
import signal
from multiprocessing.queues import Queue
from pathlib import Path
from time import sleep
from types import SimpleNamespace

import luigi
import pytest


class Noted(luigi.Task):
    """Notes the process that does it."""

    folder: str = luigi.Parameter()
    number: int = luigi.IntParameter()
    deadly: bool = luigi.BoolParameter(default=False)

    needs_network = True

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(f"{self.folder}/{self.number}")

    def run(self) -> None:
        if self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        with self.output().open("w") as file:
            file.write(str(os.getpid()))


class Light(Noted):
    needs_network = False


def build(*tasks: luigi.Task) -> bool:
    return bool(luigi.build(list(tasks), local_scheduler=True, workers=2, log_level="WARNING"))


def pids(folder: Path) -> set[str]:
    return {path.read_text() for path in folder.iterdir()}


def test_they_go_on_from_one_task_to_the_next_and_end_with_the_run(tmp_path):
    assert build(*(Noted(folder=str(tmp_path), number=number) for number in range(8)))
    assert len(list(tmp_path.iterdir())) == 8
    assert 1 <= len(pids(tmp_path)) <= 2
    assert str(os.getpid()) not in pids(tmp_path)
    for pid in pids(tmp_path):
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


def test_others_have_a_process_each(tmp_path):
    assert build(*(Light(folder=str(tmp_path), number=number) for number in range(4)))
    assert len(pids(tmp_path)) == 4


def test_one_that_dies_fails_its_task_alone(tmp_path):
    tasks = [Noted(folder=str(tmp_path), number=number, deadly=number == 1) for number in range(6)]
    assert not build(*tasks)
    assert len(list(tmp_path.iterdir())) == 5


def test_one_that_dies_while_it_tells_of_another_task_keeps_nobody_waiting(tmp_path, monkeypatch):
    """What became of a task is read before whoever wrote it lets go of the line; by then it may have the next."""
    feed, parent = Queue._feed, os.getpid()

    def let_go_late(buffer, notempty, send_bytes, lock, *others):
        def release():
            if os.getpid() != parent:
                sleep(1)
            lock.release()

        feed(buffer, notempty, send_bytes, SimpleNamespace(acquire=lock.acquire, release=release), *others)

    monkeypatch.setattr(Queue, "_feed", let_go_late)
    tasks = [Noted(folder=str(tmp_path), number=number, deadly=number == 5) for number in range(6)]
    with no_longer_than(60):
        assert not build(*tasks)
    assert len(list(tmp_path.iterdir())) == 5


@contextlib.contextmanager
def no_longer_than(seconds):
    def end(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
