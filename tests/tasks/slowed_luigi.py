"""Run as a program by tests: `slowed_luigi.py SECONDS WORDS…`, `luigi` each of whose iterations takes longer.

So no machine is done before it can be killed.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from luigi.cmdline import luigi_run

from nstcore.resumption import RunStates


def slow(seconds: float) -> None:
    """Have every iteration of this process take so much longer."""
    after_round = RunStates.after_round

    def slowed(*arguments: Any) -> None:
        time.sleep(seconds)
        after_round(*arguments)

    RunStates.after_round = slowed  # type: ignore[method-assign]


if __name__ == "__main__":
    slow(float(sys.argv[1]))
    luigi_run(sys.argv[2:])
