"""Sizes of pictures: what they are resized to, and whether a network can take them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nstcore.errors import ConfigError, PictureError

#: One picture: uint8 (H, W, 3), RGB.
Picture = NDArray[np.uint8]


def resize_to(picture: Picture, height: int, width: int) -> Picture:
    """Resize to (height, width) with an antialiased Lanczos filter; the same object if it already has that size."""
    if picture.shape[:2] == (height, width):
        return picture
    if height < 1 or width < 1:
        raise ConfigError(f"a picture must be at least 1 pixel high and wide. Received: {height=}, {width=}")
    return np.array(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS), dtype=np.uint8)


def resize(picture: Picture, longest_side: int) -> Picture:
    """Resize so that the longest side is exactly `longest_side` pixels, up or down, keeping the aspect.

    The other side is rounded to the nearest pixel (halves up) and at least 1.

    Args:
        picture: uint8 (H, W, 3).
        longest_side: pixels, at least 1.

    Returns:
        uint8 (H', W', 3); the same object if it already has that size.

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
