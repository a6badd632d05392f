"""Maps that paint the regions of a picture in flat colors."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nstcore.checks import expected
from nstcore.errors import ConfigError, PictureError
from nstcore.pictures.color import SAME_COLOR
from nstcore.pictures.images import PictureSource, read_picture
from nstcore.pictures.picture_files import file_name, read_file
from nstcore.pictures.resizing import resize, size_at
from nstcore.pictures.undecodable import UndecodableError

#: What follows the name of a picture, without its suffix, in that of its map.
REGIONS_SUFFIX = ".regions.png"

#: Maps are looked at no larger: regions are painted roughly, and layers see fewer positions than pixels.
LONGEST_SIDE = 1024
# By how much the proportions of a map and of its picture may differ: what rounding a side of 50 pixels leaves.
_SAME_PROPORTIONS = 0.02


@dataclass(frozen=True, eq=False)
class RegionMap:
    """Which part of each pixel belongs to which region.

    Attributes:
        colors: the names of the regions, "#rrggbb".
        shares: float32 (R, h, w), in 0..1, at any size of the picture's proportions.

    Raises:
        ConfigError: when built of anything else.
    """

    colors: tuple[str, ...]
    shares: NDArray[np.float32]

    def __post_init__(self) -> None:
        object.__setattr__(self, "colors", tuple(color_name(color) for color in self.colors))
        shares = np.asarray(self.shares)
        if shares.ndim != 3 or shares.shape[0] != len(self.colors) or not shares.size:
            raise ConfigError(expected("RegionMap.shares", "an array (regions, height, width)", shares.shape))
        shares = shares.astype(np.float32)
        if not (shares >= 0).all() or not (shares <= 1).all() or not shares.any(axis=(1, 2)).all():
            raise ConfigError("RegionMap.shares must be in 0 to 1, and not 0 everywhere for any region")
        object.__setattr__(self, "shares", shares)

    def find(self, color: str) -> str | None:
        """The region of a color, or of the nearest that may be the same one; None if there is none."""
        away = [float(np.linalg.norm(_rgb(color_name(color)) - _rgb(own))) for own in self.colors]
        nearest = int(np.argmin(away))
        return self.colors[nearest] if away[nearest] < SAME_COLOR else None

    def guide(self, color: str, height: int, width: int) -> NDArray[np.float32]:
        """T of a region at a layer, by the position: (height · width,), its mean square 1 (Gatys et al. 2017, eq. 4).

        It is resized as an average over areas, so that edges are soft and positions that hold nothing of the region
        are exactly 0.
        """
        share = Image.fromarray(self.shares[self.colors.index(color)])
        shrinks = height <= share.height and width <= share.width
        resample = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
        resized = np.asarray(share.resize((width, height), resample), np.float64).ravel()
        guide: NDArray[np.float32] = (resized / np.sqrt(np.mean(resized**2))).astype(np.float32)
        return guide


#: Where a map may come from: as a picture may, painted; or made.
RegionSource = PictureSource | RegionMap


def read_regions(source: RegionSource, picture: NDArray[Any]) -> RegionMap:
    """Read the map of a picture.

    Args:
        source: a painted map, a path or an array as `read_picture` takes it; or a map, which is returned as it is.
        picture: what it is the map of, (H, W, 3), at any size.

    Raises:
        PictureError: if it cannot be read, has other proportions than the picture, or no flat colors, or too many.
        MemoryShortageError: if it takes more memory to read than is free.
    """
    name = "the map of regions" if isinstance(source, np.ndarray | RegionMap) else file_name(source)
    if isinstance(source, RegionMap):
        _require_proportions(source.shares.shape[1:], picture, name)
        return source

    def wanted(height: int, width: int) -> tuple[int, int]:
        _require_proportions((height, width), picture, name)
        return size_at((height, width), min(LONGEST_SIDE, max(height, width)))

    if isinstance(source, np.ndarray):
        painted = read_picture(source)
        wanted(*painted.shape[:2])
        painted = resize(painted, min(LONGEST_SIDE, max(painted.shape[:2])))
    else:
        painted = read_file(source, wanted)
    # SciPy's filters, which most runs never need.
    from nstcore.pictures.flat_colors import flat_colors, shares_of_colors

    try:
        colors = flat_colors(painted)
    except UndecodableError as error:
        raise PictureError(f"{name} {error}") from None
    names = tuple("#" + "".join(f"{round(value):02x}" for value in color.tolist()) for color in colors)
    return RegionMap(names, shares_of_colors(painted, colors))


def _require_proportions(shape: tuple[int, ...], picture: NDArray[Any], name: str) -> None:
    (height, width), (tall, wide) = shape, picture.shape[:2]
    # A short side of a resized picture may be off by half a pixel.
    room = _SAME_PROPORTIONS + 1.0 / min(tall, wide, height, width)
    if abs(height * wide / (width * tall) - 1.0) > room:
        raise PictureError(
            f"{name} is {width} x {height} pixels (width x height), which are not the proportions of its picture, "
            f"{wide} x {tall}; paint it on a copy of the picture"
        )


def regions_beside(picture: object) -> Path | None:
    """The map that lies beside a picture, NAME.regions.png beside NAME.jpg; None if there is none."""
    if not isinstance(picture, str | os.PathLike) or isinstance(os.fspath(picture), bytes):
        return None
    path = Path(picture)
    if not path.name:  # such as "" and "/", which whoever reads them refuses
        return None
    beside = path.with_name(path.stem + REGIONS_SUFFIX)
    return beside if os.path.lexists(beside) else None


def is_region_map(name: str) -> bool:
    """Whether a file is named as a map of regions."""
    return name.lower().endswith(REGIONS_SUFFIX)


def color_name(value: object) -> str:
    """A color as "#rrggbb", of "#RRGGBB" or "#rgb".

    Raises:
        ConfigError: if it is none.
    """
    if isinstance(value, str) and re.fullmatch(r"#(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})", value):
        digits = value[1:].lower()
        return "#" + (digits if len(digits) == 6 else "".join(2 * digit for digit in digits))
    raise ConfigError(expected("region", 'a color such as "#ff0000"', value))


def _rgb(color: str) -> NDArray[np.float64]:
    return np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)], np.float64)
