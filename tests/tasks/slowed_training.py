"""Run as a program by tests: `slowed_training.py SECONDS FILE WORDS…`, `luigi` with training steps that take longer.

So no machine is done before it can be killed. The file is made before the fifth step.
"""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path
from typing import Any

from luigi.cmdline import luigi_run

from nstcore.feedforward.step import Trainer


def main(seconds: float, file: str, words: list[str]) -> None:
    step, count = Trainer.step, itertools.count(1)

    def slowed(*arguments: Any) -> Any:
        if next(count) == 5:
            Path(file).touch()
        time.sleep(seconds)
        return step(*arguments)

    Trainer.step = slowed  # type: ignore[method-assign]
    luigi_run(words)


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2], sys.argv[3:])
