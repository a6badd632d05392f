"""How the tasks go on after a lack of memory: with fewer pictures at once, then without all that was kept loaded."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from nstcore import MemoryShortageError, StyleTransferError
from nstcore.failures import OUT_OF_MEMORY, Nature, nature_of, persevere
from nstcore.system.refusals import line_of

logger = logging.getLogger("luigi-interface")

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def within_memory(
    make: Callable[[list[_Item]], Sequence[_Result | StyleTransferError]], items: Sequence[_Item]
) -> list[_Result | StyleTransferError]:
    """Make things together; those that do not fit into memory together in two halves, and one alone once more.

    Args:
        make: gives a result for each of the things, or the error that ended it.

    Returns:
        The same; memory that is short for a single one is its error.
    """
    shortage: StyleTransferError
    try:
        if len(items) > 1:
            results = list(make(list(items)))
        else:
            results = list(persevere(lambda: make(list(items)), before_again=_drop))
    except Exception as error:
        if nature_of(error) is not OUT_OF_MEMORY:
            raise
        shortage = MemoryShortageError(line_of(error))
    else:
        if not results or not all(isinstance(result, MemoryShortageError) for result in results):
            return results
        shortage = results[0]  # type: ignore[assignment]
    if len(items) == 1:
        return [shortage]
    # Outside of the handler, whose traceback holds what the whole batch had in memory.
    logger.warning("%d pictures do not fit into memory together; tried in halves", len(items))
    _drop(OUT_OF_MEMORY)
    half = len(items) // 2
    return [*within_memory(make, items[:half]), *within_memory(make, items[half:])]


def _drop(_nature: Nature) -> None:
    from nstcore.memory import drop_what_is_loaded

    drop_what_is_loaded()
