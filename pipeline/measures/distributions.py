"""Sets of features compared as distributions, not by Gram matrices: what a judge of another form sees.

A Gram matrix holds second moments and nothing else, so that a picture which is optimised by Gram matrices is judged by
its own standard wherever Gram matrices judge. These two do not: a sliced Wasserstein distance compares the whole
distribution (Heitz et al. 2021), and coverage asks of each patch of the style whether the result has one like it
(Naeem et al. 2020).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

#: Quantiles that are kept of a projection, whatever the size of a picture.
QUANTILES = 256
#: How many neighbours within the style picture say how far away a patch counts as one like it (Naeem et al. 2020: 5).
NEIGHBORS = 5
#: The most patches of a picture that are compared: the distances of all with all are held.
MOST_PATCHES = 2048
_SEED = 0


def slices(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The quantiles of features (M, N) along N directions that are drawn once, (N, `QUANTILES`)."""
    projected = features @ _directions(features.shape[1]).T
    return np.asarray(np.quantile(projected, np.linspace(0.0, 1.0, QUANTILES), axis=0).T, np.float32)


@lru_cache(maxsize=32)
def _directions(channels: int) -> NDArray[np.float32]:
    """As many unit vectors as there are channels, (N, N)."""
    drawn = np.random.default_rng(_SEED).normal(size=(channels, channels))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=-1, keepdims=True), np.float32)


def sliced_distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Mean over directions and quantiles of the squared difference of two `slices`: squared sliced Wasserstein-2."""
    return float(np.mean(np.square(one - other, dtype=np.float64)))


def coverage(made: NDArray[np.float32], style: NDArray[np.float32]) -> float:
    """The share of the style's patches that the result has one like (Naeem et al. 2020, "coverage"), 0 to 1.

    One like it: no farther than the style's own `NEIGHBORS`-th nearest patch is.

    Args:
        made, style: features of patches, (M, N) and (M', N); of more than `MOST_PATCHES` as many are taken, evenly.
    """
    patches, wanted = _some(made), _some(style)
    own = _squared_distances(wanted, wanted)
    np.fill_diagonal(own, np.inf)
    neighbor = min(NEIGHBORS, len(wanted) - 1)
    if neighbor < 1:
        return float("nan")
    radius = np.partition(own, neighbor - 1, axis=1)[:, neighbor - 1]
    nearest = _squared_distances(wanted, patches).min(axis=1)
    # Sums that are rounded differently may leave a little between equal patches.
    scale = float(np.square(wanted).sum(axis=1).mean())
    return float(np.mean(nearest <= radius + 1e-6 * scale))


def _some(patches: NDArray[np.float32]) -> NDArray[np.float64]:
    if len(patches) > MOST_PATCHES:
        patches = patches[np.linspace(0, len(patches) - 1, MOST_PATCHES).astype(int)]
    return patches.astype(np.float64)


def _squared_distances(ones: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """(M, M'), of every two."""
    squares = np.square(ones).sum(axis=1)[:, None] + np.square(others).sum(axis=1)[None]
    return np.asarray(np.maximum(squares - 2.0 * ones @ others.T, 0.0))
