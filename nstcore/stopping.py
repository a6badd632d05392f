"""When a picture has come to its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Stopping:
    """What ends the run of a picture, whichever comes first.

    Attributes:
        iterations: the most of them.
        change: the run has settled where the loss changed by no more than this share over the last iterations; 0 asks
            for no such end.
        over: how many iterations those are.
        seconds: the most wall time; 0 is no limit. A run that ends by it is not repeatable.
    """

    iterations: int
    change: float = 0.0
    over: int = 50
    seconds: float = 0.0

    @property
    def budget(self) -> str:
        """Why a run ends that has had its iterations, in words."""
        return f"{self.iterations} iterations"

    def settled(self, totals: Sequence[float]) -> str:
        """Why a run ends whose loss has settled, in words; "" if it has not.

        Args:
            totals: of the iterates, the latest last; those before the last `over` + 1 do not count.
        """
        if not self.change or len(totals) <= self.over:
            return ""
        before, now = totals[-1 - self.over], totals[-1]
        if abs(before - now) > self.change * abs(before):
            return ""
        return f"the loss changed by no more than {self.change:g} of it over {self.over} iterations"

    def late(self, seconds: float) -> str:
        """Why a run ends that has had its time, in words; "" if it has not."""
        return "the time limit was reached" if self.seconds and seconds >= self.seconds else ""
