"""Pictures on the way: what a transfer has reached after every so many iterations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nstcore.pictures.images import Picture


@dataclass(frozen=True)
class Snapshots:
    """What is done with the pictures of a transfer on the way.

    Attributes:
        every: iterations of a run between one and the next, >= 1.
        take: is given the longest side of the run in pixels (coarse runs are smaller), the iteration within it, and the
            picture, uint8 (H, W, 3). What it raises ends the transfer.
    """

    every: int
    take: Callable[[int, int, Picture], None]

    def due(self, before: int, now: int) -> bool:
        """Whether a picture is to be taken at an iteration, having been asked before at an earlier one."""
        return now // self.every > before // self.every
