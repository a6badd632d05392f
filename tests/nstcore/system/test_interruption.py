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
from nstcore.system.interruption import ended_by_interrupt
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
    with ended_by_interrupt(lambda: "interrupted"):
        globals()[sys.argv[1]]()
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("what", ["works", "catches_everything", "is_a_finalizer", "ends_slowly"])
def test_an_interrupt_ends_the_process_with_its_last_words(what):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, what],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=50)
    assert process.returncode == 130
    assert errors == "interrupted\n"
    assert time.monotonic() - begun < 20


def test_a_block_that_ends_leaves_the_signal_as_it_was(capsys):
    before = signal.getsignal(signal.SIGINT), signal.set_wakeup_fd(-1)
    descriptors = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for error in (KeyError, KeyboardInterrupt):
        for _ in range(3):
            with pytest.raises(error), ended_by_interrupt(lambda: "interrupted"):
                raise error
    with ended_by_interrupt(lambda: "interrupted"):
        pass
    assert (signal.getsignal(signal.SIGINT), signal.set_wakeup_fd(-1)) == before
    assert capsys.readouterr().err == "interrupted\n" * 3
    if descriptors:
        time.sleep(0.5)  # for the threads to end
        assert len(os.listdir("/proc/self/fd")) == descriptors
