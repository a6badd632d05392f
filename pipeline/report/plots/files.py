"""Figures to files."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from nstcore.system.files import write_whole
from pipeline.report.plots.text_layout import figure_style

_FORMATS: dict[str, dict[str, Any]] = {".png": {"Software": None}, ".svg": {"Creator": None, "Date": None}}


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write what `encode` gives for the suffix of `path`.

    The file is whole or absent: it is written beside its place and renamed into it. Its folder must exist.

    Raises:
        ValueError: for another suffix.
        OutputError: if the place cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise ValueError(f"path must end in {' or '.join(_FORMATS)}. Received: path={str(path)!r}")
    write_whole(path, encode(figure, suffix))


def encode(figure: Figure, suffix: str) -> bytes:
    """A figure as the bytes of a PNG or SVG file, at its own resolution.

    The same data gives the same bytes (with the same Matplotlib and fonts): no date and no program name is in them.

    Args:
        suffix: ".png" or ".svg".
    """
    encoded = io.BytesIO()
    with figure_style():
        figure.savefig(encoded, format=suffix[1:], dpi="figure", metadata=_FORMATS[suffix])
    return encoded.getvalue()
