"""What a ratio of the weights of content and style trades, with whichever style loss."""

from __future__ import annotations

from pipeline.papers.finding import Key
from pipeline.papers.judging import by_looks, content_lost, style_left
from pipeline.papers.quantity import Quantity, at_least, at_most
from pipeline.papers.xu_studies import NOTICEABLE


def content_traded(smallest: Key, largest: Key) -> tuple[Quantity, ...]:
    """How much less of the content the largest of some ratios loses than the smallest."""
    return by_looks(
        "Content lost at the smallest ratio above that at the largest",
        lambda view, judge: content_lost(view[smallest], judge) - content_lost(view[largest], judge),
        at_least(NOTICEABLE),
        at_most(-NOTICEABLE),
    )


def style_traded(smallest: Key, largest: Key) -> tuple[Quantity, ...]:
    """How much more of the style the smallest of some ratios takes than the largest."""
    return by_looks(
        "Style left at the largest ratio above that at the smallest",
        lambda view, judge: style_left(view[largest], judge) - style_left(view[smallest], judge),
        at_least(NOTICEABLE),
        at_most(-NOTICEABLE),
    )
