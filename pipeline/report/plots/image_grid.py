"""The pictures of one series or of one study as a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.report.plots.picture_table import Heads, draw_table

_NOTHING: Mapping[tuple[str, str], str] = MappingProxyType({})


def image_grid(
    pictures: Mapping[tuple[str, str], NDArray[np.uint8]],
    *,
    contents: Mapping[str, NDArray[np.uint8]],
    styles: Mapping[str, NDArray[np.uint8]],
    title: str,
    missing: Mapping[tuple[str, str], str] = _NOTHING,
) -> Figure:
    """Lay out results as a table with the style pictures above and the content pictures at the left, sorted by name.

    Every picture is brought to one longest side, that of the largest result, and drawn pixel by pixel: a result of
    that size is in the saved PNG unchanged. Where the table would be longer than 4096 pixels all are made smaller.

    Args:
        pictures: results by (content name, style name), uint8 (H, W, 3), RGB.
        contents: content pictures by name, likewise.
        styles: style pictures by name, likewise.
        title: any text; drawn literally, as are all names.
        missing: why a pair has no picture; shown in its cell. Names that occur only here or in `pictures` get a row
            or column too.

    Returns:
        A figure with 128 pixels an inch. Save it at that resolution (`pipeline.report.plots.save` does).

    Raises:
        PictureError: if an array is no picture.
    """
    pairs = {*pictures, *missing}
    rows = sorted({*contents, *(content for content, _ in pairs)})
    columns = sorted({*styles, *(style for _, style in pairs)})
    heads = Heads(
        rows, columns, row_title="content", column_title="style", row_pictures=contents, column_pictures=styles
    )
    return draw_table(pictures, heads, title=title, missing=missing)


def picture_table(
    pictures: Mapping[tuple[str, str], NDArray[np.uint8]],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    row_title: str = "",
    column_title: str = "",
    missing: Mapping[tuple[str, str], str] = _NOTHING,
) -> Figure:
    """Lay out the pictures of a study as a table, as in a paper's figure: style layers × α/β, for example.

    Sizes are as in `image_grid`.

    Args:
        pictures: by (row, column), uint8 (H, W, 3), RGB.
        rows, columns: their names in the order they are to stand in; any text, each different from the others.
        title: any text; drawn literally, as are all names.
        row_title, column_title: what the names are, such as "style layers"; "" for nothing.
        missing: why there is no picture; shown in its place.

    Returns:
        A figure with 128 pixels an inch.

    Raises:
        ValueError: for a name that is there twice, or a picture of a row or column that is not there.
        PictureError: if an array is no picture.
    """
    for kind, names in (("rows", rows), ("columns", columns)):
        if len(set(names)) != len(names):
            raise ValueError(f"{kind} must be different names. Received: {kind}={list(names)}")
    strangers = [pair for pair in (*pictures, *missing) if pair[0] not in rows or pair[1] not in columns]
    if strangers:
        raise ValueError(
            f"pictures and missing must be of rows {list(rows)} and columns {list(columns)}. Received: {strangers[0]}"
        )
    heads = Heads(rows, columns, row_title, column_title)
    return draw_table(pictures, heads, title=title, missing=missing)
