"""Views of a picture: turned, or at another size."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from nstcore.pictures.images import Picture
from nstcore.pictures.resizing import resize_to


def view(picture: Picture, degrees: float, scale: float) -> Picture:
    """A picture at `scale` times its size, turned counter-clockwise.

    Quarter turns keep all of it. Of other turns there is the largest upright rectangle within the turned picture, so
    that nothing is made up in its corners.

    Args:
        picture: uint8 (H, W, 3).
        degrees: how far.
        scale: > 0.
    """
    height, width = picture.shape[:2]
    picture = resize_to(picture, *(max(1, round(side * scale)) for side in (height, width)))
    quarters, rest = divmod(degrees + 45.0, 90.0)
    picture = np.ascontiguousarray(np.rot90(picture, int(quarters) % 4))
    return _turned(picture, rest - 45.0) if rest != 45.0 else picture


def _turned(picture: Picture, degrees: float) -> Picture:
    turned = Image.fromarray(picture).rotate(degrees, Image.Resampling.BICUBIC, expand=True)
    height, width = _inside(picture.shape[0], picture.shape[1], math.radians(abs(degrees)))
    left, top = (turned.width - width) // 2, (turned.height - height) // 2
    return np.array(turned.crop((left, top, left + width, top + height)), dtype=np.uint8)


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
