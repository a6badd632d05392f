"""Views of a picture: turned, or at another size."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nstcore.pictures.resizing import by_pillow, resize_to

_Number = TypeVar("_Number", bound=np.uint8 | np.float32)


def view(picture: NDArray[_Number], degrees: float, scale: float) -> NDArray[_Number]:
    """A picture at `scale` times its size, turned counter-clockwise.

    Quarter turns keep all of it. Of other turns there is the largest upright rectangle within the turned picture, so
    that nothing is made up in its corners.

    Args:
        picture: uint8 or float32 (H, W, 3); the view is of its type.
        degrees: how far.
        scale: > 0.
    """
    height, width = picture.shape[:2]
    picture = resize_to(picture, *(max(1, round(side * scale)) for side in (height, width)))
    quarters, rest = divmod(degrees + 45.0, 90.0)
    picture = np.ascontiguousarray(np.rot90(picture, int(quarters) % 4))
    return _turned(picture, rest - 45.0) if rest != 45.0 else picture


def _turned(picture: NDArray[_Number], degrees: float) -> NDArray[_Number]:
    turned = by_pillow(picture, lambda image: image.rotate(degrees, Image.Resampling.BICUBIC, expand=True))
    height, width = _inside(picture.shape[0], picture.shape[1], math.radians(abs(degrees)))
    top, left = (turned.shape[0] - height) // 2, (turned.shape[1] - width) // 2
    return np.ascontiguousarray(turned[top : top + height, left : left + width])


def _inside(height: int, width: int, angle: float) -> tuple[int, int]:
    """The height and width of the upright rectangle of the largest area within one turned by an angle of 0 to π/4.

    Its corners lie on the sides of the turned one. Where that is long and narrow, two of them lie in the middle of its
    long sides; else all four touch.
    """
    sine, cosine = math.sin(angle), math.cos(angle)
    long, short = max(height, width), min(height, width)
    if short <= 2.0 * sine * cosine * long:
        half = 0.5 * short
        along, across = half / sine, half / cosine
        inner = (across, along) if width >= height else (along, across)
    else:
        double = cosine**2 - sine**2
        inner = ((height * cosine - width * sine) / double, (width * cosine - height * sine) / double)
    # A pixel less on each side, which bicubic interpolation mixed with what lies outside.
    return max(1, math.floor(inner[0]) - 2), max(1, math.floor(inner[1]) - 2)
