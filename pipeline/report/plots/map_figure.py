"""The figure of a `PictureMap`: thumbnails at their places, moved apart where they would cover each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from nstcore.pictures.images import Picture
from nstcore.pictures.resizing import resize
from pipeline.measures.picture_map import PictureMap
from pipeline.report.plots.text_layout import figure_style, fit

_DPI = 150
# Inches. The figure grows from its smallest size until its boxes fit.
_SMALLEST, _GROWTH = (9.0, 7.0), 1.15
# Up to here it grows so that pictures come to lie near their places, and beyond only so that none covers another.
_LARGE, _LARGEST = 13.0, 60.0
_THUMBNAIL, _GAP, _NEAR = 1.1, 0.08, 0.9
_LEFT, _BOTTOM, _RIGHT, _TOP = 0.95, 0.75, 0.2, 0.5
_LABEL_SIZE, _LABEL_LINES, _LABEL_WIDTH = 7.5, 2, 1.25  # points, lines, inches
_LINE = 1.25 * _LABEL_SIZE / 72  # height of a line of a label, inches
_STEPS = 400


@dataclass(frozen=True)
class _Box:
    """A thumbnail with its label below; sizes in inches."""

    thumbnail: Picture
    label: str
    width: float
    height: float
    picture_width: float
    picture_height: float


def draw(placed: PictureMap, pictures: Sequence[Picture], *, judge: str) -> Figure:
    """Draw a map of pictures, style across and content up, 150 pixels an inch.

    Every place is a dot, which lies on its picture or is tied to it by a line where that had to be moved. The figure
    grows until no picture covers another.

    Args:
        pictures: uint8 (H, W, 3), in the map's order.
        judge: who saw the distances, for people.
    """
    with figure_style():
        boxes = [_box(name, picture) for name, picture in zip(placed.names, pictures, strict=True)]
        size, centers, dots = _lay_out(placed.places, boxes)
        figure = Figure(figsize=tuple(size), dpi=_DPI)
        inner = size - (_LEFT + _RIGHT, _BOTTOM + _TOP)
        axes = figure.add_axes((_LEFT / size[0], _BOTTOM / size[1], *(inner / size)))
        # Everything is laid out in inches; only the ticks speak of distances.
        axes.set(xlim=(0, inner[0]), ylim=(0, inner[1]), aspect="auto")
        for box, center, dot in zip(boxes, centers, dots, strict=True):
            _draw_box(axes, box, center, dot)
        _ticks(axes, placed.places, dots)
        letters = 9 * min(2.0, size[0] / _SMALLEST[0])  # so that a large figure can be read when it is shown small
        axes.tick_params(labelsize=letters)
        axes.set_title(f"Pictures by style and content, as {judge} sees them", fontsize=letters + 1)
        axes.set_xlabel(f"style: first principal coordinate ({placed.explained[0]:.0%} of the spread)", size=letters)
        axes.set_ylabel(f"content: first principal coordinate ({placed.explained[1]:.0%} of the spread)", size=letters)
    return figure


def _box(name: str, picture: Picture) -> _Box:
    label = fit(name, width=_LABEL_WIDTH * 72, size=_LABEL_SIZE, lines=_LABEL_LINES)
    thumbnail = resize(picture, round(_THUMBNAIL * _DPI))
    height, width = (side / _DPI for side in thumbnail.shape[:2])
    below = (label.count("\n") + 1) * _LINE + 0.04
    return _Box(thumbnail, label, max(width, _LABEL_WIDTH), height + below, width, height)


def _lay_out(
    places: NDArray[np.float64], boxes: Sequence[_Box]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Size of the figure, and centres of boxes and dots in its axes, all in inches."""
    sizes = np.array([(box.width, box.height) for box in boxes]) + _GAP
    size = np.array(_SMALLEST)
    while True:
        inner = size - (_LEFT + _RIGHT, _BOTTOM + _TOP)
        margin = sizes.max(axis=0) / 2
        spread = np.ptp(places, axis=0)
        share = np.where(spread > 0, (places - places.min(axis=0)) / np.where(spread > 0, spread, 1), 0.5)
        dots = margin + share * (inner - 2 * margin)
        centers, apart = move_apart(dots, sizes, inner)
        near = np.hypot(*(centers - dots).T).max() <= _NEAR
        if (apart and (near or size.max() > _LARGE)) or size.max() > _LARGEST:
            return size, centers, dots
        size = size * _GROWTH


def move_apart(
    wanted: NDArray[np.float64], sizes: NDArray[np.float64], area: NDArray[np.float64]
) -> tuple[NDArray[np.float64], bool]:
    """Move boxes, as little as pushing takes, until none covers another.

    The package adjustText moves texts alone, and may leave some that overlap.

    Args:
        wanted: centres (n, 2).
        sizes: width and height of each (n, 2).
        area: width and height of the area, from (0, 0), that they have to stay in.

    Returns:
        Centres (n, 2), and whether no two boxes overlap.
    """
    centers = wanted.copy()
    least = (sizes[:, None] + sizes[None]) / 2
    others = ~np.eye(len(sizes), dtype=bool)
    # Boxes at one place would be pushed along one line: where some cover each other they start from a sunflower.
    numbers = np.arange(len(sizes))
    sunflower = 0.02 * np.sqrt(numbers)[:, None] * np.stack([np.cos(2.4 * numbers), np.sin(2.4 * numbers)], axis=1)
    for step in range(_STEPS):
        centers = np.clip(centers, sizes / 2, area - sizes / 2)
        offsets = centers[:, None] - centers[None]
        overlaps = least - np.abs(offsets)
        covering = np.asarray((overlaps > 1e-6).all(axis=2)) & others
        if not covering.any():
            return centers, True
        if step == 0:
            crowded = np.asarray(covering.any(axis=1))
            centers = centers + sunflower * crowded[:, None]
            continue
        along_x = overlaps[..., 0] < overlaps[..., 1]
        pushes = np.stack([along_x, ~along_x], axis=2) * covering[..., None] * overlaps * np.sign(offsets)
        centers = centers + 0.35 * pushes.sum(axis=1)
    return centers, False


def _draw_box(axes: Axes, box: _Box, center: NDArray[np.float64], dot: NDArray[np.float64]) -> None:
    x, y = center
    left, top = x - box.picture_width / 2, y + box.height / 2
    bottom = top - box.picture_height
    covers_dot = abs(dot[0] - x) <= box.picture_width / 2 and bottom <= dot[1] <= top
    if not covers_dot:
        # To the nearest point of the frame, above whatever other picture the dot may lie on.
        nearest = np.clip(dot[0], left, left + box.picture_width), np.clip(dot[1], bottom, top)
        halo = [patheffects.withStroke(linewidth=2.4, foreground="white")]
        axes.plot(*zip(dot, nearest, strict=True), color="#D55E00", linewidth=1.0, zorder=4.5, path_effects=halo)
    # Of its place only the part that no picture covers would be seen, were it not above them all.
    axes.plot(*dot, "o", color="#D55E00", markeredgecolor="white", markersize=5, zorder=5)
    axes.imshow(
        box.thumbnail, extent=(left, left + box.picture_width, bottom, top), aspect="auto", zorder=3, origin="upper"
    )
    frame = Rectangle((left, bottom), box.picture_width, box.picture_height, fill=False, edgecolor="0.3", linewidth=0.6)
    frame.set_zorder(4)
    axes.add_patch(frame)
    text = axes.text(
        *(x, bottom - 0.03), box.label, fontsize=_LABEL_SIZE, ha="center", va="top", linespacing=1.1, parse_math=False
    )
    text.set(zorder=4.7, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.85})


def _ticks(axes: Axes, places: NDArray[np.float64], dots: NDArray[np.float64]) -> None:
    """Label both axes, laid out in inches, with the coordinates that they stand for."""
    for axis, column in ((axes.xaxis, 0), (axes.yaxis, 1)):
        low, high = int(np.argmin(places[:, column])), int(np.argmax(places[:, column]))
        first, last = places[low, column], places[high, column]
        if last <= first:
            axis.set_ticks([])
            continue
        inches = (dots[high, column] - dots[low, column]) / (last - first)
        values = MaxNLocator(7).tick_values(first, last)
        inside = [value for value in values if first - 1e-9 <= value <= last + 1e-9]
        axis.set_ticks(
            [dots[low, column] + (value - first) * inches for value in inside], [f"{value:.2g}" for value in inside]
        )
