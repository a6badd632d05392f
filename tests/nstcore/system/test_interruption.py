"""Ctrl-C: one line, soon, whatever the main thread is doing; and no trace of it where there was none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nstcore.system.interruption import ended_by_interrupt

PROGRAM = """
import sys, time
from nstcore.system.interruption import ended_by_interrupt, how_ended, status_of
from nstcore.system.quiet import _quiet_stderr, quiet_tensorflow

class Deaf:
    def __del__(self):
        ready()
        time.sleep(60)

def ready():
    print("ready", flush=True)

def works():
    ready()
    time.sleep(60)

def catches_everything():
    quiet_tensorflow()
    with _quiet_stderr():
        try:
            ready()
            time.sleep(60)
        except:
            time.sleep(60)

def is_a_finalizer():
    Deaf()
    time.sleep(60)

def ends_slowly():
    try:
        works()
    finally:
        time.sleep(60)

try:
    with ended_by_interrupt(how_ended):
        globals()[sys.argv[1]]()
except KeyboardInterrupt as interrupt:
    sys.exit(status_of(interrupt))
"""


@pytest.mark.parametrize(
    ("number", "words"), [(signal.SIGINT, "interrupted\n"), (signal.SIGTERM, "terminated\n")], ids=["Ctrl-C", "SIGTERM"]
)
def test_a_signal_ends_the_process_with_its_last_words(number, words):
    """Four processes at once: what is slow to end is given its time."""
    processes = {
        what: subprocess.Popen(
            [sys.executable, "-c", PROGRAM, what],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        for what in ("works", "catches_everything", "is_a_finalizer", "ends_slowly")
    }
    for process in processes.values():
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    begun = time.monotonic()
    for process in processes.values():
        process.send_signal(number)
    for what, process in processes.items():
        _, errors = process.communicate(timeout=50)
        assert (process.returncode, errors) == (128 + number, words), what
    assert time.monotonic() - begun < 20


FORKS = """
import os, time
from nstcore.system.interruption import ended_by_interrupt

with ended_by_interrupt(lambda: "interrupted"):
    for _ in range(2):
        if not os.fork():
            if not os.fork():  # a child's own child, which goes with it
                os.write(1, b"%d\\n" % os.getpid())  # at once: four write
                time.sleep(60)
            os.write(1, b"%d\\n" % os.getpid())  # at once: four write
            time.sleep(60)
    time.sleep(60)
"""


def test_forked_processes_end_with_the_one_that_forked_them_however_that_went():
    process = subprocess.Popen(
        [sys.executable, "-c", FORKS],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert process.stdout is not None
    with process.stdout:
        pids = [int(process.stdout.readline()) for _ in range(4)]
        process.kill()
        process.wait()
        begun = time.monotonic()
        while any(is_running(pid) for pid in pids):
            assert time.monotonic() - begun < 3, "one goes on"
            time.sleep(0.05)


def is_running(pid: int) -> bool:
    """Whether a process is there, and not merely waiting for someone to take note of its end."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_block_that_ends_leaves_the_signal_as_it_was(capsys):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), signal.set_wakeup_fd(-1)
    descriptors = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for error in (KeyError, KeyboardInterrupt):
        for _ in range(3):
            with pytest.raises(error), ended_by_interrupt(lambda: "interrupted"):
                raise error
    with ended_by_interrupt(lambda: "interrupted"):
        pass
    after = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), signal.set_wakeup_fd(-1)
    assert after == before
    assert capsys.readouterr().err == "interrupted\n" * 3
    if descriptors:
        time.sleep(0.5)  # for the threads to end
        assert len(os.listdir("/proc/self/fd")) == descriptors
