"""How many processes have died over the same work in one run: what a lease hands on from the dead to whoever is next.

A process that is killed leaves no word of why. The system kills when memory runs out, and then the same work would kill
its next process too; a person or a queue kills once, and it goes on elsewhere. So work is tried again as often as its
nature allows (`nstcore.failures`), sooner given up where the system says that it has killed for memory meanwhile, and
begun to be counted anew whenever it got further than before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from nstcore.failures import KILLED, OUT_OF_MEMORY
from pipeline.sharing.leases import Held, Lease
from pipeline.sharing.processes import ProcessIdentity, memory_kills

# What helps, whoever has killed.
_ADVICE = "choose a smaller size, fewer pictures at once (batch_size) or fewer workers, or make room"


@dataclass(frozen=True)
class Deaths:
    """The processes that have died over one piece of work.

    Attributes:
        run: in which run. Those of earlier runs do not count: the next one tries everything again.
        count: how many, none of which came further than those before.
        of_memory: while how many of them the system of their machine has killed processes because memory ran out.
        furthest: the largest share of the work that any of them had said to have done, 0 to 1.
    """

    run: str
    count: int = 0
    of_memory: int = 0
    furthest: float = 0.0

    @classmethod
    def known_to(cls, content: Mapping[str, Any]) -> Self:
        """Those that a lease tells of; it may be damaged, or of an older version."""
        told: Any = content.get("deaths")
        try:
            return cls(str(told["run"]), int(told["count"]), int(told["of_memory"]), float(told["furthest"]))
        except (TypeError, ValueError, KeyError, OverflowError):
            return cls("")

    def and_of(self, dead: Lease) -> Deaths:
        """These, and the holder of a lease of the same work that was left behind."""
        before = Deaths.known_to(dead.content)
        if before.run != self.run:
            return self
        if not dead.content.get("at_work", True):
            return before
        share = dead.progress.get("share")
        share = float(share) if isinstance(share, int | float) else 0.0
        further = share > before.furthest
        return Deaths(
            self.run,
            1 if further else before.count + 1,
            _was_of_memory(dead) + (0 if further else before.of_memory),
            max(share, before.furthest),
        )

    def line(self) -> str:
        """Why the work is given up, with what helps; "" if it is to be tried again."""
        if self.of_memory >= OUT_OF_MEMORY.tries:
            found = f"the system has killed {self.of_memory} processes that made it, because memory ran out"
        elif self.count >= KILLED.tries:
            found = f"{self.count} processes that made it were killed, which the system does when memory runs out"
        else:
            return ""
        return f"{found}; {_ADVICE}"


def first_words(run: str) -> dict[str, Any]:
    """What a lease says besides, of work over which nobody has died."""
    return {"deaths": asdict(Deaths(run)), "memory_kills": memory_kills()}


def handed_on(run: str) -> Callable[[Lease], dict[str, Any]]:
    """What a lease says besides that takes the place of one that was left behind."""
    return lambda dead: {"deaths": asdict(Deaths(run).and_of(dead))}


def deaths_over(held: Held | None) -> Deaths:
    """Who has died over the work whose lease is held; nobody known of, if it could not be taken."""
    return Deaths.known_to(held.more if held is not None else {})


def _was_of_memory(dead: Lease) -> bool:
    """Whether the system has killed for memory while the holder of a lease was at work; only its machine knows."""
    before, now = dead.content.get("memory_kills"), memory_kills()
    here = dead.holder is not None and dead.holder.machine == ProcessIdentity.own().machine
    return here and isinstance(before, int) and now is not None and now > before
