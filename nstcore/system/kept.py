"""What a process keeps because it may be asked for again, and how it is let go where memory runs out."""

from __future__ import annotations

from typing import Any, TypeVar

_Cached = TypeVar("_Cached")

_KEPT: list[Any] = []


def droppable(cached: _Cached) -> _Cached:
    """Above `lru_cache`: what the function keeps holds memory that `drop_kept` may give back."""
    _KEPT.append(cached)
    return cached


def drop_kept() -> None:
    """Let go of all that droppable functions keep; what is asked for again is made again."""
    for cached in _KEPT:
        cached.cache_clear()
