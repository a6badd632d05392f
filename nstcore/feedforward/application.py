"""A trained network applied to a picture: whole where that fits, else in bands, with the same result."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, Literal

import keras
import numpy as np
from numpy.typing import NDArray

from nstcore import backend
from nstcore.checks import expected, whole_number
from nstcore.errors import ConfigError
from nstcore.feedforward.bands import banded_memory, in_bands, rows_of_a_band
from nstcore.feedforward.network import settings_of
from nstcore.feedforward.network_file import TrainedNetwork
from nstcore.feedforward.settings import NetworkSettings, checked_strength
from nstcore.memory import free_memory, require_bytes
from nstcore.pictures import color
from nstcore.pictures.images import Picture
from nstcore.pictures.resizing import require_side
from nstcore.system.kept import droppable
from nstcore.system.returned_memory import return_memory

#: Whether a picture is taken in bands: where the whole would take much memory, never, or in bands of so many rows.
Bands = Literal["auto", "never"] | int

_FLOAT32 = 4
# Bands cost next to nothing where a picture is large. So the whole may take a GiB at most, and half of what is free.
_MOST_OF_THE_WHOLE, _SHARE_OF_FREE = 2**30, 0.5
_ROWS_TO_FINISH = 64
# Whole pictures of so many sizes, after which a command forgets what was compiled for them.
_MANY_SIZES = 16


def stylize(
    network: TrainedNetwork | keras.Model,
    picture: Picture,
    *,
    strength: float = 1.0,
    keep_colors: bool = False,
    bands: Bands = "auto",
) -> Picture:
    """A picture as a network draws it: uint8 (H, W, 3) to the same.

    Args:
        network: as `load_network` gives it, or a model of `build_network`.
        picture: uint8 (H, W, 3), RGB, of any size from `NetworkSettings.smallest_side`.
        strength: 1 for what the network gives, 0 for the picture itself, and what lies between.
        keep_colors: take from the network luminance alone, and the colors of the picture.
        bands: how it is computed, which changes the result by rounding at most.

    Raises:
        PictureError: the picture is too small.
        ConfigError: an option cannot be.
        MemoryShortageError: there is not enough memory even for bands.
    """
    result = np.empty(picture.shape, np.uint8)
    for first, band in _finished(network, picture, strength, keep_colors, bands):
        result[first : first + len(band)] = np.clip(np.rint(band), 0, 255)
    return result


def stylize_unrounded(
    network: TrainedNetwork | keras.Model,
    picture: Picture,
    *,
    strength: float = 1.0,
    keep_colors: bool = False,
    bands: Bands = "auto",
) -> NDArray[np.float32]:
    """The same as float32 (H, W, 3), nominally 0 to 255, for files of 16 bits."""
    result = np.empty(picture.shape, np.float32)
    for first, band in _finished(network, picture, strength, keep_colors, bands):
        result[first : first + len(band)] = band
    return result


def forget_many_sizes() -> None:
    """Where pictures had many sizes since this last did something, let go of all that was compiled in this process.

    For commands that render one picture after the other; see `nstcore.backend.forget_compiled`.
    """
    if _forward.cache_info().misses >= _MANY_SIZES:
        _forward.cache_clear()  # which counts from 0 again
        backend.forget_compiled()
        return_memory()


def whole_memory(settings: NetworkSettings, height: int, width: int) -> int:
    """Bytes that applying a network to a whole picture takes: what each operation gives is there until the end.

    At each size that is, in channels of that size, three on the way down (convolved, normalized, rectified) and eight
    on the way up (enlarged and mirrored, both with the channels of the size below; convolved, normalized, rectified,
    mirrored), and eight for each residual block.
    """
    share, values = 1.0, 8.0 * 3
    for channels, stride in zip(settings.widths, (*settings.strides, 1), strict=True):
        values += share * channels * 11
        share /= stride**2
    values += share * settings.widths[-1] * 8 * settings.blocks
    return int(values * height * width * _FLOAT32)


def _finished(
    network: TrainedNetwork | keras.Model, picture: Picture, strength: float, keep_colors: bool, bands: Bands
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Rows of the result, and the number of the first of them."""
    strength = checked_strength(strength)
    for start, rows in _applied(network, picture, bands):
        # Colors are computed in float64: in few rows at a time.
        for first in range(start, start + len(rows), _ROWS_TO_FINISH):
            band: NDArray[Any] = rows[first - start : first - start + _ROWS_TO_FINISH]
            content = picture[first : first + len(band)]
            band = color.with_colors_of(np.clip(band, 0, 255), content) if keep_colors else band
            yield first, content + strength * (np.clip(band, 0, 255) - content) if strength < 1 else band


def _applied(
    network: TrainedNetwork | keras.Model, picture: Picture, bands: Bands
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    if isinstance(network, TrainedNetwork):
        model, settings = network.model, network.settings
    else:
        model, settings = network, settings_of(network)
    height, width = picture.shape[:2]
    require_side(picture, settings.smallest_side, name="the picture", backbone="this network")
    rows = _rows(settings, height, width, bands)
    if rows is None:
        yield 0, _whole(model, picture)
    else:
        yield from in_bands(model, settings, picture, rows)
        return_memory()


def _rows(settings: NetworkSettings, height: int, width: int, bands: Bands) -> int | None:
    """How many rows a band has, None for the whole picture at once."""
    if isinstance(bands, str) and bands not in ("auto", "never"):
        raise ConfigError(expected("bands", "auto, never or a number of rows", bands))
    who = f"{width} x {height} pixels through a feed-forward network"
    whole = whole_memory(settings, height, width)
    if bands == "never":
        require_bytes(whole, who)
        return None
    if bands == "auto":
        free = free_memory()
        if whole <= _MOST_OF_THE_WHOLE and (free is None or whole <= _SHARE_OF_FREE * free):
            return None
        bands = rows_of_a_band(settings, width)
    whole_number("bands", bands, 1)
    require_bytes(banded_memory(settings, height, width, bands), f"{who}, in bands,")
    return bands


def _whole(model: keras.Model, picture: Picture) -> NDArray[np.float32]:
    known = _forward.cache_info().misses
    given = _forward(model, picture.shape[:2])(picture[np.newaxis].astype(np.float32))
    result = np.asarray(backend.to_host(given)[0])
    del given
    if _forward.cache_info().misses > known:  # else the next picture of this size asks for the same blocks again
        return_memory()
    return result


# JAX compiles a network for each size, and keeps what it compiled as long as the function. A folder of pictures has
# few sizes, or many that do not come again.
@droppable
@functools.lru_cache(maxsize=4)
def _forward(model: keras.Model, _size: tuple[int, int]) -> Callable[[Any], Any]:
    return backend.compiled_forward(model, lambda pixels: pixels)
