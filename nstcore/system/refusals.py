"""What the operating system refuses, told to a person: which place, why, and what to do about it."""

from __future__ import annotations

import errno
import os

from nstcore.errors import StyleTransferError, one_line
from nstcore.system.memory_errors import is_out_of_memory

_OTHER_PLACE = "change the permissions there, or name another place"
_SPACE = "make room there, or name a place on another disk"

#: What helps, by the system's error. None of these is ever a fault of the program.
_ADVICE = {
    errno.EACCES: _OTHER_PLACE,
    errno.EPERM: _OTHER_PLACE,
    errno.EROFS: _OTHER_PLACE,
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EFBIG: "raise the limit of a file's size (ulimit -f), or name another place",
    errno.ENAMETOOLONG: "choose a shorter one",
    errno.ELOOP: "a link there leads back to itself; mend it",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "close other programs, this machine has too many files open",
    errno.EIO: "check that disk",
    errno.ETIMEDOUT: "see that its server answers, and run again",
    errno.ENOMEM: "make room in memory, or run fewer programs at once",
    errno.ESTALE: "mount that file system again",
}
_LONGEST_PLACE = 200
_OUT_OF_MEMORY = (
    "memory ran out; choose a smaller size, fewer pictures at once (batch_size) or fewer workers, or make room"
)


def why(error: OSError) -> str:
    """The system's own words, without number and file name; also of an error that was told already, by its cause."""
    below = error.__cause__
    if isinstance(error, StyleTransferError) and isinstance(below, OSError):
        return why(below)
    return error.strerror or str(error)


def refused(error: OSError, place: str | os.PathLike[str], deed: str) -> str:
    """Say that a place cannot be read, written, …: the place, why, and what to do.

    Args:
        deed: what the place "cannot be".
    """
    advice = _ADVICE.get(error.errno or 0, "check the path")
    return f"{_shown(os.fspath(place))}: cannot be {deed} ({why(error)}); {advice}"


def line_of(error: BaseException) -> str:
    """The one line of an error that a person can mend; "" for any other, which is a fault of the program.

    Of the system's errors these are the ones that no program can exclude: no permission, no space, and their like. A
    file that is merely missing may have been forgotten by the program.
    """
    if isinstance(error, ExceptionGroup):
        lines = [line_of(each) for each in error.exceptions]
        return "; ".join(dict.fromkeys(lines)) if all(lines) else ""
    if isinstance(error, StyleTransferError):
        line = str(error)
    elif is_out_of_memory(error):
        line = _OUT_OF_MEMORY
    elif isinstance(error, OSError) and error.errno in _ADVICE:
        line = refused(error, _place_in(error), "used")
    else:
        return ""
    return one_line(line)


def told(error: BaseException) -> str:
    """The one line of an error that ends a command, whatever the system's error is; "" for a fault of the program."""
    if isinstance(error, StyleTransferError) or not isinstance(error, OSError):
        return line_of(error)
    return one_line(refused(error, _place_in(error), "used"))


def _place_in(error: OSError) -> str:
    if isinstance(error.filename, str | bytes):
        return os.fsdecode(error.filename)
    # What is missing without a name is the folder that a process is in, if someone has removed it.
    return "the working folder" if error.errno == errno.ENOENT else "a file"


def _shown(place: str) -> str:
    """A place as a message names it: of one that is very long, its two ends."""
    return place if len(place) <= _LONGEST_PLACE else f"{place[: _LONGEST_PLACE // 2]}…{place[-_LONGEST_PLACE // 2 :]}"
