"""One thread of a process that lets its leases beat."""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Protocol

logger = logging.getLogger("luigi-interface")


class Beating(Protocol):
    """What is to be heard of as long as this process lives."""

    def beat(self) -> None:
        """Say that it lives. Called in a thread of its own."""
        ...


class Heart:
    """Calls `beat` of all that was added, every so many seconds, until it is removed or the process ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due: dict[int, tuple[float, float, Beating]] = {}
        self._stirred = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, beating: Beating, seconds: float) -> None:
        """Let something beat every so many seconds, from now on."""
        with self._lock:
            self._due[id(beating)] = (time.monotonic() + seconds, seconds, beating)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="leases")
                self._thread.start()
        self._stirred.set()

    def remove(self, beating: Beating) -> None:
        """Let it beat no more."""
        with self._lock:
            self._due.pop(id(beating), None)

    def beating(self) -> list[Beating]:
        """All that beats at the moment."""
        with self._lock:
            return [beating for _, _, beating in self._due.values()]

    def forget(self) -> None:
        """Begin anew in a process that was forked: what its parent holds goes on beating there."""
        self.__init__()  # type: ignore[misc]

    def _run(self) -> None:
        while True:
            self._stirred.clear()
            for beating in self._now_due():
                try:
                    beating.beat()
                except Exception:  # whatever it is, the others have to be heard of
                    logger.exception("a lease does not beat")
            with self._lock:
                soonest = min((at for at, _, _ in self._due.values()), default=None)
            self._stirred.wait(None if soonest is None else max(0.0, soonest - time.monotonic()))

    def _now_due(self) -> list[Beating]:
        now = time.monotonic()
        with self._lock:
            due = [(seconds, beating) for at, seconds, beating in self._due.values() if at <= now]
            for seconds, beating in due:
                self._due[id(beating)] = (now + seconds, seconds, beating)
        return [beating for _, beating in due]


#: That of this process.
heart = Heart()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: heart.forget())
