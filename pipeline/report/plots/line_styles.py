"""How a series is drawn: the same in every figure of a grid, and told apart without seeing all colours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

import numpy as np
from matplotlib.colors import to_hex, to_rgb

from nstcore.networks.backbones import BACKBONES
from pipeline.grid.backbone_labels import backbone_order
from pipeline.grid.series import Series, series_order

#: More lines than this cannot be told apart in one panel, whatever their styles.
MOST = 12

# Okabe and Ito, "Color Universal Design" (2008), without the yellow, which is too pale for a line on white.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))
# Not the triangle that points down: it marks what lies below an axis.
_MARKERS = ("o", "s", "^", "D", "P", "X", "*")


@dataclass(frozen=True)
class LineStyle:
    """Colour, dashes and marker of a line; `apart` unless it is one of those too many to tell apart."""

    color: str
    dash: Any
    marker: str
    apart: bool = True

    def line(self) -> dict[str, Any]:
        """Settings of a `Line2D`."""
        return {
            "color": self.color,
            "linestyle": self.dash,
            "marker": self.marker,
            "markersize": 4.5,
            "linewidth": 1.6 if self.apart else 0.6,
            "zorder": 2.0 if self.apart else 1.5,
        }


_TOO_MANY = LineStyle("#999999", "-", "", apart=False)


def line_styles(series: Iterable[Series]) -> dict[Series, LineStyle]:
    """The line style of each series, in their order.

    One setting of each backbone: colour, dashes and marker are the backbone's own, whichever others are there. Several
    settings of one backbone: each has its own colour and marker, from the eighth on with dashes too. Several of both:
    the colour is the backbone's, dashes and marker tell the setting, which is paler from the fifth on. Of more than
    `MOST` those stand out that lie evenly among their backbone's, the first and the last with them; the others are thin
    and grey.
    """
    ordered = sorted(set(series), key=series_order)
    ranks = _ranks(_standing_out(ordered))
    if not any(ranks.values()):
        found = {each: _of_backbone(each.backbone) for each in ranks}
    elif len({each.backbone for each in ranks}) == 1:
        found = {each: _line_style(rank, dash=rank // len(_COLORS)) for each, rank in ranks.items()}
    else:
        found = {each: _of_setting(_of_backbone(each.backbone), rank) for each, rank in ranks.items()}
    return {each: found.get(each, _TOO_MANY) for each in ordered}


def _standing_out(ordered: list[Series]) -> list[Series]:
    """At most `MOST`, shared out among the backbones: what one with few settings leaves goes to the others."""
    own = _by_backbone(ordered)
    kept: set[Series] = set()
    for left, mine in zip(range(len(own), 0, -1), sorted(own.values(), key=len), strict=True):
        share = min(len(mine), (MOST - len(kept)) // left)
        kept |= {mine[place] for place in np.linspace(0, len(mine) - 1, share).round().astype(int)}
    return [each for each in ordered if each in kept]


def _by_backbone(ordered: list[Series]) -> dict[str, list[Series]]:
    own: dict[str, list[Series]] = {}
    for each in ordered:
        own.setdefault(each.backbone, []).append(each)
    return own


def _ranks(ordered: list[Series]) -> dict[Series, int]:
    """The number of each series' setting: among all of them, or of its backbone alone where all are too many."""
    own = _by_backbone(ordered)
    settings = sorted({replace(each, backbone="") for each in ordered}, key=series_order)
    if len(settings) <= 2 * len(_DASHES):
        return {each: settings.index(replace(each, backbone="")) for each in ordered}
    return {each: own[each.backbone].index(each) for each in ordered}


def _of_backbone(backbone: str) -> LineStyle:
    known = backbone in BACKBONES
    return _line_style(backbone_order(backbone)[0] if known else len(BACKBONES) + crc32(ascii(backbone).encode()) % 24)


def _line_style(place: int, dash: int | None = None) -> LineStyle:
    dashes = _DASHES[(place if dash is None else dash) % len(_DASHES)]
    return LineStyle(_COLORS[place % len(_COLORS)], dashes, _MARKERS[place % len(_MARKERS)])


def _of_setting(line_style: LineStyle, rank: int) -> LineStyle:
    red, green, blue = ((1 + part) / 2 for part in to_rgb(line_style.color))
    marker, dash = _MARKERS[rank % len(_MARKERS)], _DASHES[rank % len(_DASHES)]
    return replace(
        line_style,
        dash=dash,
        marker=marker,
        color=to_hex((red, green, blue)) if rank // len(_DASHES) % 2 else line_style.color,
    )
