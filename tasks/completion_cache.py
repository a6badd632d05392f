"""Whether a whole study is done is asked of many tasks that share dependencies: each of those is looked up once.

Only within `completions_remembered`, which lasts as long as the question: Luigi asks again and again while things
change.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Hashable, Iterator
from typing import Any, ParamSpec, TypeVar

from pipeline.storage.glance import glancing

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

_seen: dict[Hashable, Any] | None = None


@contextlib.contextmanager
def completions_remembered() -> Iterator[None]:
    """Remember what `remembered` finds until the block ends. A block within another belongs to it."""
    global _seen
    if _seen is not None:
        yield
        return
    _seen = {}
    try:
        with glancing():
            yield
    finally:
        _seen = None


def remembered(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Call a function or method once per arguments within one question, and as often as asked outside of one."""

    @functools.wraps(function)
    def look_up(*arguments: _Arguments.args, **others: _Arguments.kwargs) -> _Result:
        if _seen is None:
            return function(*arguments, **others)
        key = (function, *arguments)
        if key not in _seen:
            _seen[key] = function(*arguments, **others)
        found: _Result = _seen[key]
        return found

    return look_up
