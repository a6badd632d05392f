"""What the painted sample textures share: noise, colours, relief, canvases.

A canvas is a square of twice the final side, drawn large and scaled down at the end so that every edge is smooth.
Colours are float RGB, 0 to 255; y points down.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from nstcore.pictures.images import Picture, to_uint8
from nstcore.pictures.resizing import resize_to

Floats = NDArray[np.floating[Any]]

#: Side of a finished texture and of the canvas it is drawn on, in pixels.
SIDE, CANVAS = 512, 1024


def rgb(*colors: str) -> Floats:
    """Colours written "#rrggbb" as float (n, 3), 0 to 255."""
    return np.array([list(bytes.fromhex(color.removeprefix("#"))) for color in colors], np.float64)


def blend(position: Floats, stops: Floats) -> Floats:
    """The colour at `position` (any shape, 0 to 1) along evenly spaced stops (n, 3): shape + (3,)."""
    places = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(position, places, stops[:, channel]) for channel in range(3)], axis=-1)


def noise(random: np.random.Generator, side: int, grain: float, octaves: int = 3) -> Floats:
    """Seamless smooth noise (side, side) with mean 0 and deviation 1.

    `grain` is the size in pixels of its largest features; each further octave halves size and strength.
    """
    total = np.zeros((side, side))
    for octave in range(octaves):
        layer = gaussian_filter(random.standard_normal((side, side)), grain / 2**octave, mode="wrap")
        total += layer / layer.std() / 2**octave
    return np.asarray((total - total.mean()) / total.std())


def canvas_noise(random: np.random.Generator, grain: float, octaves: int = 3, *, side: int = 256) -> Floats:
    """`noise` drawn small, which is quick, and enlarged to (CANVAS, CANVAS); `grain` counts the small pixels."""
    small = Image.fromarray(noise(random, side, grain, octaves).astype(np.float32))
    return np.asarray(small.resize((CANVAS, CANVAS), Image.Resampling.BICUBIC), np.float64)


def canvas_grid() -> tuple[Floats, Floats]:
    """The x and y of every canvas pixel, each (CANVAS, CANVAS), 0 to 1."""
    y, x = np.mgrid[0:CANVAS, 0:CANVAS] / CANVAS
    return x, y


def relief(height: Floats, strength: float) -> Floats:
    """Light from the upper left on a surface: the factor (H, W, 1) by which it brightens or darkens the colour."""
    slope_y, slope_x = np.gradient(height)
    return np.asarray(np.clip(1 - strength * (slope_x + slope_y), 0.6, 1.45))[..., None]


def blur(picture: Floats, radius: float) -> Floats:
    """Gaussian blur of (H, W, 3), within each channel."""
    return np.asarray(gaussian_filter(picture, (radius, radius, 0)))


def finished(canvas: Floats) -> Picture:
    """The canvas as a picture: uint8 (SIDE, SIDE, 3)."""
    return resize_to(to_uint8(canvas), SIDE, SIDE)


def points(values: Sequence[Any]) -> Floats:
    """A readable table of numbers as a float array."""
    return np.array(values, np.float64)
