"""`nst-workers`: workers that stay, each with its network loaded, on a scheduler that machines can share."""

from __future__ import annotations

import argparse
import ipaddress
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from types import FrameType
from typing import Any

from nstcore import ConfigError, StyleTransferError
from nstcore.checks import expected, whole_number
from nstcore.errors import one_line
from nstcore.system.entry_point import BAD_INPUT, OneLineParser
from nstcore.system.streams import prepare_streams, tell
from tasks.workers.machine import advice, devices, environment
from tasks.workers.patient import PatientScheduler
from tasks.workers.scheduler import HOST, PORT, is_port
from tasks.workers.supervisor import Kept, end, started

_SECONDS_BETWEEN_LOOKS = 0.2
# How long a scheduler that this command has started may take until it answers.
_SECONDS_TO_START = 60.0
# How long those that are told to end may take: three seconds for all.
_SECONDS_TO_END, _SECONDS_TO_END_A_SCHEDULER = 2.5, 0.5
_DESCRIPTION = """Start workers that stay, each keeping its network loaded from cell to cell, and start another whenever
one dies. With a task behind "--" the command ends with it, and with its exit status; without one it serves until it is
interrupted. On another machine the same command with --scheduler joins in."""


def main(words: list[str] | None = None) -> int:
    """Run the command; give its exit status."""
    words = sys.argv[1:] if words is None else words
    own, task = (words[: words.index("--")], words[words.index("--") + 1 :]) if "--" in words else (words, [])
    options = _parser().parse_args(own)
    prepare_streams()
    try:
        if options.processes is not None:
            whole_number("processes", options.processes, 1)
        if any(word.startswith(("--workers", "--scheduler", "--local-scheduler", "--module")) for word in task):
            raise ConfigError(
                "the words behind -- are a task and its parameters; workers and scheduler stand before it"
            )
        host, port = _address(options.scheduler)
        its_devices = devices(options.processes, options.gpus)
        if line := advice(its_devices):
            tell(f"nst-workers: {line}")
        with _Workers(host, port, its_devices, options.module) as workers:
            return workers.do(task) if task else workers.serve()
    except StyleTransferError as error:
        tell(f"nst-workers: {one_line(error)}")
        return BAD_INPUT
    except _Ended as ended:
        return 128 + ended.number


class _Ended(BaseException):
    """A signal asks to end."""

    def __init__(self, number: int) -> None:
        self.number = number


class _Workers:
    """The processes of this command: workers, one that asks for the task, and a scheduler where there is none."""

    def __init__(self, host: str, port: int, its_devices: list[str | None], module: str) -> None:
        self._host, self._port, self._devices, self._module = host, port, its_devices, module
        self._url = f"http://{host}:{port}/"
        self._scheduler: subprocess.Popen[bytes] | None = None
        # What a scheduler of this command knows: of no command before, which may have been killed in another folder.
        self._known: tempfile.TemporaryDirectory[str] | None = None
        self._client: subprocess.Popen[bytes] | None = None
        self._kept: list[Kept] = []
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> _Workers:
        self._handlers = {ending: signal.signal(ending, _raise_ended) for ending in (signal.SIGINT, signal.SIGTERM)}
        try:
            self._find_scheduler()
        except BaseException:
            self.__exit__()
            raise
        run = uuid.uuid4().hex[:6]
        for number, device in enumerate(self._devices):
            name = f"worker {number}" + (f" on GPU {device}" if device is not None else "")
            self._kept.append(Kept(name, lambda number=number, device=device: self._start(run, number, device)))  # type: ignore[misc]
        return self

    def __exit__(self, *_: object) -> None:
        for number in self._handlers:
            signal.signal(number, signal.SIG_IGN)  # to end is begun; a second would break it off
        workers = [each.process for each in self._kept if each.process is not None]
        clients = [] if self._client is None or self._client.poll() is not None else [self._client]
        # All at once, for all to have the same time. The client is interrupted, to say how far it came; both may still
        # have something to tell the scheduler.
        end({**dict.fromkeys(workers, signal.SIGTERM), **dict.fromkeys(clients, signal.SIGINT)}, _SECONDS_TO_END)
        if self._scheduler is not None:
            end({self._scheduler: signal.SIGTERM}, _SECONDS_TO_END_A_SCHEDULER)
        if self._known is not None:
            self._known.cleanup()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def do(self, task: list[str]) -> int:
        """Have a task done, and give its exit status."""
        self._keep()
        words = ["-m", "luigi", "--module", self._module, *task, "--workers", "0"]
        words += ["--scheduler-host", self._host, "--scheduler-port", str(self._port)]
        self._client = started(words, {})
        while (status := self._client.poll()) is None:
            self._keep()
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        return status if status >= 0 else 128 - status

    def serve(self) -> int:
        """Serve until a signal ends it."""
        tell(f"nst-workers: {len(self._devices)} at work for the scheduler at {self._url}")
        while True:
            self._keep()
            time.sleep(_SECONDS_BETWEEN_LOOKS)

    def _keep(self) -> None:
        for each in self._kept:
            each.keep()
        if self._scheduler is not None and self._scheduler.poll() is not None:
            tell("nst-workers: the scheduler has ended; another takes its place, with what it knew")
            self._scheduler = self._started_scheduler()

    def _find_scheduler(self) -> None:
        if PatientScheduler(self._url).answers(0.0):
            return
        if not _is_here(self._host):
            if PatientScheduler(self._url).answers(_SECONDS_TO_START):
                return
            raise ConfigError(f"no scheduler answers at {self._url}; start one there: nst-scheduler --address 0.0.0.0")
        self._scheduler = self._started_scheduler()
        found = PatientScheduler(self._url)
        limit = time.monotonic() + _SECONDS_TO_START
        while not found.answers(0.5):
            if self._scheduler.poll() is not None or time.monotonic() > limit:
                raise ConfigError(f"no scheduler could be started at {self._url}; name a port that is free")
        tell(f"nst-workers: a scheduler of its own at {self._url}")

    def _started_scheduler(self) -> subprocess.Popen[bytes]:
        self._known = self._known or tempfile.TemporaryDirectory(prefix="nst-scheduler-", ignore_cleanup_errors=True)
        words = ["-m", "tasks.workers.scheduler", "--address", self._host, "--port", str(self._port), "--with-parent"]
        return started([*words, "--state", str(Path(self._known.name) / "state.pickle")], {})

    def _start(self, run: str, number: int, device: str | None) -> subprocess.Popen[bytes]:
        # Each start is a worker of its own to the scheduler, which has to see that the last one is gone.
        name = f"{platform.node()}-{run}-{number}-{uuid.uuid4().hex[:6]}"
        words = ["-m", "tasks.workers.serve", "--scheduler", self._url, "--name", name, "--module", self._module]
        return started(words, environment(device, self._devices))


def _raise_ended(number: int, _frame: FrameType | None) -> None:
    raise _Ended(number)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if ":" in text else (text, "", str(PORT))
    if not host or not is_port(port):
        raise ConfigError(expected("scheduler", "HOST or HOST:PORT", text))
    return host, int(port)


def _is_here(host: str) -> bool:
    """Whether a host is the loopback of this machine, where a scheduler may be started for this command alone."""
    try:
        return ipaddress.ip_address(socket.gethostbyname(host)).is_loopback
    except (OSError, ValueError):  # there is none of that name, or there can be none
        return False


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="nst-workers", usage="%(prog)s [options] [-- TASK [parameters]]", description=_DESCRIPTION
    )
    parser.add_argument("--processes", type=int, help="how many; default: one for each GPU, or one")
    parser.add_argument(
        "--gpus", metavar="0,1", help="the GPU of each process; named twice, two processes share it; default: all"
    )
    parser.add_argument(
        "--scheduler",
        metavar="HOST[:PORT]",
        default=os.environ.get("NST_SCHEDULER", f"{HOST}:{PORT}"),
        help=f"default $NST_SCHEDULER, or {HOST}:{PORT}; on this machine one is started where none is",
    )
    parser.add_argument("--module", default="tasks", help="what has the task, as luigi --module; default: tasks")
    return parser


if __name__ == "__main__":
    sys.exit(main())
