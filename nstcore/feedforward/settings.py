"""What a feed-forward network is like: how wide, how deep, how it enlarges. Importing this module imports no Keras."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Any, Literal, get_args

from nstcore.checks import choice, expected, named_settings, number, sequence, whole_number
from nstcore.errors import ConfigError

#: How a layer is made larger: nearest neighbor and convolution (Odena 2016), or transposed convolution (Johnson 2016).
Upsampling = Literal["nearest", "transposed"]

#: Sides of the kernels of the first and the last convolution, and of the residual blocks' (Johnson 2016, supplement).
OUTER_KERNEL, INNER_KERNEL = 9, 3

# More of these than any device holds.
_MOST_WIDTH, _MOST_BLOCKS, _MOST_STRIDES, _MOST_STRIDE = 512, 64, 4, 4


@dataclass(frozen=True)
class NetworkSettings:
    """The shape of an image transformation network (Johnson 2016, section 3.1).

    A 9 × 9 convolution, one that is strided for each of `strides` and doubles the channels, residual blocks, the same
    steps back, and a 9 × 9 convolution to RGB.

    Attributes:
        width: channels of the first and the last layer at full size.
        blocks: residual blocks.
        strides: by how much each step down makes the picture smaller.
        upsampling: how each step up makes it larger.

    Raises:
        ConfigError: for what cannot be.
    """

    width: int = 32
    blocks: int = 5
    strides: tuple[int, ...] = (2, 2)
    upsampling: Upsampling = "nearest"

    def __post_init__(self) -> None:
        whole_number("width", self.width, 1, most=_MOST_WIDTH)
        whole_number("blocks", self.blocks, 0, most=_MOST_BLOCKS)
        strides = tuple(sequence("strides", self.strides, "a sequence of whole numbers"))
        if len(strides) > _MOST_STRIDES:
            raise ConfigError(expected("strides", f"at most {_MOST_STRIDES} whole numbers", self.strides))
        for stride in strides:
            whole_number("strides", stride, 2, most=_MOST_STRIDE)
        object.__setattr__(self, "strides", strides)
        choice("upsampling", self.upsampling, get_args(Upsampling))

    @property
    def smallest_side(self) -> int:
        """Pixels that a picture's height and width must reach: below that a layer is too small to be mirrored."""
        return max(OUTER_KERNEL // 2, math.prod(self.strides)) + 1

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels at full size, and after each step down."""
        return tuple(self.width * 2**step for step in range(len(self.strides) + 1))

    @property
    def weights(self) -> int:
        """How many numbers a network of this shape has learned."""
        widths, kernels = self.widths, [step_kernel(stride) ** 2 for stride in self.strides]
        steps = sum(
            # Down and up again: kernels of both ways, and the scale and shift of each normalization.
            2 * kernel * wide * narrow + 2 * (wide + narrow)
            for kernel, narrow, wide in zip(kernels, widths, widths[1:], strict=False)
        )
        blocks = self.blocks * 2 * (INNER_KERNEL**2 * widths[-1] ** 2 + 2 * widths[-1])
        ends = 2 * OUTER_KERNEL**2 * 3 * self.width + 2 * self.width + 3
        return ends + steps + blocks

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain data for JSON."""
        return {**asdict(self), "strides": list(self.strides)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> NetworkSettings:
        """Rebuild what `to_dict` returned.

        Raises:
            ConfigError: for a field that is unknown or cannot be.
        """
        return cls(**named_settings("network settings", data, [field.name for field in fields(cls)]))


#: Networks by name: one for two cores, and Johnson's own (2016, supplement, table 1).
SIZES: Mapping[str, NetworkSettings] = MappingProxyType(
    {"small": NetworkSettings(width=16, blocks=3), "johnson": NetworkSettings()}
)


def step_kernel(stride: int) -> int:
    """The kernel's side of a step down or up: the smallest odd one whose windows overlap; 3 for a stride of 2."""
    return 2 * stride - 1


def checked_strength(strength: float) -> float:
    """How much of a network's picture is taken, as a number.

    Raises:
        ConfigError: it is none from 0 to 1.
    """
    try:
        return number("strength", strength, below=math.nextafter(1.0, 2.0))
    except ConfigError:  # which tells one limit at a time
        raise ConfigError(expected("strength", "a number from 0 to 1", strength)) from None
