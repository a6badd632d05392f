"""Python's garbage collector, kept still where it has nothing to find."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

# Python 3.12 has some hundreds of its own objects frozen from the start. A program that freezes what it has loaded
# freezes thousands: no interpreter holds fewer.
_FROZEN_BY_PYTHON = 1000


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Collect no garbage while something large is imported; for the whole process, all its threads.

    What is imported stays. But the collector runs whenever enough new objects are there, and goes over all those of
    before again and again: a fifth of the time that the import of Keras takes, with any of its backends. What it would
    have found, and finds later, is 4 to 11 MB.

    Afterwards all objects count as old ones, as they would if it had run. A collector that a program has switched off
    stays off, and what it has frozen stays frozen.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if gc.get_freeze_count() < _FROZEN_BY_PYTHON:
            # Together these two make every object an old one without a look at it.
            gc.freeze()
            gc.unfreeze()
        gc.enable()
