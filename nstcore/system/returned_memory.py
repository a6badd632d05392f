"""Memory that was freed, given back to the system: the C library keeps it for what is asked for next.

GNU's keeps blocks of up to 32 MiB, and cannot put together what lies between others. Where every piece of work asks for
blocks of other sizes, as pictures do, what it keeps grows from one to the next.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable


def return_memory() -> None:
    """Give back what is free, which takes some milliseconds. Nothing happens with other C libraries than GNU's."""
    trim = _trim()
    if trim is not None:
        trim(0)


@functools.cache
def _trim() -> Callable[[int], int] | None:
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # the last: Windows has no library without a name
        return None
    return trim
