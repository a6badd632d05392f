"""Letters in figures: any name is drawn as it is, never read as a formula, and kept inside its place."""

from __future__ import annotations

import logging
import re
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

from matplotlib import font_manager, rc_context
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

# The families below are asked for letters, and those that have no bold for bold ones too. Matplotlib warns of that many
# times a run, and nobody can do anything about it.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)

#: Of ordinary text, in points.
FONT_SIZE = 9.0

# Comes with Matplotlib, so that figures look the same everywhere.
_FIRST = "DejaVu Sans"
# Asked, where installed, for the letters the first lacks (Chinese, Japanese, Korean, Indian scripts, …).
_OTHERS = (
    *("Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans JP", "Noto Sans SC", "Noto Sans KR", "Source Han Sans"),
    *("WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback", "Unifont", "Noto Sans Devanagari"),
    *("Arial Unicode MS", "Hiragino Sans", "PingFang SC", "Yu Gothic", "Microsoft YaHei", "Malgun Gothic", "FreeSans"),
)


@cache
def families() -> tuple[str, ...]:
    """The font families to draw with, in the order in which a letter is looked for."""
    installed = set(font_manager.get_font_names())
    return (_FIRST, *(family for family in _OTHERS if family in installed))


def figure_style() -> AbstractContextManager[None]:
    """Settings of a figure while it is built and while it is written, whatever the user's matplotlibrc says."""
    return rc_context(
        {
            "font.family": list(families()),
            "font.size": FONT_SIZE,
            "text.hinting": "none",  # or letters are moved to whole pixels and lines get wider than measured
            "text.usetex": False,
            "savefig.bbox": None,
            "savefig.transparent": False,
            "savefig.facecolor": "auto",
            "svg.fonttype": "path",
            "svg.hashsalt": "nst",  # without it identifiers inside an SVG are random
        }
    )


@cache
def _letters() -> frozenset[int]:
    """The letters there are both in ordinary and in bold type, which lacks some."""

    def found(weight: str) -> set[int]:
        properties = (FontProperties(family=family, weight=weight) for family in families())
        fonts: list[Any] = [font_manager.get_font(font_manager.findfont(each)) for each in properties]
        return {letter for font in fonts for letter in font.get_charmap()}

    return frozenset(found("normal") & found("bold"))


def drawable(text: str) -> str:
    """The text on one line, with escapes (such as \\n or \\u65e5) for what is invisible or in no installed font.

    An escape keeps two names apart, where the box that fonts have for unknown letters would make them look alike.
    """
    return "".join(
        char if char.isprintable() and ord(char) in _letters() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


@cache
def _advance(char: str) -> float:
    """Width of one letter in units of the font size.

    It is found between two bars: a space alone has none, and letters are moved closer to some letters.
    """
    font = FontProperties(family=list(families()), size=100)
    with_it, without = (text_to_path.get_text_width_height_descent(s, font, False)[0] for s in (f"|{char}|", "||"))
    return float(with_it - without) / 100


def measure(text: str, size: float) -> float:
    """Width of one drawable line, in the unit of the font's `size`."""
    return size * sum(map(_advance, text))


def fit(text: str, *, width: float, size: float, lines: int) -> str:
    """Break a text into at most `lines` lines, and leave out its middle (…) if that is not enough.

    Lines break at spaces, after hyphens and underscores, and in the middle of a word that is wider than a line.

    Args:
        text: any text.
        width: the width of a line, in the unit of `size`.
        size: of the font.
        lines: at least 1.

    Returns:
        Drawable text whose lines are joined by a line break.
    """
    whole = drawable(text)
    broken = _break(whole, width, size)
    if len(broken) <= lines:
        return "\n".join(broken)
    least, most = 0, len(whole)
    while most - least > 1:
        kept = (least + most) // 2
        least, most = (kept, most) if len(_break(_shorten(whole, kept), width, size)) <= lines else (least, kept)
    return "\n".join(_break(_shorten(whole, least), width, size)[:lines])


def _shorten(text: str, kept: int) -> str:
    tail = kept // 2
    return f"{text[: kept - tail]}…{text[len(text) - tail :]}"


def _break(text: str, width: float, size: float) -> list[str]:
    rows = [""]
    for piece in re.findall(r"\s+|[^\s_-]*[_-]|[^\s_-]+", text):
        if measure(rows[-1] + piece.rstrip(), size) <= width:
            rows[-1] += piece
            continue
        if rows[-1].strip():
            rows.append("")
        for char in piece.lstrip():
            if rows[-1] and measure(rows[-1] + char, size) > width:
                rows.append("")
            rows[-1] += char
    return [row.strip() for row in rows]
