"""Crops whose targets are kept for some steps, within a bound of memory."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nstcore.feedforward.crop_targets import CropTargets, Own
from nstcore.feedforward.crops import Crop, Crops
from nstcore.pictures.images import Picture
from nstcore.problem import Problem
from nstcore.system.free_memory import binary_size

logger = logging.getLogger("nstcore")

# Of crops and their targets that are kept. VGG19 keeps 0.5 MiB of a crop of 128 px, 2 MiB of one of 256.
_KEPT_BYTES = 256 * 2**20
_MOST_KEPT = 256


@dataclass(frozen=True, eq=False)
class _Kept:
    crop: Crop
    picture: Picture
    own: Own

    @property
    def nbytes(self) -> int:
        return self.picture.nbytes + sum(array.nbytes for array in self.own.values())


class CropPool:
    """A number of crops of which batches are drawn at random; crops are replaced one by one, the oldest first.

    To look at a crop costs a forward pass of the extractor, about half of what its part of a step costs. So each crop
    is drawn a few times, with other steps between: `reuse` times in the mean.
    """

    def __init__(
        self, crops: Crops, targets: CropTargets, batch: int, reuse: int, generator: np.random.Generator
    ) -> None:
        """Take where crops come from, how many a step takes, how often each is taken, and what chooses them."""
        self._crops, self._targets = crops, targets
        self._batch, self._reuse = batch, reuse
        self._generator = generator
        self._pool: list[_Kept] = []
        self._drawn = 0

    def fill(self) -> str:
        """Draw the first crops; says how many there are and what they take.

        Raises:
            PictureError: if there are none.
        """
        first = self._look(self._crops.draw())
        self._pool = [first]
        size = self._size(first)
        self._pool += [self._look(self._crops.draw()) for _ in range(size - 1)]
        return f"{size} crops and their targets take {binary_size(size * first.nbytes)}"

    def next(self) -> tuple[np.ndarray, Any]:
        """A batch of photographs, float32 (B, side, side, 3), and the arguments of their loss."""
        due = self._batch * (self._drawn + 1) // self._reuse - self._batch * self._drawn // self._reuse
        self._drawn += 1
        for _ in range(due):
            self._pool.pop(0)
            self._pool.append(self._look(self._crops.draw()))
        chosen = self._generator.choice(len(self._pool), self._batch, replace=False)
        kept = [self._pool[place] for place in chosen]
        pictures = np.stack([one.picture for one in kept]).astype(np.float32)
        return pictures, self._targets.problem([one.own for one in kept]).arguments

    def problem(self) -> Problem:
        """The problem of some batch: its function serves all of them."""
        return self._targets.problem([one.own for one in self._pool[: self._batch]])

    def state_dict(self) -> dict[str, np.ndarray]:
        """Which crops there are; their targets are found again."""
        return {"crops": np.array([one.crop for one in self._pool], np.int64), "drawn": np.array(self._drawn)}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on with the crops of before.

        Raises:
            PictureError: if a photograph of one cannot be read any more.
        """
        self._pool = [self._look(Crop(*map(int, numbers))) for numbers in state["crops"]]
        self._drawn = int(state["drawn"])

    def _size(self, one: _Kept) -> int:
        """How many crops are kept: enough that a batch seldom meets the last one's."""
        wanted = max(2 * self._batch, min(_MOST_KEPT, 4 * self._batch * self._reuse))
        return max(self._batch, min(wanted, _KEPT_BYTES // one.nbytes))

    def _look(self, crop: Crop) -> _Kept:
        picture = self._crops.cut(crop)
        return _Kept(crop, picture, self._targets.of(picture))
