"""A texture of thick brush strokes that follow eddies: night blues, warm yellow where the paint whirls."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from nstcore.pictures.images import Picture
from pipeline.samples.styles.painting import (
    CANVAS,
    Floats,
    blend,
    blur,
    canvas_grid,
    canvas_noise,
    finished,
    points,
    relief,
    rgb,
)

_NIGHT = rgb("#0a1836", "#12306e", "#1f4fa0", "#3b7fc0", "#6fb3c9", "#b8d9bd", "#f0d878", "#f4b52a", "#fbf3cf")
_ACCENTS = rgb("#cc5c2c", "#e48c3c", "#3c8c82", "#783c46")

#: x, y and radius of each eddy as parts of the canvas, and the sense in which it turns.
_EDDIES = points(
    [
        (0.22, 0.24, 0.20, 1),
        (0.70, 0.17, 0.13, -1),
        (0.56, 0.52, 0.24, 1),
        (0.90, 0.60, 0.16, -1),
        (0.16, 0.72, 0.17, -1),
        (0.46, 0.92, 0.16, 1),
        (0.86, 0.94, 0.12, 1),
        (0.42, 0.06, 0.08, 1),
        (0.02, 0.45, 0.10, 1),
    ]
)

#: Coats of paint from coarse to fine: width and length of the strokes (canvas pixels) and their number.
_COATS = ((44, 190, 650), (24, 130, 2000), (13, 90, 5200))
_STEPS = 12


def brushwork(seed: int = 1) -> Picture:
    """Paint the texture.

    Returns:
        uint8 (512, 512, 3), RGB; the same for the same seed.
    """
    random = np.random.default_rng(seed)
    flow, tone = _eddies(random)
    # The fourth channel carries the thickness of the paint, so that one drawing call lays down both.
    paint = Image.fromarray(
        np.concatenate([blend(tone, _NIGHT), np.full((CANVAS, CANVAS, 1), 90.0)], 2).astype(np.uint8)
    )
    draw = ImageDraw.Draw(paint)
    for width, length, count in _COATS:
        paths = _follow(flow, random.random((count, 2)) * CANVAS * 1.06 - 0.03 * CANVAS, length, random)
        middle = np.clip(paths[:, _STEPS // 2].astype(int), 0, CANVAS - 1)
        _strokes(draw, paths, _colors(tone[middle[:, 1], middle[:, 0]], random), width, random)
    layers = np.asarray(paint, np.float64)
    thickness = gaussian_filter(layers[..., 3], 1.0)
    return finished(blur(layers[..., :3], 0.6) * relief(thickness, 0.011))


def _eddies(random: np.random.Generator) -> tuple[Floats, Floats]:
    """The direction of the brush, unit vectors (CANVAS, CANVAS, 2), and the tone, 0 (night) to 1 (light)."""
    x, y = canvas_grid()
    drift = canvas_noise(random, 40, 2)
    flow = np.stack([np.cos(0.5 * drift), 0.55 * np.sin(0.9 * drift + 0.4)], axis=-1)
    glow = np.zeros_like(x)
    for center_x, center_y, radius, sense in _EDDIES:
        outward = np.stack([x - center_x, y - center_y], axis=-1)
        distance = np.linalg.norm(outward, axis=-1) + 1e-6
        outward /= distance[..., None]
        around = outward[..., ::-1] * [-sense, sense]
        strength = 3.5 * np.exp(-1.1 * (distance / radius) ** 2)
        flow += strength[..., None] * (around - 0.15 * outward)
        core = np.exp(-((distance / (0.42 * radius)) ** 2))
        halo = 0.55 * np.exp(-(((distance - 0.8 * radius) / (0.16 * radius)) ** 2))
        glow = np.maximum(glow, core + halo)
    flow /= np.linalg.norm(flow, axis=-1, keepdims=True) + 1e-9
    return flow, np.clip(0.24 + 0.11 * canvas_noise(random, 22) + 0.68 * glow, 0, 1)


def _follow(flow: Floats, starts: Floats, length: float, random: np.random.Generator) -> Floats:
    """Paths along the flow: (strokes, _STEPS + 1, 2), in canvas pixels."""
    stride = length / _STEPS * random.uniform(0.6, 1.2, (len(starts), 1))
    path = [starts]
    for _ in range(_STEPS):
        column, row = np.clip(path[-1].astype(int), 0, CANVAS - 1).T
        path.append(path[-1] + stride * flow[row, column])
    return np.stack(path, axis=1)


def _colors(tone: Floats, random: np.random.Generator) -> Floats:
    """One mixed colour a stroke, (strokes, 3); a few strokes take a complementary accent."""
    count = len(tone)
    color = blend(np.clip(tone + random.normal(0, 0.07, count), 0, 1), _NIGHT)
    accent = random.random(count) < 0.03
    color[accent] = _ACCENTS[random.integers(len(_ACCENTS), size=int(accent.sum()))]
    return color * random.uniform(0.88, 1.1, (count, 1)) + random.normal(0, 7, (count, 3))


def _strokes(
    draw: ImageDraw.ImageDraw, paths: Floats, colors: Floats, width: float, random: np.random.Generator
) -> None:
    """Draw each path as a bundle of bristle tracks with ragged ends, thickest where the brush pushes paint aside."""
    count, bristles = len(paths), max(4, int(width / 3.2))
    tangent = np.gradient(paths, axis=1)
    tangent /= np.linalg.norm(tangent, axis=2, keepdims=True) + 1e-9
    across = tangent[..., ::-1] * [-1, 1]
    belly = np.sin(np.linspace(0.25, 0.93 * np.pi, _STEPS + 1)) ** 0.6
    offset = np.linspace(-0.5, 0.5, bristles)[:, None] * width * belly
    tracks = paths[:, None] + across[:, None] * offset[..., None]
    shade = colors[:, None] + random.normal(0, 11, (count, bristles, 1)) + random.normal(0, 4, (count, bristles, 3))
    ridge = 110 + 60 * np.linspace(-1, 1, bristles) ** 2 + random.normal(0, 38, (count, bristles))
    inks: NDArray[np.int_] = np.concatenate([shade, ridge[..., None]], axis=2).clip(0, 255).astype(int)
    first = random.integers(0, 3, (count, bristles))
    last = _STEPS + 1 - random.integers(0, 4, (count, bristles))
    for stroke in range(count):
        for bristle in range(bristles):
            track = tracks[stroke, bristle, first[stroke, bristle] : last[stroke, bristle]]
            draw.line(track.ravel().tolist(), fill=tuple(inks[stroke, bristle].tolist()), width=4)
