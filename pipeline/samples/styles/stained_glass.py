"""A texture of leaded glass: rosettes and jewel-coloured panes, each with its own streaks, lit from behind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from nstcore.pictures.images import Picture
from pipeline.samples.styles.painting import (
    CANVAS,
    Floats,
    blur,
    canvas_grid,
    canvas_noise,
    finished,
    noise,
    points,
    relief,
    rgb,
)

_GLASS: dict[str, Floats] = {
    glass: rgb(color)[0]
    for glass, color in {
        "ruby": "#a3122a",
        "rose": "#d9586b",
        "amber": "#f0a01e",
        "gold": "#f7cf5a",
        "emerald": "#0f7a4a",
        "leaf": "#6fb04a",
        "cobalt": "#123f9c",
        "sky": "#5fa8dc",
        "violet": "#5a2a86",
        "pearl": "#efe6c8",
    }.items()
}

#: x, y and radius of each rosette as parts of the canvas, and the glass of its rings from the centre outward.
_ROSETTES: tuple[tuple[float, float, float, tuple[str, ...]], ...] = (
    (0.30, 0.33, 0.36, ("gold", "amber", "ruby", "rose", "cobalt", "sky")),
    (0.78, 0.70, 0.32, ("pearl", "sky", "cobalt", "violet", "emerald", "leaf")),
    (0.80, 0.16, 0.24, ("gold", "rose", "ruby", "violet", "cobalt")),
    (0.14, 0.84, 0.24, ("pearl", "gold", "leaf", "emerald", "cobalt")),
)
_GROUND = ("cobalt", "emerald", "violet", "cobalt", "sky", "leaf")

#: Half the width of the leads, and the least distance between panes in a rosette and in the ground; canvas pixels.
_HALF_LEAD, _PANE, _GROUND_PANE = 7.0, 26.0, 64.0


def stained_glass(seed: int = 2) -> Picture:
    """Paint the texture.

    Returns:
        uint8 (512, 512, 3), RGB; the same for the same seed.
    """
    random = np.random.default_rng(seed)
    seeds, tints = _panes(random)
    x, y = (axis * CANVAS for axis in canvas_grid())
    bent = np.stack([x + 5 * canvas_noise(random, 26, 2), y + 5 * canvas_noise(random, 26, 2)], axis=-1)
    distance, nearest = cKDTree(seeds).query(bent.reshape(-1, 2), k=2)
    gap = np.linalg.norm(seeds[nearest[:, 0]] - seeds[nearest[:, 1]], axis=1)
    # Distance to the line half-way between the two nearest seeds, which gives leads of even width.
    to_lead = ((distance[:, 1] ** 2 - distance[:, 0] ** 2) / (2 * gap)).reshape(CANVAS, CANVAS)
    pane = nearest[:, 0].reshape(CANVAS, CANVAS)

    light = _light(random, seeds, pane, x, y) * (0.62 + 0.5 * np.clip(to_lead / 31, 0, 1) ** 0.7)
    glass = (tints + random.normal(0, 14, tints.shape))[pane] * light[..., None]
    glass += (255 - glass) * 0.55 * np.clip(light - 1.1, 0, 1)[..., None]  # thin glass lets white light through
    bubbles = np.repeat(random.random((CANVAS, CANVAS, 1)) > 0.9996, 3, axis=2)
    glass += 1600 * blur(bubbles.astype(np.float64), 2.0)
    glass = 0.82 * glass + 0.25 * blur(glass, 9)

    rounded = np.sqrt(np.clip(1 - (to_lead / _HALF_LEAD) ** 2, 0, 1))
    lead = [-12.0, -14.0, -10.0] + 42 * relief(8 * rounded, 0.9) + 5 * noise(random, CANVAS, 2, 2)[..., None]
    share = np.clip(_HALF_LEAD - to_lead, 0, 1)[..., None]
    return finished(glass * (1 - share) + lead * share)


def _panes(random: np.random.Generator) -> tuple[Floats, Floats]:
    """Where the panes are, (n, 2) in canvas pixels, and the colour of each, (n, 3)."""
    centers = points([rosette[:2] for rosette in _ROSETTES]) * CANVAS
    reach = points([rosette[2] for rosette in _ROSETTES]) * CANVAS
    seeds: list[Floats] = []
    tints: list[Floats] = []

    def add(place: Floats, glass: str, least_distance: float) -> None:
        if not seeds or np.linalg.norm(np.array(seeds) - place, axis=1).min() >= least_distance:
            seeds.append(place)
            tints.append(_GLASS[glass])

    for index, (*_, rings) in enumerate(_ROSETTES):
        for ring, glass in enumerate(rings):
            petals = (1, 8)[ring] if ring < 2 else 6 + 5 * ring
            radius = reach[index] * (ring + 0.35) / len(rings) if ring else 0.0
            for petal in range(petals):
                angle = 2 * np.pi * (petal + 0.5 * (ring % 2)) / petals + index
                place = centers[index] + radius * points([np.cos(angle), np.sin(angle)])
                if (np.linalg.norm(place - centers, axis=1) / reach).argmin() == index:
                    alternate = rings[(ring + 1) % len(rings)] if ring > 1 and petal % 2 else glass
                    add(place + random.normal(0, 2.5, 2), alternate, _PANE)
    for place in random.random((6000, 2)) * CANVAS * 1.2 - 0.1 * CANVAS:
        if (np.linalg.norm(place - centers, axis=1) / reach).min() >= 1.02:
            add(place, _GROUND[random.integers(len(_GROUND))], _GROUND_PANE)
    return np.array(seeds), np.array(tints)


def _light(random: np.random.Generator, seeds: Floats, pane: NDArray[np.int_], x: Floats, y: Floats) -> Floats:
    """The light each pixel lets through, around 1: each pane has streaks and a fall-off in a direction of its own."""
    count = len(seeds)
    angle = random.uniform(0, np.pi, count)[pane]
    along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    coarse, fine = noise(random, 512, 5, 3), noise(random, 512, 1.6, 2)
    # Noise read slowly along a pane and quickly across it becomes streaks.
    streaks = coarse[(0.9 * across).astype(int) % 512, (0.13 * along).astype(int) % 512]
    threads = fine[(0.6 * across).astype(int) % 512, (0.3 * along).astype(int) % 512]
    inside_x, inside_y = x - seeds[pane][..., 0], y - seeds[pane][..., 1]
    slope = (inside_x * np.cos(2 * angle + 1) + inside_y * np.sin(2 * angle + 1)) / 61
    brightness = random.uniform(0.75, 1.2, count)[pane]
    light: Floats = brightness * (1 + 0.2 * np.clip(slope, -1.6, 1.6) + 0.13 * streaks + 0.05 * threads)
    return light
