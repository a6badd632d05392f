"""Pictures on the way: what a transfer has reached after some of its iterations."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from nstcore.pictures.images import Picture


@dataclass(frozen=True)
class Snapshots:
    """What is done with the pictures of a transfer on the way.

    Attributes:
        every: iterations of a run between one and the next; 0 for none but those that are chosen.
        take: is given the longest side of the run in pixels (coarse runs are smaller), the iteration within it, and the
            picture, uint8 (H, W, 3). What it raises ends the transfer.
        chosen: further iterations, by the longest side of the run; 0 is the picture that the run starts from.
    """

    every: int
    take: Callable[[int, int, Picture], None]
    chosen: Mapping[int, Collection[int]] = field(default_factory=dict)

    def due(self, size: int, before: int, now: int) -> bool:
        """Whether a picture is to be taken at an iteration of a run, having been asked before at an earlier one.

        Args:
            size: longest side of the run, pixels.
            before: -1 where `now` is the first that is asked for.
        """
        if self.every and now // self.every > max(before, 0) // self.every:
            return True
        return any(before < each <= now for each in self.chosen.get(size, ()))
