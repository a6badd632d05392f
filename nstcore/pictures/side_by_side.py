"""Several pictures shown as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nstcore.pictures.images import Picture
from nstcore.pictures.resizing import resize, resize_to

_GAP = 4


def side_by_side(pictures: Sequence[Picture], longest_side: int) -> Picture:
    """Pictures in a row, all as high as the lowest, with white between; a single one is returned as it is.

    Args:
        pictures: one or more, uint8 (H, W, 3).
        longest_side: of the row, pixels, at most.
    """
    if len(pictures) == 1:
        return pictures[0]
    height = min(picture.shape[0] for picture in pictures)
    row: list[Picture] = []
    for picture in pictures:
        width = max(1, round(picture.shape[1] * height / picture.shape[0]))
        row += [np.full((height, _GAP, 3), 255, np.uint8), resize_to(picture, height, width)]
    joined = np.concatenate(row[1:], axis=1)
    return resize(joined, longest_side) if max(joined.shape) > longest_side else joined
