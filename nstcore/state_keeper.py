"""When a state is kept, and whether the one that is there can be gone on from: the same for transfers and trainings."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nstcore.checkpoint import Checkpoint
from nstcore.state_file import UnusableStateError, read_state, write_state
from nstcore.system.refusals import told

# Of the time, that goes into keeping states at most.
_SHARE = 0.02
_MORE = "more/"

#: What a state says of itself, and its arrays.
State = tuple[dict[str, Any], dict[str, np.ndarray]]


class StateKeeper:
    """Writes the states of one piece of work, and reads the one that is there.

    Attributes:
        made_from: what the work depends on, as it comes back from a file.
    """

    def __init__(self, checkpoint: Checkpoint, made_from: Mapping[str, Any], every: float) -> None:
        """Take where states are kept, what they depend on, and the seconds between two; 0 keeps none on the way."""
        self.made_from: dict[str, Any] = json.loads(json.dumps({**made_from, **checkpoint.made_from}))
        self._checkpoint = checkpoint
        self._every = self._interval = every
        self._saved = time.monotonic()
        self._took = 0.0
        self._was_refused = False

    def read(self, require_usable: Callable[[dict[str, Any], dict[str, np.ndarray]], None]) -> State | None:
        """Give the state that is there, or None; that one is there and not used is told, with the reason.

        Args:
            require_usable: raises an `UnusableStateError` for a state that cannot be gone on from.
        """
        try:
            content = self._checkpoint.load()
            if content is None:
                return None
            state = read_state(content)
            require_usable(*state)
        except UnusableStateError as error:
            self._checkpoint.tell(f"begun anew: the state that was kept {error}")
            return None
        except OSError as error:
            self._checkpoint.tell(f"begun anew: the state that was kept cannot be used: {told(error)}")
            return None
        return state

    def taken_up(self, arrays: Mapping[str, np.ndarray], where: str) -> None:
        """Give the caller its arrays, and tell where the work goes on from."""
        self._checkpoint.take_more(below(_MORE, arrays))
        self._checkpoint.tell(f"taken up {where}")

    @property
    def on_the_way(self) -> bool:
        """Whether states are kept before the end at all."""
        return self._every > 0

    def due(self) -> bool:
        """Whether it is time to keep a state."""
        return self._interval > 0 and time.monotonic() - self._saved >= self._interval

    def write(self, began: float, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Keep a state. Where the system refuses, that is said once, and the work goes on.

        Args:
            began: when (`time.monotonic`) putting it together began, which counts for how soon the next one is due.
        """
        more = {f"{_MORE}{name}": array for name, array in self._checkpoint.more().items()}
        try:
            with self._checkpoint.writing() as file:
                write_state(file, {"made from": self.made_from, **description}, {**arrays, **more})
        except OSError as error:
            if not self._was_refused:
                self._checkpoint.tell(f"no state can be kept, and it goes on without: {told(error)}")
            self._was_refused = True
        self._saved = time.monotonic()
        took, self._took = min(self._took, self._saved - began), self._saved - began
        if self._every:
            # By the quicker of the last two: it is not slow because something else kept the machine busy for a moment.
            self._interval = max(self._every, took / _SHARE)


def below(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays whose names begin so, by what follows."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
