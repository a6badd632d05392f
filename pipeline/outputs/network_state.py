"""The state of a network that is being trained, in its folder: another process goes on from there."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import PurePath

import numpy as np

from nstcore.checkpoint import Checkpoint
from nstcore.errors import OutputError
from pipeline import storage
from pipeline.grid.digest import ENGINE_VERSION
from pipeline.grid.feedforward import NetworkPlan
from pipeline.outputs.states import STATE_NAME, read_kept_at
from pipeline.outputs.strips import LearningRecorder, arrays_of, take_up

logger = logging.getLogger("luigi-interface")


class NetworkState:
    """The state in the folder of a network."""

    def __init__(self, folder: PurePath, plan: NetworkPlan, title: str) -> None:
        """Take the folder, which network it is, and what it is called in the log."""
        self.path = folder / STATE_NAME
        self._digest = plan.digest
        self._title = title

    def checkpoint(self, every: float, recorder: LearningRecorder) -> Checkpoint | None:
        """What a training keeps its state with, and its strip's pictures with it; None for none at all."""
        if not every:
            return None
        return Checkpoint(
            partial(read_kept_at, self.path),
            partial(storage.writing_into, self.path),
            every,
            made_from={"network": self._digest, "engine version": ENGINE_VERSION},
            tell=self._tell,
            more=partial(arrays_of, [recorder]),
            take_more=partial(self._take_up, recorder),
        )

    def is_done(self) -> None:
        """Have no state any more. One that cannot be removed is told of, and does no harm."""
        try:
            storage.remove(self.path)
        except OutputError as error:
            self._tell(str(error))

    def _take_up(self, recorder: LearningRecorder, arrays: Mapping[str, np.ndarray]) -> None:
        if not take_up([recorder], arrays):
            self._tell("its strip of pictures begins here: the state that was kept has none")

    def _tell(self, line: str) -> None:
        logger.warning("%s: %s", self._title, line)
