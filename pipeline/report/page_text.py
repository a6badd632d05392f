"""How a report's page writes values: URLs, numbers, durations, settings."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote


def url(path: str) -> str:
    """A relative path as a relative URL: every byte but letters, digits, "/", "-", "_", "." and "~" is quoted."""
    quoted = quote(os.fsencode(path), safe="/")
    return f".{quoted}" if quoted.startswith("/") else quoted  # "//host" would leave the folder


def setting(value: object) -> str:
    """A setting as one line; sequences are joined by commas."""
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes):
        return ", ".join(map(str, sorted(value, key=str) if isinstance(value, set | frozenset) else value))
    return "" if value is None else str(value)


def is_doubt(note: str) -> bool:
    """Whether what is said of a set of weights means that its pictures are not those of the network."""
    return note.lower().startswith(("stand-in", "random"))


def percent(share: Any) -> str:
    """A share as a percentage with two decimals; "–" for what is unknown."""
    return f"{100 * share:.2f} %" if isinstance(share, int | float) else "–"


def duration(seconds: Any) -> str:
    """Seconds as people say them, those below one in milliseconds; "–" for what is unknown."""
    if not isinstance(seconds, int | float) or not math.isfinite(seconds):
        return "–"
    if seconds < 0.9995:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def loss(value: Any) -> str:
    """A loss with four digits; "–" for what is unknown."""
    return f"{value:.4g}" if isinstance(value, int | float) and math.isfinite(value) else "–"


def times(ratio: Any) -> str:
    """A ratio; "–" for what is unknown."""
    return f"{ratio:.2f} ×" if isinstance(ratio, int | float) and math.isfinite(ratio) else "–"
