"""Leases: one holder at a time, taken over from the dead, whatever the clocks of machines say."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.sharing import leases
from pipeline.sharing.leases import LeaseLost, Taken, cell_lease, outlive, read, read_lease, take
from pipeline.sharing.processes import ProcessIdentity
from pipeline.storage import clock as storage_clock


@pytest.fixture(autouse=True)
def _own_clock(monkeypatch):
    monkeypatch.setattr(storage_clock, "_SECONDS", 0.0)  # tests move the times of files


def rewrite(path: Path, **changes: object) -> None:
    """Change what a lease says, as another process would have written it."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_lease_says_who_is_at_work_and_is_gone_afterwards(tmp_path):
    folder = tmp_path / "cells" / "a"
    assert read_lease(folder) is None
    with take(cell_lease(folder)) as held:
        held.tell(size=64, iteration=3, iterations=10, total=1.5, seconds=2.0)
        held.beat()
        lease = read_lease(folder)
        assert lease is not None
        assert lease.is_live()
        assert lease.holder == ProcessIdentity.own()
        assert (lease.token, lease.beats) == (held.token, 1)
        assert lease.progress == {"size": 64, "iteration": 3, "iterations": 10, "total": 1.5, "seconds": 2.0}
        assert set(json.loads(cell_lease(folder).read_text())) >= {
            "host", "pid", "process_started", "token", "beats", "started", "progress",
        }  # fmt: skip
    assert os.listdir(folder) == []


def test_what_is_held_cannot_be_taken_by_another(tmp_path):
    path = tmp_path / "lease.json"
    with take(path) as held, pytest.raises(Taken, match=f"held by process {os.getpid()}") as taken:
        take(path)
    assert taken.value.lease.token == held.token
    take(path).release()


def test_the_lease_of_a_process_that_was_killed_is_taken_over_at_once(tmp_path):
    path = tmp_path / "lease.json"
    code = "import sys, time; from pathlib import Path; from pipeline.sharing.leases import take\n"
    code += "held = take(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with pytest.raises(Taken):
        take(path)
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, but its parent has not looked: a zombie
    lease = read(path)
    assert lease is not None
    assert not lease.is_live()
    with take(path) as held:
        assert json.loads(path.read_text())["token"] == held.token
    process.communicate()
    assert not path.exists()


def test_a_number_that_another_process_has_by_now_is_not_the_holder(tmp_path):
    path = tmp_path / "lease.json"
    held = take(path)
    if ProcessIdentity.own().started is None:
        pytest.skip("this system does not tell when a process started")
    rewrite(path, token="other", process_started=1)
    lease = read(path)
    assert lease is not None
    assert not lease.is_live()
    held.release()
    assert path.exists()  # it was another's by then


def test_another_machine_or_container_is_dead_after_a_minute_without_a_beat(tmp_path):
    path = tmp_path / "lease.json"
    held = take(path)
    # The number of this process means nothing there, nor does that nobody has the number 2**30 here.
    rewrite(path, token="other", machine="another boot", pid=2**30)
    with pytest.raises(Taken):
        take(path)
    old = time.time() - 61
    os.utime(path, (old, old))
    take(path).release()
    held.release()


def test_the_clock_of_the_storage_counts_and_not_that_of_the_machine(tmp_path, monkeypatch):
    path = tmp_path / "lease.json"
    held = take(path)
    rewrite(path, token="other", machine="another boot")
    for wrong in (-3600.0, 3600.0):
        monkeypatch.setattr(time, "time", lambda wrong=wrong: wrong)
        lease = read(path)
        assert lease is not None
        assert lease.is_live()
        assert lease.silent is not None
        assert abs(lease.silent) < 5
    held.release()


def test_a_time_that_cannot_be_is_outlived_by_watching(tmp_path, monkeypatch):
    """A copied or touched lease may have a time that lies ahead; without beats it is dead all the same."""
    path = tmp_path / "lease.json"
    held = take(path)
    rewrite(path, token="other", machine="another boot")
    ahead = time.time() + 7200
    os.utime(path, (ahead, ahead))
    monkeypatch.setattr(leases, "SECONDS_TO_LIVE", 0.2)
    lease = read(path)
    assert lease is not None
    assert lease.is_live()
    outlive(lease, seconds_between_looks=0.05)
    assert not lease.is_live()
    take(path).release()
    held.release()


def test_whoever_waits_goes_on_when_the_lease_is_released(tmp_path):
    held = take(tmp_path / "lease.json")
    lease = read(held.path)
    assert lease is not None
    waiting = threading.Thread(target=outlive, args=(lease, 0.01))
    waiting.start()
    time.sleep(0.1)
    assert waiting.is_alive()
    held.release()
    waiting.join(timeout=10)
    assert not waiting.is_alive()


def test_a_file_cut_short_counts_as_held_until_it_is_old(tmp_path):
    path = tmp_path / "lease.json"
    path.write_bytes(b"")
    with pytest.raises(Taken, match="another process"):
        take(path)
    old = time.time() - 61
    os.utime(path, (old, old))
    take(path).release()


@pytest.mark.parametrize("text", ["[]", "{", '{"pid": true, "beats": "x", "progress": 3}', '{"pid": -1}', "\0\xff"])
def test_any_content_can_be_read(tmp_path, text):
    (tmp_path / "lease.json").write_text(text)
    lease = read_lease(tmp_path)
    assert lease is not None
    assert lease.holder is None
    assert lease.is_live()


def test_a_holder_that_was_given_up_for_dead_notices_and_leaves_the_lease_alone(tmp_path):
    path = tmp_path / "lease.json"
    held = take(path)
    rewrite(path, token="other")
    held.beat()
    with pytest.raises(LeaseLost):
        held.tell(size=64)
    held.release()
    assert json.loads(path.read_text())["token"] == "other"


def test_a_lease_that_someone_removed_is_made_again(tmp_path):
    held = take(tmp_path / "lease.json")
    held.path.unlink()
    held.beat()
    assert json.loads(held.path.read_text())["token"] == held.token
    held.release()


def test_it_beats_by_itself_and_so_does_that_of_a_forked_process(tmp_path, monkeypatch):
    monkeypatch.setattr(leases, "SECONDS_BETWEEN_BEATS", 0.05)

    def beats(name: str) -> None:
        with take(tmp_path / name):
            limit = time.monotonic() + 30
            while (lease := read(tmp_path / name)) is not None and lease.beats < 3:
                assert time.monotonic() < limit
                time.sleep(0.02)

    with take(tmp_path / "parent"):
        child = multiprocessing.get_context("fork").Process(target=beats, args=("child",))
        child.start()
        child.join()
        assert child.exitcode == 0
        lease = read(tmp_path / "parent")
        assert lease is not None
        assert lease.holder == dataclasses.replace(ProcessIdentity.own())


def _race(path: Path, wins: multiprocessing.Queue, all_tried: Any) -> None:  # type: ignore[type-arg]
    try:
        held = take(path)
    except Taken:
        wins.put(None)
    else:
        wins.put(held.token)
        all_tried.wait(60)  # a process that is late, as under load, finds this one alive


@pytest.mark.parametrize("dead", [False, True])
def test_of_many_at_once_one_gets_it(tmp_path, dead):
    context = multiprocessing.get_context("fork")
    for attempt in range(5):
        path = tmp_path / f"{attempt}.json"
        if dead:
            held = take(path)
            rewrite(path, token="dead", process_started=1)
            held.release()
        wins: multiprocessing.Queue = context.Queue()  # type: ignore[type-arg]
        all_tried = context.Event()
        processes = [context.Process(target=_race, args=(path, wins, all_tried)) for _ in range(8)]
        for process in processes:
            process.start()
        tokens = [wins.get(timeout=30) for _ in processes]
        all_tried.set()
        for process in processes:
            process.join()
        assert sum(token is not None for token in tokens) == 1


def test_a_beat_that_is_under_way_does_not_put_back_what_is_released(tmp_path, monkeypatch):
    held = take(tmp_path / "lease.json")
    begun, go_on = threading.Event(), threading.Event()
    rewrite_file = leases.lease_files.rewrite

    def slow(*arguments: Any) -> bool:
        begun.set()
        go_on.wait(10)
        return rewrite_file(*arguments)

    monkeypatch.setattr(leases.lease_files, "rewrite", slow)
    beat = threading.Thread(target=held.beat)
    beat.start()
    assert begun.wait(10)
    release = threading.Thread(target=held.release)
    release.start()
    go_on.set()
    beat.join()
    release.join()
    assert os.listdir(tmp_path) == []
    held.beat()  # one that was due, and comes late
    assert os.listdir(tmp_path) == []


def test_what_is_said_besides_is_there_at_once(tmp_path):
    with take(tmp_path / "lease.json", {"run": "x"}) as held:
        held.say(at_work=False)
        lease = read(held.path)
        assert lease is not None
        assert (lease.content["run"], lease.content["at_work"], lease.token) == ("x", False, held.token)
