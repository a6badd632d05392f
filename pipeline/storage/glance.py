"""Questions about many files, such as whether a whole study is made: object storage answers them by listings."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

_since: float | None = None


@contextlib.contextmanager
def glancing() -> Iterator[None]:
    """Within the block, look at objects through listings that are made in it. A block within another belongs to it.

    What others write meanwhile may not be seen. For files of this machine it changes nothing.
    """
    global _since
    if _since is not None:
        yield
        return
    _since = time.monotonic()
    try:
        yield
    finally:
        _since = None


def glancing_since() -> float | None:
    """When the question began that is being asked, on this machine's monotonic clock; None if there is none."""
    return _since
