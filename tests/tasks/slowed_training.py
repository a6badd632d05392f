"""Run as a program by tests: `slowed_training.py SECONDS WORDS…`, `luigi` each of whose training steps takes longer.

So no machine is done before it can be killed.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from luigi.cmdline import luigi_run

from nstcore.feedforward.step import Trainer


def main(seconds: float, words: list[str]) -> None:
    step = Trainer.step

    def slowed(*arguments: Any) -> Any:
        time.sleep(seconds)
        return step(*arguments)

    Trainer.step = slowed  # type: ignore[method-assign]
    luigi_run(words)


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2:])
