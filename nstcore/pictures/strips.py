"""A stored picture as upright strips of RGB, a few rows at a time, so that none but the stored form is in memory whole.

Everything that is done to pixels on the way to a small picture (colour, transparency, turning it upright, and Lanczos
resampling along rows) is done to each row without the others. So strips give, to the bit, what the whole picture would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: EXIF 2.32, 4.6.4, tag 274: how Pillow turns what each orientation stores; 1 is upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TRANSPOSED = {5, 6, 7, 8}
# Where upright rows, from the top down, or columns, from left to right, run against the stored ones.
_ROWS_REVERSED, _COLUMNS_REVERSED = {3, 4, 7, 8}, {2, 3, 6, 7}

_PIXELS_OF_A_STRIP = 2**20

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Strips:
    """A picture as it is stored, and how to see it.

    Attributes:
        size: width and height as stored.
        orientation: of EXIF; anything but 2 to 8 is upright.
        crop: the box (left, top, right, bottom) of the stored picture, as RGB.
        extent: the part of `size` that is picture, from the left and the top. It is less where a JPEG was read
            reduced, because its last row and column then stand for less than a whole pixel.
    """

    size: tuple[int, int]
    orientation: int
    crop: Callable[[tuple[int, int, int, int]], Image.Image]
    extent: tuple[float, float]

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height as seen."""
        return upright(self.size, self.orientation)

    def pixels(self) -> NDArray[np.uint8]:
        """All of it, uint8 (H, W, 3)."""
        width, height = self.upright_size
        pixels = np.empty((height, width, 3), np.uint8)
        for top, strip in self._strips():
            pixels[top : top + strip.height] = np.asarray(strip)
        return pixels

    def resized(self, height: int, width: int) -> NDArray[np.uint8]:
        """Resized with an antialiased Lanczos filter, uint8 (height, width, 3).

        Pillow resamples along rows first, then along columns, and rounds to 8 bits in between. The first half is done
        to strips, the second to all of them together.
        """
        across, down = upright(self.extent, self.orientation)
        left = self.upright_size[0] - across if self.orientation in _COLUMNS_REVERSED else 0.0
        top = self.upright_size[1] - down if self.orientation in _ROWS_REVERSED else 0.0
        narrow = Image.new("RGB", (width, self.upright_size[1]))
        for place, strip in self._strips():
            box = (left, 0.0, left + across, float(strip.height))
            narrow.paste(strip.resize((width, strip.height), Image.Resampling.LANCZOS, box), (0, place))
        return np.array(narrow.resize((width, height), Image.Resampling.LANCZOS, (0.0, top, float(width), top + down)))

    def _strips(self) -> Iterator[tuple[int, Image.Image]]:
        """Upright strips from the top down, each with the row it begins at."""
        width, height = self.upright_size
        rows = max(1, _PIXELS_OF_A_STRIP // width)
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            first, last = (height - bottom, height - top) if self.orientation in _ROWS_REVERSED else (top, bottom)
            box = (first, 0, last, width) if self.orientation in _TRANSPOSED else (0, first, width, last)
            strip = self.crop(box)
            yield top, strip.transpose(_TURNS[self.orientation]) if self.orientation in _TURNS else strip


def upright(size: tuple[Number, Number], orientation: int) -> tuple[Number, Number]:
    """A stored width and height, as seen."""
    return (size[1], size[0]) if orientation in _TRANSPOSED else size
