"""A map of pictures: each at a place that says how its style (across) and its content (up) differ from the others'."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nstcore.pictures.images import Picture
from nstcore.pictures.resizing import resize_to
from nstcore.system.files import encodable
from pipeline.measures import comparison, judges
from pipeline.measures.judges import Judge
from pipeline.report.spreadsheet import harmless

#: Where contents are compared: positions have to correspond, so every picture is brought to one square, pixels.
CONTENT_SIDE = 256


@dataclass(frozen=True)
class PictureMap:
    """Distances between n pictures and the places they give.

    Attributes:
        names: of the pictures, in the order of all arrays.
        style, content: distances (n, n) as `pipeline.measures.comparison` defines them, symmetric, 0 on the diagonal.
        places: (n, 2): first principal coordinate of the style distances, and of the content distances.
        explained: the share of each matrix' spread that its coordinate shows, 0 to 1.
    """

    names: tuple[str, ...]
    style: NDArray[np.float64]
    content: NDArray[np.float64]
    places: NDArray[np.float64]
    explained: tuple[float, float]

    def to_csv(self) -> str:
        """A row per picture: its name, its place, its style distance and its content distance to every picture."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        kinds = ("style", "content")
        head = [f"{kind} distance to {name}" for kind in kinds for name in self.names]
        writer.writerow(["picture", *(f"{kind} coordinate" for kind in kinds), *map(harmless, head)])
        for row, name in enumerate(self.names):
            numbers = (*self.places[row], *self.style[row], *self.content[row])
            writer.writerow([harmless(name), *(round(float(number), 6) for number in numbers)])
        return encodable(text.getvalue())


def map_pictures(pictures: Sequence[tuple[str, Picture]], judge: Judge) -> PictureMap:
    """Compare every two of some pictures, as a judge sees them, and place them.

    Args:
        pictures: names and uint8 (H, W, 3) pictures of any sizes, sides >= 32.

    Raises:
        WeightsError: if the judge's weights cannot be had.
        MemoryShortageError: if the pictures are too large for the memory that is free.
    """
    judges.require_memory(*(picture for _, picture in pictures))
    # No more than the Gram matrices, whose size is the network's: the pictures may be many and large.
    grams = [judges.features_of(judge, picture).grams for _, picture in pictures]
    squares = [
        judges.features_of(judge, resize_to(picture, CONTENT_SIDE, CONTENT_SIDE)).content for _, picture in pictures
    ]
    style, content = np.zeros((2, len(pictures), len(pictures)))
    for a, b in zip(*np.triu_indices(len(pictures), 1), strict=True):
        style[a, b] = style[b, a] = comparison.style_distance(grams[a], grams[b])
        content[a, b] = content[b, a] = comparison.content_distance(squares[a], squares[b])
    (across, seen_across), (up, seen_up) = principal_coordinate(style), principal_coordinate(content)
    names = tuple(name for name, _ in pictures)
    return PictureMap(names, style, content, np.stack([across, up], axis=1), (seen_across, seen_up))


def principal_coordinate(distances: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """The line on which points with these distances lie farthest apart (classical scaling, Torgerson 1952).

    Args:
        distances: (n, n), symmetric.

    Returns:
        The coordinate of each point, (n,), with mean 0 and the entry of greatest size positive, in the unit of the
        distances; and the share of all spread that it shows, 0 to 1 (1 where there is none).
    """
    squared = np.square(distances)
    centerd = -0.5 * (squared - squared.mean(axis=0) - squared.mean(axis=1)[:, None] + squared.mean())
    values, vectors = np.linalg.eigh(centerd)
    spread = float(np.clip(values, 0, None).sum())
    if spread <= 1e-12:
        return np.zeros(len(distances)), 1.0
    coordinate = vectors[:, -1] * np.sqrt(max(values[-1], 0.0))
    # An eigenvector has no sign of its own: without this, the map could be mirrored from machine to machine.
    greatest = coordinate[np.argmax(np.abs(coordinate).round(9))]
    return coordinate * np.sign(greatest), float(values[-1] / spread)
