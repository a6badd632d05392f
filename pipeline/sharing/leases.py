"""Who is at work on what: a small file that its holder rewrites while it lives, for all who share an output folder.

A lease keeps two processes from making the same thing at the same time, whatever machine and scheduler they are on. It
says nothing about what is made: that is complete when its own files are, whoever holds a lease.

Whoever finds the lease of a process that is dead takes it over. Dead is one of the same machine that has ended, and any
that has not rewritten its lease for `SECONDS_TO_LIVE`, by the clock of the storage.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from types import TracebackType
from typing import Any, Self

from nstcore.errors import OutputError, StyleTransferError
from nstcore.system.refusals import refused
from pipeline.sharing import lease_files
from pipeline.sharing.heart import heart
from pipeline.sharing.processes import ProcessIdentity
from pipeline.storage.folders import make_folder

#: Seconds between two beats, and without a beat before a lease counts as that of a dead process.
SECONDS_BETWEEN_BEATS, SECONDS_TO_LIVE = 10.0, 60.0

# How long who gives up a lease waits for a beat that is under way.
_SECONDS_FOR_A_BEAT = 1.0

# Token and beats of leases that were watched for so long without a beat, whatever the times of their files say.
_seen_silent: set[tuple[str, int]] = set()


@dataclass(frozen=True)
class Lease:
    """A lease as it was read.

    Attributes:
        path: its file.
        holder: who has it; None if the file cannot be read, as for the moment in which it is made.
        token: tells it from every other that was ever here.
        beats: how often it was rewritten.
        started: when it was taken, ISO 8601 in UTC, by the holder's clock; for people only.
        progress: how far its holder is: size, iteration, iterations, total (the loss), seconds, and the share of all
            that it has to do; or nothing.
        content: all that the file says.
        silent: seconds since the last beat, by the clock of the storage; None where that cannot be read.
        tag: what tells this beat from any other in object storage; "" on this machine.
    """

    path: PurePath
    holder: ProcessIdentity | None
    token: str
    beats: int
    started: str
    progress: Mapping[str, Any]
    content: Mapping[str, Any]
    silent: float | None
    tag: str = ""

    def is_live(self) -> bool:
        """Whether its holder is still at work, as far as can be told from here."""
        if (self.holder is not None and self.holder.is_gone()) or (self.token, self.beats) in _seen_silent:
            return False
        # Where no file can be written to read the clock, nobody could take it over either.
        return self.silent is None or self.silent < SECONDS_TO_LIVE

    @property
    def who(self) -> str:
        """Its holder, as a line tells it."""
        if self.holder is None:
            return "another process"
        return f"process {self.holder.pid} on {self.holder.host}"


class Taken(Exception):
    """What one wants to hold is held by another who is alive.

    Attributes:
        lease: the other's.
    """

    def __init__(self, lease: Lease) -> None:
        super().__init__(f"{lease.path}: held by {lease.who} since {lease.started}")
        self.lease = lease


class LeaseLost(Exception):
    """Another process has taken over a lease that was not rewritten in time, as when a machine sleeps."""


def cell_lease(folder: PurePath) -> PurePath:
    """The lease of the cell that a folder holds."""
    return folder / "lease.json"


def lease_beside(path: PurePath) -> PurePath:
    """The lease of what makes a file."""
    return path.with_name(f".{path.name}.lease.json")


def read_lease(folder: PurePath) -> Lease | None:
    """Who makes the cell of a folder, or has died over it; None if nobody."""
    return read(cell_lease(folder))


def read(path: PurePath) -> Lease | None:
    """The lease in a file, or None if there is none. Told of one that was left behind too: ask whether it is live.

    Raises:
        InputError: if object storage does not say.
    """
    found = lease_files.find(path)
    if found is None:
        return None
    content = _parsed(found.text)
    return Lease(
        path=path,
        holder=_holder(content),
        token=str(content.get("token", "")),
        beats=int(content.get("beats", 0)) if isinstance(content.get("beats"), int) else 0,
        started=str(content.get("started", "a moment ago")),
        progress=content["progress"] if isinstance(content.get("progress"), dict) else {},
        content=content,
        silent=found.silent,
        tag=found.tag,
    )


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _holder(content: Mapping[str, Any]) -> ProcessIdentity | None:
    host, machine, pid, started = (content.get(name) for name in ("host", "machine", "pid", "process_started"))
    if not isinstance(pid, int) or isinstance(pid, bool) or pid <= 0:
        return None
    return ProcessIdentity(str(host), str(machine), pid, started if isinstance(started, int) else None)


@dataclass
class Held:
    """A lease of this process's own. It beats until it is released, or until another has taken it over."""

    path: PurePath
    more: Mapping[str, Any] = field(default_factory=dict)
    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    lost: bool = False
    _beats: int = 0
    _progress: dict[str, Any] = field(default_factory=dict)
    _started: str = field(default_factory=lambda: datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"))
    _released: bool = False
    _beating: threading.Lock = field(default_factory=threading.Lock)

    def say(self, **more: Any) -> None:
        """Have the file say something else besides, at once."""
        self.more = {**self.more, **more}
        self.beat()

    def tell(self, **progress: Any) -> None:
        """Say how far the work is; others read it after the next beat.

        Raises:
            LeaseLost: if another process is at the work by now.
        """
        self._progress = progress
        if self.lost:
            raise LeaseLost(f"{self.path}: another process has taken over, because this one was not heard of in time")

    def text(self) -> bytes:
        """What its file says now."""
        own = ProcessIdentity.own()
        content = {
            **self.more,
            "host": own.host,
            "machine": own.machine,
            "pid": own.pid,
            "process_started": own.started,
            "token": self.token,
            "beats": self._beats,
            "started": self._started,
            "progress": self._progress,
        }
        return json.dumps(content, indent=2).encode()

    def beat(self) -> None:
        """Rewrite the file, unless it is another's by now."""
        with self._beating:
            self._beat()

    def _beat(self) -> None:
        if self._released:
            return
        try:
            there = read(self.path)
        except StyleTransferError:  # object storage does not answer; the next beat may find it
            return
        if there is not None and there.token != self.token:
            self._lose()
            return
        self._beats += 1
        try:
            if there is not None:
                still_there = lease_files.rewrite(self.path, self.text(), there.tag)
            else:  # someone has removed it, who may be the next to take it
                still_there = lease_files.create(self.path, self.text())
            if not still_there:
                self._lose()
        except OSError:  # such as a full disk
            lease_files.touch(self.path)

    def _lose(self) -> None:
        self.lost = True
        heart.remove(self)

    def release(self) -> None:
        """Give it up; nothing is left of it."""
        heart.remove(self)
        self._released = True
        # A beat that has begun would put the file back. It is not waited for long: who ends may have seconds.
        waited = self._beating.acquire(timeout=_SECONDS_FOR_A_BEAT)
        try:
            there = read(self.path)
            if there is not None and there.token == self.token:
                lease_files.remove(self.path)
        except StyleTransferError:  # the others find that it beats no more
            return
        finally:
            if waited:
                self._beating.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


def take(
    path: PurePath,
    more: Mapping[str, Any] | None = None,
    handed_on: Callable[[Lease], Mapping[str, Any]] | None = None,
) -> Held:
    """Take a lease that nobody has, or that a dead process has left; its folder is made if need be.

    Args:
        path: its file.
        more: what else the file is to say.
        handed_on: what of that is another, where it takes the place of a lease that was left behind.

    Raises:
        Taken: if another process that is alive has it.
        OutputError: if it cannot be written.
    """
    make_folder(path.parent)
    held = Held(path, more or {})
    try:
        while not lease_files.create(path, held.text()):
            there = read(path)
            if there is None:
                continue  # released this moment
            if there.is_live():
                raise Taken(there)
            if handed_on is not None:
                held.more = {**(more or {}), **handed_on(there)}
            if _replaced(there, held.text()):
                break
            raise Taken(read(path) or there)
    except OSError as error:
        if isinstance(error, StyleTransferError):
            raise
        raise OutputError(refused(error, path, "written")) from error
    heart.add(held, SECONDS_BETWEEN_BEATS)
    return held


@contextlib.contextmanager
def in_turn(path: PurePath) -> Iterator[None]:
    """Hold a lease for something short, and wait for whoever has it.

    Raises:
        OutputError: if it cannot be written.
    """
    while True:
        try:
            held = take(path)
            break
        except Taken as taken:
            outlive(taken.lease, 0.05)
    with held:
        yield


def release_all() -> None:
    """Give up all that this process holds, for one that ends without leaving what it is at."""
    for held in heart.beating():
        if isinstance(held, Held):
            held.release()


def outlive(lease: Lease, seconds_between_looks: float = 1.0) -> None:
    """Wait until a lease is released, or its holder is dead; also where its file has a time that cannot be."""
    seen, since = (lease.token, lease.beats), time.monotonic()
    while (there := read(lease.path)) is not None and there.token == lease.token and there.is_live():
        if (there.token, there.beats) != seen:
            seen, since = (there.token, there.beats), time.monotonic()
        elif time.monotonic() - since > SECONDS_TO_LIVE:
            _seen_silent.add(seen)
        time.sleep(seconds_between_looks)


def _replaced(dead: Lease, content: bytes) -> bool:
    """Take the place of a dead lease, and tell whether that was so: several may want to, and one succeeds."""

    def is_still_dead() -> bool:
        there = read(dead.path)
        return there is not None and (there.token, there.beats) == (dead.token, dead.beats)

    return lease_files.take_over(dead.path, content, dead.tag, dead.token, is_still_dead, SECONDS_TO_LIVE)
