"""Random crops of photographs: scaled, cut and flipped, by a generator whose state can be kept."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nstcore.errors import PictureError
from nstcore.pictures.images import Picture
from nstcore.pictures.picture_files import file_name, read_file
from nstcore.pictures.resizing import resize_to, size_at

logger = logging.getLogger("nstcore")

# Longest sides of the photographs that crops are cut from, as shares of the size that networks are trained for: as they
# will be when the network is applied, and up to half as large again, for what is near in them.
_SCALES = (1.0, 1.5)
# Decoded photographs are kept, this many bytes of them: one of a camera takes longer to decode than a step takes.
_KEPT_BYTES = 256 * 2**20
# A photograph that cannot be used is passed over; so many in a row mean that there are none.
_MOST_IN_A_ROW = 1000


class Crop(NamedTuple):
    """Where a crop was cut: all that is needed to cut it again.

    Attributes:
        photograph: its place among the photographs.
        height, width: pixels that the photograph was scaled to.
        top, left: of the crop in it.
        flipped: whether left and right are exchanged.
    """

    photograph: int
    height: int
    width: int
    top: int
    left: int
    flipped: int


class Crops:
    """Crops of a number of photographs."""

    def __init__(self, paths: Sequence[Path], side: int, size: int, generator: np.random.Generator) -> None:
        """Take what is cut.

        Args:
            paths: of the photographs.
            side: height and width of the crops, pixels.
            size: longest side of the pictures that the network is trained for, pixels.
            generator: of the random numbers; whoever keeps its state can go on with the same crops.
        """
        self._paths = tuple(paths)
        self._side = side
        self._size = size
        self._generator = generator
        self._kept: OrderedDict[int, Picture] = OrderedDict()
        self._unusable: dict[int, PictureError] = {}

    def draw(self) -> Crop:
        """Choose a crop; photographs that are too small or cannot be read are told once, and passed over.

        Raises:
            PictureError: if there is none left, saying what is wrong with one of them.
        """
        for _ in range(_MOST_IN_A_ROW):
            if len(self._unusable) == len(self._paths):
                break
            place = int(self._generator.integers(len(self._paths)))
            try:
                stored = self._photograph(place).shape[:2]
            except PictureError as error:
                if place not in self._unusable:
                    logger.warning("passed over: %s", error)
                self._unusable[place] = error
                continue
            height, width = self._scaled(stored)
            top, left = (int(self._generator.integers(each - self._side + 1)) for each in (height, width))
            return Crop(place, height, width, top, left, int(self._generator.integers(2)))
        first = next(iter(self._unusable.values()))
        raise PictureError(f"none of {len(self._paths)} photographs can be trained on: {first}")

    def cut(self, crop: Crop) -> Picture:
        """The pixels of a crop, uint8 (side, side, 3)."""
        scaled = resize_to(self._photograph(crop.photograph), crop.height, crop.width)
        pixels = scaled[crop.top : crop.top + self._side, crop.left : crop.left + self._side]
        return np.ascontiguousarray(pixels[:, ::-1] if crop.flipped else pixels)

    def _scaled(self, stored: tuple[int, ...]) -> tuple[int, int]:
        """A height and width at random, of which a crop can be cut."""
        longest = self._size * self._generator.uniform(*_SCALES)
        scale = min(1.0, max(longest / max(stored), self._side / min(stored)))
        height, width = (max(self._side, round(side * scale)) for side in stored)
        return height, width

    def _photograph(self, place: int) -> Picture:
        """A photograph, no larger than crops are cut from.

        Raises:
            PictureError: if it cannot be read, or is smaller than a crop.
        """
        if place in self._unusable:
            raise self._unusable[place]
        if place in self._kept:
            self._kept.move_to_end(place)
            return self._kept[place]
        path = self._paths[place]

        def wanted(height: int, width: int) -> tuple[int, int]:
            require_crop(path, height, width, self._side)
            # Twice what is needed at most, so that scaling it once more leaves no trace.
            needed = max(2 * _SCALES[1] * self._size, 2 * self._side * max(height, width) / min(height, width))
            return size_at((height, width), min(max(height, width), int(needed)))

        photograph = read_file(path, wanted)
        self._kept[place] = photograph
        while len(self._kept) > 1 and sum(each.nbytes for each in self._kept.values()) > _KEPT_BYTES:
            self._kept.popitem(last=False)
        return photograph


def require_crop(path: Path, height: int, width: int, side: int) -> None:
    """See that a photograph has a crop.

    Raises:
        PictureError: if it is smaller on one side.
    """
    if min(height, width) < side:
        raise PictureError(
            f"{file_name(path)} is {width} x {height} pixels (width x height), smaller than crops of {side}; use "
            "larger photographs, or a smaller crop"
        )
