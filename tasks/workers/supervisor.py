"""Processes that are started, watched, started again when they die, and ended together."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nstcore.system.streams import tell

# Seconds: a worker that died sooner than the first is started again after twice the last wait, up to the second.
_SOON, _LONGEST_WAIT = 10.0, 60.0


@dataclass
class Kept:
    """A process that is to be there: started by `start`, and again whenever it has ended."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    _began: float = 0.0
    _wait: float = 0.0
    _not_before: float = field(default=0.0)

    def keep(self) -> None:
        """Start it if it is not there and may be started by now; tell of its end."""
        if self.process is not None and (status := self.process.poll()) is not None:
            self.process = None
            died_soon = time.monotonic() - self._began < _SOON
            self._wait = min(_LONGEST_WAIT, 2 * self._wait or 1.0) if died_soon else 0.0
            self._not_before = time.monotonic() + self._wait
            after = f" in {self._wait:.0f} s" if self._wait else ""
            tell(f"nst-workers: {self.name} {_how_it_ended(status)}; another takes its place{after}")
        if self.process is None and time.monotonic() >= self._not_before:
            self._began = time.monotonic()
            self.process = self.start()
            self.starts += 1


def started(words: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a Python program of ours in a session of its own: what a terminal sends reaches the supervisor alone.

    Its standard input ends with this process, in whatever way that ends.
    """
    return subprocess.Popen(
        [sys.executable, *words], env={**os.environ, **environment}, stdin=subprocess.PIPE, start_new_session=True
    )


def end_with_parent() -> None:
    """End this process when the one that started it has gone, in whatever way: nobody else would."""

    def wait() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):  # not by sys.stdin, whose lock would be held when Python ends
                pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True, name="parent").start()


def end(processes: Mapping[subprocess.Popen[bytes], int], seconds: float) -> None:
    """End processes, each by its signal, and by force those that take longer than so many seconds."""
    for process, number in processes.items():
        with contextlib.suppress(OSError):
            process.send_signal(number)
    limit = time.monotonic() + seconds
    for process in processes:
        try:
            process.wait(max(0.0, limit - time.monotonic()))
        except subprocess.TimeoutExpired:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()


def _how_it_ended(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    return how_killed(-status)


def how_killed(number: int) -> str:
    """What is said of a process that a signal has ended. Of who sent it the system keeps no word."""
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return f"was killed ({name}{', as the system does when memory runs out' if number == signal.SIGKILL else ''})"
