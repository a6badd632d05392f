"""What goes wrong on a long run, and what is done about it: one table. Errors of other kinds are faults of ours.

Tried again is only what may end otherwise the second time. Whatever is not mended so is told in one line and costs its
own cell; the next run tries every cell anew.
"""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from nstcore.errors import DivergenceError, MemoryShortageError, PictureError, StyleTransferError, WeightsError
from nstcore.system.memory_errors import is_out_of_memory

logger = logging.getLogger("nstcore")

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Nature:
    """What kind of failure an error is.

    Attributes:
        name: for people.
        tries: how often the same is tried in a run, 1 or more; with fewer pictures at once after a lack of memory.
        pause: seconds before the second try, and twice as long before each further one.
        why: the reason for that.
    """

    name: str
    tries: int
    pause: float
    why: str


OUT_OF_MEMORY = Nature("out of memory", 2, 1.0, "what this process keeps loaded is dropped before; batches are halved")
TOO_LARGE = Nature("too large for memory", 1, 0.0, "a picture that was measured to be too large stays so")
FULL_DISK = Nature("no room on the disk", 1, 0.0, "a person makes room; the result that was made is kept elsewhere")
DISTURBED = Nature("storage disturbed", 3, 2.0, "network file systems and worn disks often answer the second time")
KILLED = Nature("killed", 10, 0.0, "a person or a queue kills once; what kills every process that makes it is given up")
NO_WEIGHTS = Nature("no weights", 1, 0.0, "each source was asked, a registry twice (clients); the next run asks again")
DIVERGED = Nature("diverged", 1, 0.0, "the same start and settings give the same NaN")
BAD_PICTURE = Nature("unreadable picture", 1, 0.0, "the same bytes decode alike")
TO_MEND = Nature("to be mended by a person", 1, 0.0, "settings and permissions do not change by themselves")
OURS = Nature("a fault of the program", 1, 0.0, "it is told with a traceback, once")

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DISTURBED = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.ENOLCK, errno.EREMOTEIO, errno.ECONNRESET}


def nature_of(error: BaseException) -> Nature:
    """The row of the table that an error belongs to. What the system said counts before what was made of it."""
    number = _system_error(error)
    if number in _FULL:
        return FULL_DISK
    if number in _DISTURBED:
        return DISTURBED
    if isinstance(error, MemoryShortageError):
        return TOO_LARGE
    if is_out_of_memory(error):
        return OUT_OF_MEMORY
    for kind, nature in ((WeightsError, NO_WEIGHTS), (DivergenceError, DIVERGED), (PictureError, BAD_PICTURE)):
        if isinstance(error, kind):
            return nature
    return TO_MEND if isinstance(error, StyleTransferError | OSError) else OURS


def persevere(
    work: Callable[[], _Result], *, before_again: Callable[[Nature], None] | None = None, name: str = ""
) -> _Result:
    """Do something as often as the nature of what goes wrong allows.

    Args:
        work: what is done; it must be able to begin anew.
        before_again: called before each further try.
        name: what it is, for the log.

    Raises:
        BaseException: that of the last try.
    """
    tried = 0
    while True:
        try:
            return work()
        except Exception as error:
            nature, tried = nature_of(error), tried + 1
            if tried >= nature.tries:
                raise
            logger.warning("%s%s (%s); tried again", f"{name}: " if name else "", nature.name, type(error).__name__)
        # Outside of the handler, or its traceback would keep all that the first try had in memory.
        if before_again is not None:
            before_again(nature)
        time.sleep(nature.pause * 2 ** (tried - 1))


def _system_error(error: BaseException | None) -> int | None:
    """The number of the system's error behind another, if there is one."""
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None:
            return error.errno
        error = error.__cause__
    return None
