"""Losses that sort: distributions of numbers compared quantile by quantile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from nstcore.checks import whole_number
from nstcore.errors import ConfigError
from nstcore.losses import ops
from nstcore.losses.loss import Layer, Loss, Reads, Tensor, setting

# For every number that is sorted: with VGG19 on TensorFlow, 512 px, it took 4.1 float32 numbers.
_HELD = 4


@dataclass(frozen=True, kw_only=True)
class SortingLoss(Loss):
    """Compares numbers of two pictures, each with that of the other's which has the same rank.

    Pictures of different size have different numbers of positions; then the style's are interpolated linearly between
    ranks, as `numpy.quantile` does.

    Attributes:
        quantiles: the most numbers that are kept of a distribution, >= 2; 4096 are all of a layer of 64 x 64 positions.
            All of them would be as much memory as the features themselves, for every style that is compared with and
            in every file of cached targets: with VGG19's five layers 122 MiB at 512 x 512 pixels, against 17 MiB. At
            256 px values were 5e-4 off, and those of a style at itself 7e-5 of those of a photograph.
        regions: False, because a rank is one among all positions.
    """

    quantiles: int = setting(4096, shapes=("target",))

    reads: ClassVar[Reads] = "style"
    regions: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number(self._label("quantiles"), self.quantiles, 2)

    def constants(self, target: Mapping[str, np.ndarray], layer: Layer) -> dict[str, np.ndarray]:
        # As many whatever the size of the style, so that one compiled function serves all styles.
        count = min(self.quantiles, layer.positions)
        return {**target, "quantiles": interpolated(target["quantiles"], count, np.take)}

    def coefficient(self, layer: Layer) -> None:
        # `between` is left out: two tables of quantiles do not tell the value exactly.
        return None

    def held(self, layers: Sequence[Layer]) -> int:
        (layer,) = layers
        return _HELD * layer.positions * self.rows(layer)

    def rows(self, layer: Layer) -> int:
        """How many distributions are compared at a layer."""
        return layer.channels

    def kept(self, numbers: Tensor) -> Tensor:
        """The quantiles (B, D, Q) of numbers (B, D, M)."""
        return interpolated(ops.sort(numbers, axis=-1), min(self.quantiles, numbers.shape[-1]))

    def require_no_guide(self, guide: Tensor | None) -> None:
        if guide is not None:
            raise ConfigError(f"{type(self).__name__} ranks all positions of a layer and cannot be used with regions")


def squared_differences(numbers: Tensor, quantiles: Tensor) -> Tensor:
    """(B, D, M), by rank, the squared difference of numbers (B, D, M) from the quantiles (B, D, Q) at their ranks."""
    return ops.square(ops.sort(numbers, axis=-1) - interpolated(quantiles, numbers.shape[-1]))


def interpolated(quantiles: Any, count: int, take: Callable[..., Any] | None = None) -> Any:
    """Make evenly spaced quantiles (…, Q), from the least to the largest, `count` of them.

    Args:
        take: `numpy.take` for arrays of NumPy; None for tensors.
    """
    last = quantiles.shape[-1] - 1
    if count == last + 1:
        return quantiles
    places = np.linspace(0.0, last, count)
    below = np.floor(places).astype(np.int32)
    share = (places - below).astype(np.float32)
    if take is None:
        take, share = ops.take, ops.convert_to_tensor(share)  # which an array of NumPy cannot meet on a GPU
    lower, upper = take(quantiles, below, axis=-1), take(quantiles, np.minimum(below + 1, last), axis=-1)
    return lower + (upper - lower) * share
