"""Sizes of pictures: what they are resized to, and whether a network can take them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nstcore.errors import ConfigError, PictureError

#: One picture: uint8 (H, W, 3), RGB.
Picture = NDArray[np.uint8]
#: One, or one of real numbers, which is for networks alone: float32 (H, W, 3), RGB, nominally 0 to 255.
AnyPicture = NDArray[np.uint8 | np.float32]

_Number = TypeVar("_Number", bound=np.uint8 | np.float32)


def resize_to(picture: NDArray[_Number], height: int, width: int) -> NDArray[_Number]:
    """Resize to (height, width) with an antialiased Lanczos filter; the same object if it already has that size.

    Of its type: uint8 is rounded and clipped, float32 neither.
    """
    if picture.shape[:2] == (height, width):
        return picture
    if height < 1 or width < 1:
        raise ConfigError(f"a picture must be at least 1 pixel high and wide. Received: {height=}, {width=}")
    return by_pillow(picture, lambda image: image.resize((width, height), Image.Resampling.LANCZOS))


def by_pillow(picture: NDArray[_Number], change: Callable[[Image.Image], Image.Image]) -> NDArray[_Number]:
    """A picture (H, W, 3), uint8 or float32, after something that Pillow does to it; of its type.

    Pillow has pictures of real numbers in one channel only: these are changed channel by channel.
    """
    if picture.dtype == np.uint8:
        return np.array(change(Image.fromarray(picture)), dtype=picture.dtype)
    channels = (Image.fromarray(np.ascontiguousarray(channel)) for channel in np.moveaxis(picture, -1, 0))
    return np.stack([np.array(change(channel), dtype=picture.dtype) for channel in channels], axis=-1)


def resize(picture: NDArray[_Number], longest_side: int) -> NDArray[_Number]:
    """Resize so that the longest side is exactly `longest_side` pixels, up or down, keeping the aspect.

    The other side is rounded to the nearest pixel (halves up) and at least 1.

    Args:
        picture: uint8 or float32 (H, W, 3).
        longest_side: pixels, at least 1.

    Returns:
        (H', W', 3), of its type; the same object if it already has that size.

    Raises:
        ConfigError: if `longest_side` is less than 1.
    """
    return resize_to(picture, *size_at(picture, longest_side))


def size_at(picture: NDArray[Any] | tuple[int, ...], longest_side: int) -> tuple[int, int]:
    """The height and width that `resize` gives a picture, an array (H, W, …) or its shape.

    Raises:
        ConfigError: if `longest_side` is less than 1.
    """
    if longest_side < 1:
        raise ConfigError(f"the longest side must be at least 1 pixel. Received: longest_side={longest_side!r}")
    stored = sides_of(picture)
    longest = max(stored)
    height, width = (max(1, (2 * side * longest_side + longest) // (2 * longest)) for side in stored)
    return height, width


def sides_of(picture: NDArray[Any] | tuple[int, ...]) -> tuple[int, int]:
    """The height and width of a picture, an array (H, W, …) or its shape."""
    height, width = (picture.shape if isinstance(picture, np.ndarray) else picture)[:2]
    return height, width


def require_side(picture: NDArray[Any] | tuple[int, ...], smallest_side: int, *, name: str, backbone: str) -> None:
    """Check that a network's layers all have an output for a picture.

    Args:
        picture: an array (H, W, …) or its shape.
        smallest_side: pixels that both height and width must reach.
        name: what the message calls the picture.
        backbone: the network that asks.

    Raises:
        PictureError: if the height or the width is smaller.
    """
    height, width = sides_of(picture)
    if min(height, width) < smallest_side:
        raise PictureError(
            f"{name} is {width} x {height} pixels (width x height), but {backbone} needs at least {smallest_side} "
            "on each side; use a larger picture, a less narrow one, or a larger size"
        )
