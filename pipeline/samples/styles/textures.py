"""The painterly textures the project draws itself, so that a grid has styles without any download.

Here two prints, a woodcut and a marbled paper; the paintings have files of their own. `TEXTURES` lists all.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from nstcore.pictures.images import Picture
from pipeline.samples.styles.brushwork import brushwork
from pipeline.samples.styles.painting import CANVAS, Floats, canvas_grid, canvas_noise, finished, noise, points, rgb
from pipeline.samples.styles.stained_glass import stained_glass

_BLOCKS = rgb("#c8402c", "#f2e6cb", "#e2a740", "#f2e6cb", "#3c7f86")
_BLOCK_EDGES = points([-1.15, -0.35, 0.45, 1.2])
_KEY = rgb("#1b2440")[0]

_INKS = rgb(
    *("#14284f", "#f3e9d2", "#b3202c", "#e7b33c", "#1d6f72"),
    *("#101a33", "#f3e9d2", "#d9702e", "#7fb0c4", "#14284f"),
)
#: Where a stylus stirs the bath: x, y and radius as parts of the sheet, and by how much (radians).
_STIRS = ((0.28, 0.30, 0.16, 3.1), (0.74, 0.64, 0.19, -3.4), (0.78, 0.16, 0.12, 2.9), (0.20, 0.82, 0.13, -2.9))
_DROPS = 330


def woodcut(seed: int = 11) -> Picture:
    """Print four flat colours and an indigo key block of gouged lines that follow the contours of the land.

    Returns:
        uint8 (512, 512, 3), RGB; the same for the same seed.
    """
    random = np.random.default_rng(seed)
    x, y = canvas_grid()
    hills, slopes, tone = (canvas_noise(random, grain, octaves) for grain, octaves in ((34, 2), (20, 2), (14, 3)))
    land = hills + 0.35 * slopes + 0.9 * np.sin(2 * np.pi * (1.6 * y + 0.25 * np.sin(2.2 * np.pi * x)))
    block = np.digitize(land, _BLOCK_EDGES)

    coarse = np.kron(noise(random, CANVAS // 2, 1.2, 1), np.ones((2, 2)))
    fibres = gaussian_filter(coarse, (1, 30))
    wood = 1 + 0.035 * (fibres / fibres.std())[..., None]
    colors = _BLOCKS[block] * wood + 4 * canvas_noise(random, 1, 1, side=512)[..., None]

    ink = _key_block(random, land, tone, pale=block % 2 == 1)[..., None]
    return finished(colors * (1 - ink) + _KEY * wood * ink)


def _key_block(random: np.random.Generator, land: Floats, tone: Floats, *, pale: Floats) -> Floats:
    """The share of ink, 0 to 1: contour lines swelling with the tone, and an outline around every colour."""
    burr = canvas_noise(random, 1.6, 2, side=512)  # the edge a gouge leaves
    slope_y, slope_x = np.gradient(gaussian_filter(land, 4))
    slope = np.hypot(slope_x, slope_y)
    # Lines stay about evenly spaced on the paper: where the land is twice as steep, half as many.
    octave = np.clip(np.round(np.log2(np.clip(slope * CANVAS, 0.5, 60) / 9)), -1, 2)
    ridge = np.abs((land * 7 / 2**octave) % 1 * 2 - 1)
    swell = 0.38 + 0.20 * tone + 0.05 * burr - 0.10 * pale
    outline = np.min([np.abs(land - edge) for edge in _BLOCK_EDGES], axis=0) / (slope + 1e-4)
    cut = (ridge < np.clip(swell, 0.05, 0.9)) | (outline < 4.5 + 1.5 * burr)
    ink = np.clip((gaussian_filter(cut.astype(np.float64), 1.0) - 0.42) * 6, 0, 1)
    bare = np.clip(canvas_noise(random, 1, 2, side=512) - 1.5, 0, 0.9)  # specks the ink missed
    return np.asarray(ink * (1 - bare))


def marbled(seed: int = 5) -> Picture:
    """Marble a sheet: drops of ink spread on a bath, combed to and fro and stirred.

    Each pixel is followed back through the stirring and combing, and then through the drops from the last to the
    first, until one covers it. A drop of radius r at C moves what lies at P to C + (P − C) √(1 + r²/|P − C|²), which
    keeps areas (S. Lu, A. Jaffer and others, Mathematical Marbling, IEEE Computer Graphics and Applications, 2012).

    Returns:
        uint8 (512, 512, 3), RGB; the same for the same seed.
    """
    random = np.random.default_rng(seed)
    x, y = canvas_grid()
    x, y = x.astype(np.float32), y.astype(np.float32)  # twice as quick
    for center_x, center_y, radius, turn in _STIRS:
        x, y = x - center_x, y - center_y
        angle = turn * np.exp(-(x**2 + y**2) / radius**2)
        x, y = (
            center_x + np.cos(angle) * x - np.sin(angle) * y,
            center_y + np.sin(angle) * x + np.cos(angle) * y,
        )
    tooth = np.abs((x + 0.012 * np.sin(9 * y)) / 0.06 % 1 * 2 - 1)  # 0 at each tooth of a fine comb, 1 between
    y = y - 0.06 * (np.exp(-3.2 * tooth) - 0.3)
    x = x - 0.15 * np.sin(2 * np.pi * y / 0.17)
    y = y - 0.10 * np.sin(2 * np.pi * x / 0.31 + 1)

    sheet = _INKS[_topmost_drop(random, x.ravel(), y.ravel())].reshape(CANVAS, CANVAS, 3)
    fine, cloudy = canvas_noise(random, 2, 2, side=512), canvas_noise(random, 26, 3)
    sheet = sheet * (1 + 0.05 * fine + 0.06 * cloudy)[..., None]
    slope_y, slope_x = np.gradient(gaussian_filter(sheet.mean(axis=2), 1.5))
    rim = np.clip(np.hypot(slope_x, slope_y) / 40, 0, 1)  # pigment gathers where inks meet
    return finished(sheet * (1 - 0.25 * rim)[..., None])


def _topmost_drop(random: np.random.Generator, x: Floats, y: Floats) -> NDArray[np.int64]:
    """The ink (an index) of the last drop over each place; the first ink is the bath's."""
    centers = (random.random((_DROPS, 2)) * 1.5 - 0.25).astype(np.float32)
    radii = (random.gamma(3, 0.010, _DROPS) + 0.010).astype(np.float32)
    drop_ink = random.integers(len(_INKS), size=_DROPS)
    ink, open_places = np.zeros(x.size, np.int64), np.arange(x.size)
    for (center_x, center_y), radius, color in zip(centers[::-1], radii[::-1], drop_ink[::-1], strict=True):
        x, y = x - center_x, y - center_y
        square = x * x + y * y
        covered = square < radius**2
        ink[open_places[covered]] = color
        outside = ~covered
        x, y, square, open_places = x[outside], y[outside], square[outside], open_places[outside]
        shrink = np.sqrt(1 - radius**2 / square)
        x, y = center_x + x * shrink, center_y + y * shrink
    return ink


#: Every texture by the name of its file; each call draws it anew, the same each time.
TEXTURES: dict[str, Callable[[], Picture]] = {
    "brushwork": brushwork,
    "stained-glass": stained_glass,
    "woodcut": woodcut,
    "marbled": marbled,
}
