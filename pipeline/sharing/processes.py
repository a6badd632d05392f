"""Who a process is, so that another can tell whether it is still there."""

from __future__ import annotations

import functools
import os
import platform
import uuid
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ProcessIdentity:
    """A process of a machine.

    Attributes:
        host: the machine's name, for people.
        machine: what its process numbers count in: this start of the machine, and the container, if it is one. Two
            machines may have one name, and a container that of its host.
        pid: its number.
        started: when it started, in ticks since the machine did; None where the system does not tell. A number is
            given again after a while.
    """

    host: str
    machine: str
    pid: int
    started: int | None

    @classmethod
    def own(cls) -> ProcessIdentity:
        """That of the process that asks."""
        return cls(platform.node(), _machine(), os.getpid(), _start(os.getpid()))

    def is_gone(self) -> bool:
        """Whether it is known to have ended; never of another machine's."""
        if self.machine != _machine():
            return False
        if not _is_there(self.pid):
            return True
        return self.started is not None and _start(self.pid) != self.started


def memory_kills() -> int | None:
    """How many processes the system of this machine has killed since it started because memory ran out.

    Returns:
        None where the system does not tell.
    """
    try:
        lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):  # not Linux
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)


@functools.cache
def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:  # not Linux
        return f"{platform.node()} {uuid.getnode():012x}"


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


def _start(pid: int) -> int | None:
    """When a process started, in ticks; None if it has ended, is not there, or the system does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name before the last parenthesis may hold anything (proc(5)); the fields from 3, the state, on follow it.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])
