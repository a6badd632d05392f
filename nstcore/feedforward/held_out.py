"""The loss of photographs that a network never learns from, as a transfer of each would have it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nstcore.errors import PictureError
from nstcore.feedforward.step import Trained, Trainer
from nstcore.loading import load_picture
from nstcore.pictures.images import Picture, to_uint8
from nstcore.problem import Problem, build_problem
from nstcore.recipe import Recipe
from nstcore.scene import Scene, Style

logger = logging.getLogger("nstcore")

# More make the mean steadier, and every look longer.
_MOST = 4


class HeldOut:
    """Whole photographs at the size that the network is trained for, and the problems that transfers of them would be.

    So a held-out loss is in the units of a transfer's: what an optimiser reaches on the same picture compares with it.

    Attributes:
        names: of the photographs that are looked at, the first of which is shown.
    """

    def __init__(self, paths: Sequence[Path], styles: Sequence[Style], recipe: Recipe) -> None:
        """Take the first of some photographs.

        Raises:
            PictureError: if none of them can be read at that size.
        """
        found: dict[str, Picture] = {}
        errors: list[PictureError] = []
        for path in paths:
            if len(found) == _MOST:
                break
            try:
                found[path.name] = load_picture(path, recipe.config)
            except PictureError as error:
                logger.warning("passed over: %s", error)
                errors.append(error)
        if not found:
            raise PictureError(f"none of {len(paths)} held-out photographs can be used: {errors[0]}")
        self.names = tuple(found)
        self._pictures = [picture[np.newaxis].astype(np.float32) for picture in found.values()]
        self._problems: list[Problem] = [
            build_problem([Scene(picture, tuple(styles))], recipe) for picture in found.values()
        ]

    def loss(self, trainer: Trainer, trained: Trained) -> float:
        """The mean of the total losses of what the network makes of them."""
        totals = [
            trainer.look(trained, picture, problem)[0]
            for picture, problem in zip(self._pictures, self._problems, strict=True)
        ]
        return float(np.mean(totals))

    def picture(self, trainer: Trainer, trained: Trained) -> Picture:
        """What the network makes of the first, uint8 (H, W, 3)."""
        return to_uint8(trainer.picture(trained, self._pictures[0])[0])
