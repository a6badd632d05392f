"""What the tests share: small pictures, and a place of their own for everything that is cached."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from nstcore.quiet import quiet_tensorflow

quiet_tensorflow()


def _blotches(seed: int, height: int, width: int) -> np.ndarray:
    """A picture with structure at several scales, uint8 (H, W, 3), the same for the same arguments."""
    random = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3))
    for cells in (2, 5, 11):
        coarse = random.uniform(0, 255, (cells, cells, 3))
        rows, columns = (np.arange(side) * cells // side for side in (height, width))
        picture += coarse[rows][:, columns]
    return (picture / 3).astype(np.uint8)


@pytest.fixture(scope="session")
def content_picture() -> np.ndarray:
    return _blotches(1, 48, 64)


@pytest.fixture(scope="session")
def style_picture() -> np.ndarray:
    return _blotches(2, 64, 40)


@pytest.fixture(scope="session")
def blotches() -> Callable[[int, int, int], np.ndarray]:
    """Seed, height, width -> a picture of its own."""
    return _blotches
