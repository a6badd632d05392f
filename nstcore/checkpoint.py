"""Where a transfer keeps its state, so that another process can go on with it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from nstcore.checks import number
from nstcore.system.files import reading, whole_or_absent

logger = logging.getLogger("nstcore")


@dataclass(frozen=True)
class Checkpoint:
    """Where the state of a transfer is kept, and how often.

    A state is taken up by a transfer of the same pictures, settings, weights, backend and versions alone; any other
    begins anew, and says why. On one machine a transfer that was taken up ends in the trace (but for
    `seconds`) and in the picture that it would have ended in, to the bit. Several transfers together have one state,
    which is taken up by the same ones together, in their order.

    Attributes:
        load: gives the bytes of the state that was kept last, or None. What the system refuses is told.
        writing: opens a file for the next state, which takes the place of the last one when the block ends. What the
            system refuses is told once, and the transfer goes on.
        every: seconds between one state and the next; more where writing keeps taking long, so that it takes a fiftieth
            of the time at most. 0 keeps none on the way.
        keep: keep a last state at the end too, from which a transfer with more iterations goes on.
        made_from: what else the transfer depends on, name -> value; a state of other values is not taken up.
        tell: is given a line when a transfer is taken up, and when one that was kept is not, or none can be kept.
        more: gives arrays that the caller wants to have again, by their names.
        take_more: is given them when the transfer is taken up.

    Raises:
        ConfigError: when built with a time that is none.
    """

    load: Callable[[], bytes | None]
    writing: Callable[[], AbstractContextManager[BinaryIO]]
    every: float = 60.0
    keep: bool = False
    made_from: Mapping[str, str] = field(default_factory=dict)
    tell: Callable[[str], object] = logger.warning
    more: Callable[[], Mapping[str, np.ndarray]] = dict
    take_more: Callable[[Mapping[str, np.ndarray]], object] = dict

    def __post_init__(self) -> None:
        number("Checkpoint.every", self.every)

    @classmethod
    def at(cls, path: str | os.PathLike[str], every: float = 60.0, **others: Any) -> Checkpoint:
        """Keep it in a file, whose folder must exist. Whoever takes the result removes it."""
        return cls(lambda: read_kept(path), lambda: writing_to(path), every, **others)


def read_kept(path: str | os.PathLike[str]) -> bytes | None:
    """What a file holds; None if there is none.

    Raises:
        InputError: if the system does not let it be read.
    """
    with reading(path):
        try:
            return Path(path).read_bytes()
        except FileNotFoundError:
            return None


@contextmanager
def writing_to(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file that takes its place when the block ends without an error.

    Raises:
        OutputError: if it cannot be written.
    """
    with whole_or_absent(path) as part, part.open("wb") as file:
        yield file
