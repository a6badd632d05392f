"""What a ratio of the weights of content and style trades, with whichever style loss."""

from __future__ import annotations

from functools import partial

from pipeline.papers.finding import Key
from pipeline.papers.judging import better_by, content_lost, style_left
from pipeline.papers.quantity import Quantity
from pipeline.papers.xu_studies import NOTICEABLE

_noticeably = partial(better_by, by=NOTICEABLE, against=NOTICEABLE)


def content_traded(smallest: Key, largest: Key) -> tuple[Quantity, ...]:
    """How much less of the content the largest of some ratios loses than the smallest."""
    name = "Content lost at the smallest ratio above that at the largest"
    return _noticeably(name, largest, smallest, kind=content_lost)


def style_traded(smallest: Key, largest: Key) -> tuple[Quantity, ...]:
    """How much more of the style the smallest of some ratios takes than the largest."""
    name = "Style left at the largest ratio above that at the smallest"
    return _noticeably(name, smallest, largest, kind=style_left)
