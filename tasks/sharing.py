"""How processes that share an output folder share its work, whether or not they share a scheduler.

Whoever makes something holds a lease of it (`pipeline.sharing.leases`). A task that finds another's turns to other
work: it asks for an `Elsewhere`, which is complete when that lease has gone, and Luigi does what else is to do until
then. So two grids of one folder, each with a scheduler of its own, do not follow one another from cell to cell, and
nothing is made twice.

What kills every process that makes it, as the system does where memory runs out, is given up with a line of why, and
the rest goes on (`pipeline.sharing.deaths`).
"""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePath
from typing import Any, Protocol, TypeVar

import luigi

from nstcore import OutputError, StyleTransferError
from pipeline.sharing.deaths import deaths_over, first_words, handed_on
from pipeline.sharing.leases import Held, Lease, LeaseLost, Taken, outlive, read, take
from pipeline.sharing.shared_run import run_of
from pipeline.storage.places import place_at

logger = logging.getLogger("luigi-interface")


class Shared(Protocol):
    """What a task needs to be made by one process at a time."""

    task_id: str
    output_dir: str

    def complete(self) -> bool: ...

    def lease_file(self) -> PurePath:
        """The lease of whoever makes its output."""
        ...


_Part = TypeVar("_Part", bound=Shared)
_Task = TypeVar("_Task", bound=Any)


class Elsewhere(luigi.Task):
    """Something that another process is making. It is complete when that is over, whether in success or in death."""

    file: str = luigi.Parameter(description="the lease")
    token: str = luigi.Parameter(description="which of all that the file ever held")
    holder: str = luigi.Parameter(significant=False, description="who has it")

    @classmethod
    def of(cls, lease: Lease) -> Elsewhere:
        return cls(file=str(lease.path), token=lease.token, holder=f"{lease.who}, since {lease.started}")

    def complete(self) -> bool:
        return self._lease() is None

    def run(self) -> None:
        if lease := self._lease():
            self.set_status_message(f"made by {self.holder}")
            outlive(lease)

    def _lease(self) -> Lease | None:
        lease = read(place_at(self.file))
        return lease if lease is not None and lease.token == self.token and lease.is_live() else None


def made_alone(task: Any, parts: Sequence[_Part], make: Callable[[list[_Part]], object]) -> Iterator[Elsewhere] | None:
    """Make the parts of a task, each under its lease. What is complete by then is left as it is.

    A task of one part waits for a part that another process makes as Luigi has tasks wait, for a dependency; one of
    several waits where it is, after it has made the others.

    Args:
        task: the one that runs. Its `leases` are those held while `make` works.
        parts: those that it stands for, itself perhaps.
        make: makes those that are free and not complete yet.

    Returns:
        None if all is made, else what `run` of a task gives Luigi to go on with.

    Raises:
        BaseException: whatever `make` raises.
    """
    others = _make_free(task, parts, make)
    while others and len(parts) > 1:
        for lease in others.values():
            task.set_status_message(f"made by {lease.who}, since {lease.started}")
            outlive(lease)
        others = _make_free(task, [part for part in parts if part.task_id in others], make)
    return _when_free(task, parts, make, others) if others else None


def _when_free(
    task: Any, parts: Sequence[_Part], make: Callable[[list[_Part]], object], others: dict[str, Lease]
) -> Iterator[Elsewhere]:
    """Let Luigi do other work until the lease of a single part has gone."""
    while others:
        yield Elsewhere.of(*others.values())
        others = _make_free(task, parts, make)


def _make_free(task: Any, parts: Sequence[_Part], make: Callable[[list[_Part]], object]) -> dict[str, Lease]:
    """Make those parts that nobody else makes; give the leases of the others, by the id of the part."""
    with _held(parts) as (leases, others):
        mine = [part for part in parts if part.task_id in leases and not part.complete()]
        mine = [part for part in mine if not _given_up(part, leases[part.task_id])]
        if mine:
            task.leases = [lease for lease in leases.values() if lease is not None]
            try:
                for portion in _portions(mine, leases):
                    make(portion)
            except LeaseLost as lost:  # this machine slept, say: another process was right to take over
                logger.warning("%s", lost)
                return _make_free(task, parts, make)
            finally:
                task.leases = ()
    for lease in others.values():
        logger.info("%s is made by %s, since %s", task, lease.who, lease.started)
    return others


def _given_up(part: Any, held: Held | None) -> bool:
    """Give a part up over which too many processes have died, and tell whether that was so.

    Raises:
        StyleTransferError: if it has no other way to fail.
    """
    deaths = deaths_over(held)
    if deaths.count:
        logger.warning("%s: taken over from a process that died over it", getattr(part, "title", part))
    if line := deaths.line():
        with getattr(part, "settled", contextlib.nullcontext)():
            raise StyleTransferError(line)
    return bool(line)


def _portions(parts: list[_Part], leases: dict[str, Held | None]) -> Iterator[list[_Part]]:
    """What is made together: all, but each alone after the system has killed for memory a process that made several.

    The lease of a part says then whether it is that part's turn, so that no other counts as what kills.
    """
    if len(parts) == 1 or not any(deaths_over(leases[part.task_id]).of_memory for part in parts):
        yield parts
        return
    logger.warning("%d pictures may not fit into memory together; made one by one", len(parts))
    held = [lease for part in parts if (lease := leases[part.task_id]) is not None]
    for lease in held:
        lease.say(at_work=False)
    for part in parts:
        if (lease := leases[part.task_id]) is not None:
            lease.say(at_work=True)
        yield [part]


def alone(run: Callable[[_Task], None]) -> Callable[[_Task], Iterator[Elsewhere] | None]:
    """Let a task's `run` be called by one process at a time, and by none where the task is complete by then."""

    @functools.wraps(run)
    def run_alone(task: _Task) -> Iterator[Elsewhere] | None:
        return made_alone(task, [task], lambda _: run(task))

    return run_alone


@contextlib.contextmanager
def _held(parts: Sequence[Shared]) -> Iterator[tuple[dict[str, Held | None], dict[str, Lease]]]:
    """Hold those leases that are free; give them, and those that others have, by the id of the part.

    A lease that cannot be written is None: whatever stands in its way is told by the work, better than from here.
    """
    held: dict[str, Held | None] = {}
    others: dict[str, Lease] = {}
    with contextlib.ExitStack() as stack:
        for part in parts:
            try:
                run = run_of(part.output_dir)
                held[part.task_id] = stack.enter_context(take(part.lease_file(), first_words(run), handed_on(run)))
            except Taken as taken:
                others[part.task_id] = taken.lease
            except OutputError:
                held[part.task_id] = None
        yield held, others
