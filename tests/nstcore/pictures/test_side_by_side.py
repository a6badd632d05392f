"""Several pictures shown as one."""

from __future__ import annotations

import numpy as np

from nstcore.pictures.side_by_side import side_by_side


def flat(value: int, height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def test_pictures_stand_in_a_row_as_high_as_the_lowest():
    row = side_by_side([flat(10, 20, 30), flat(90, 40, 20), flat(200, 20, 5)], 100)
    assert row.shape == (20, 30 + 4 + 10 + 4 + 5, 3)
    assert row[7, :, 1].tolist() == [10] * 30 + [255] * 4 + [90] * 10 + [255] * 4 + [200] * 5


def test_a_long_row_is_made_smaller_and_one_picture_is_itself():
    one = flat(10, 20, 300)
    assert side_by_side([one], 100) is one
    assert side_by_side([one, one], 151).shape == (5, 151, 3)
