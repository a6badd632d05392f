"""Named by tests as `--module deadly_tasks`: the tasks, some of whose cells are killed as the system does it.

In the folder that the processes work in: whoever makes the content picture "cat" is killed each time, and the system
says that memory ran out; whoever makes "dog" is killed once, and nothing is said.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from pipeline.sharing import deaths
from tasks import Transfer

_KILLS, _DOGS = Path("memory-kills"), Path("dog-was-killed")
_make = Transfer.make


def _make_or_die(self: Transfer, members: list[Transfer]) -> None:
    names = {member.content for member in members}
    if "cat" in names:
        with _KILLS.open("a") as file:
            file.write("x")
        os.kill(os.getpid(), signal.SIGKILL)
    if "dog" in names and not _DOGS.exists():
        _DOGS.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    _make(self, members)


def _memory_kills() -> int:
    return _KILLS.stat().st_size if _KILLS.exists() else 0


Transfer.make = _make_or_die  # type: ignore[method-assign]
deaths.memory_kills = _memory_kills  # type: ignore[assignment]
