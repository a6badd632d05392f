"""Pictures with the statistics of photographs, drawn the same on every machine.

The dead leaves model (Lee, Mumford and Huang 2001, "Occlusion models for natural images"): opaque shapes fall onto each
other, their radii r with a density of r⁻³. It has what photographs have: edges, flat areas, objects of every size, and
a spectrum of about 1 / f². So that channels that look for more than edges answer too, the shapes here are not disks
alone, but anything between bars and diamonds, and each has a pattern between two colors: none, a shading, stripes, or
noise with a grain of any fineness and direction, soft or hard.
"""

from __future__ import annotations

import math

import numpy as np

from nstcore.pictures.images import Picture

#: Height and width, pixels.
SIDE = 224

_SEED = 2001
_SMALLEST, _LARGEST = 3.0, 110.0  # radii, pixels
_PATTERNS = 16  # to choose from, for each picture


def dead_leaves(count: int) -> list[Picture]:
    """The first pictures of the series, uint8 (224, 224, 3), RGB."""
    # RandomState, unlike Generator, promises the same values in every version of NumPy.
    return [_picture(np.random.RandomState([_SEED, number])) for number in range(count)]


def _picture(random: np.random.RandomState) -> Picture:
    picture = np.zeros((SIDE, SIDE, 3))
    uncovered = np.ones((SIDE, SIDE), bool)
    # Each has a mood: a mean color, and how far colors stray from it, in brightness more than in hue.
    mood, contrast, hue = random.uniform(70, 185, 3), random.uniform(30, 75), random.uniform(5, 40)
    patterns = [_pattern(random) for _ in range(_PATTERNS)]
    # From the front to the back: what is covered is drawn once.
    while uncovered.any():
        place, inside = _shape(random)
        colors = mood + contrast * random.standard_normal((2, 1)) + hue * random.standard_normal((2, 3))
        pattern, strength = patterns[random.randint(_PATTERNS)], random.uniform()
        seen = inside & uncovered[place]
        if not seen.any():
            continue
        share = strength * pattern[place][seen]
        picture[place][seen] = colors[0] + share[:, np.newaxis] * (colors[1] - colors[0])
        uncovered[place] &= ~inside
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _shape(random: np.random.RandomState) -> tuple[tuple[slice, slice], np.ndarray]:
    """|u|ᵖ + |v|ᵖ <= 1: a diamond (p = 1), a disk (2), nearly a rectangle (8), or between, turned and drawn out.

    Returns:
        A rectangle of the picture, and where in it the shape is.
    """
    row, column = random.uniform(-0.1 * SIDE, 1.1 * SIDE, 2)
    radius = _SMALLEST / math.sqrt(1 - random.uniform() * (1 - (_SMALLEST / _LARGEST) ** 2))
    angle, length = random.uniform(0, math.pi), 2.0 ** abs(random.standard_normal())
    power = 2.0 ** random.uniform(0, 3)
    reach = radius * math.hypot(length, 1.0)
    top, left = (max(0, math.floor(center - reach)) for center in (row, column))
    bottom, right = (max(0, min(SIDE, math.ceil(center + reach) + 1)) for center in (row, column))
    rows, columns = np.ogrid[top:bottom, left:right]
    across = (math.cos(angle) * (columns - column) + math.sin(angle) * (rows - row)) / (radius * length)
    along = (math.cos(angle) * (rows - row) - math.sin(angle) * (columns - column)) / radius
    inside = np.maximum(np.abs(across), np.abs(along)) <= 1
    inside[inside] = np.abs(across[inside]) ** power + np.abs(along[inside]) ** power <= 1
    return (slice(top, bottom), slice(left, right)), inside


def _pattern(random: np.random.RandomState) -> np.ndarray:
    """Values 0 to 1, (224, 224)."""
    kind = random.randint(4)
    angle = random.uniform(0, math.pi)
    rows, columns = np.ogrid[:SIDE, :SIDE]
    distance = math.cos(angle) * columns + math.sin(angle) * rows
    if kind == 0:
        values = distance
    elif kind == 1:
        bend = random.uniform(0, 6) * _noise(random, 2.5, 1.0, 0.0)
        values = np.sin(2 * math.pi * distance / 2.0 ** random.uniform(1.3, 5.5) + bend)
    else:
        values = _noise(random, random.uniform(0.3, 2.5), 2.0 ** abs(1.5 * random.standard_normal()), angle)
    low, high = np.percentile(values, (2, 98))
    values = 2 * (values - low) / (high - low) - 1
    hardness = 2.0 ** random.uniform(0, 4)
    soft: np.ndarray = 0.5 + 0.5 * np.tanh(hardness * values) / math.tanh(hardness)
    return soft


def _noise(random: np.random.RandomState, exponent: float, length: float, angle: float) -> np.ndarray:
    """Noise with amplitudes of 1 / fᵉ, drawn out along a direction; deviation 1."""
    rows, columns = np.meshgrid(np.fft.fftfreq(SIDE), np.fft.rfftfreq(SIDE), indexing="ij")
    across = math.cos(angle) * columns + math.sin(angle) * rows
    along = math.cos(angle) * rows - math.sin(angle) * columns
    frequency = np.hypot(across * length, along)
    frequency[0, 0] = np.inf
    noise: np.ndarray = np.fft.irfft2(
        np.fft.rfft2(random.standard_normal((SIDE, SIDE))) / frequency**exponent, (SIDE, SIDE)
    )
    noise /= noise.std()
    return noise
