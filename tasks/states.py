"""What the tasks keep of cells while they are being made: their states, and snapshots. None of it changes a picture."""

from __future__ import annotations

from typing import Any

import luigi

from pipeline.outputs.strips import MOST_FRAMES
from tasks.parameters import WholeNumberParameter


def state_every() -> luigi.Parameter:
    """Seconds between one state and the next."""
    return WholeNumberParameter(
        "state_every",
        0,
        default=60,
        significant=False,
        positional=False,
        description="seconds after which a cell that is being made keeps its state, from which it goes on; 0: never",
    )


def keep_state() -> luigi.Parameter:
    """Whether states stay."""
    return luigi.BoolParameter(
        significant=False,
        positional=False,
        description="keep the states of finished cells: more iterations then cost those alone",
    )


def snapshots() -> luigi.Parameter:
    """How many pictures of a cell's way are kept."""
    return WholeNumberParameter(
        "snapshots",
        0,
        MOST_FRAMES,
        default=0,
        significant=False,
        positional=False,
        description="pictures that a cell keeps of its way, for the page's slider and `nst film`; 24 are about 1 MB",
    )


def kept_meanwhile(task: luigi.Task) -> dict[str, Any]:
    """What a task passes on of all these to those of its cells."""
    return {"state_every": task.state_every, "keep_state": task.keep_state, "snapshots": task.snapshots}
