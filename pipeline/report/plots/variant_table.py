"""What a study varied as one table of pictures: the last thing it varied across, everything else down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.grid.series import Series
from pipeline.report.plots.image_grid import picture_table
from pipeline.report.plots.picture_table import draw_wall

_NOTHING: Mapping[Series, str] = MappingProxyType({})
_MOST_ACROSS = 12  # columns; more are a ribbon that no page is wide enough for


def variant_table(
    pictures: Mapping[Series, NDArray[np.uint8]],
    series: Sequence[Series],
    *,
    title: str,
    missing: Mapping[Series, str] = _NOTHING,
) -> Figure:
    """Lay out the pictures of one pair: a column per value of the last axis, a row per backbone and all other values.

    Where a study does not cross them all, because a case is for one backbone alone, everything stands in one row. More
    than 12 columns become a wall: line after line of pictures in the study's order, each with its name below.

    Args:
        pictures: uint8 (H, W, 3), RGB, by series.
        series: every series of the study, in its order; each with at least one thing that varies, all with the same.
        title: any text.
        missing: why a series has no picture.

    Raises:
        ValueError: for a series in which nothing varies.
    """
    if not all(each.variant for each in series):
        raise ValueError(f"every series must have a variant. Received: {[each.label for each in series]}")
    places = {each: (replace(each, variant=each.variant[:-1]).label, each.variant[-1][1]) for each in series}
    rows, columns = (list(dict.fromkeys(names)) for names in zip(*places.values(), strict=True))
    if len(places) < len(rows) * len(columns):
        places = {each: ("", each.label) for each in series}
        rows, columns = [""], [each.label for each in series]
    if len(columns) > _MOST_ACROSS:
        names = {each: each.label if len(rows) > 1 else places[each][1] for each in series}
        return draw_wall(
            {names[each]: picture for each, picture in pictures.items()},
            [*names.values()],
            title=" · ".join(filter(None, (title, *(rows if len(rows) == 1 else ()), series[0].variant[-1][0]))),
            missing={names[each]: reason for each, reason in missing.items()},
        )
    return picture_table(
        {places[each]: picture for each, picture in pictures.items()},
        rows=rows,
        columns=columns,
        title=title,
        column_title=series[0].variant[-1][0],
        missing={places[each]: reason for each, reason in missing.items()},
    )
