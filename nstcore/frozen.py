"""A mapping of settings that cannot change, and can be hashed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn


class FrozenSettings(dict[str, Any]):
    """Names and plain values, nested as in TOML or JSON; lists become tuples.

    A dictionary, so that it equals others and that JSON takes it, whose changes are refused.
    """

    def __init__(self, settings: Any = ()) -> None:
        super().__init__((name, _frozen(value)) for name, value in dict(settings).items())

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[type[FrozenSettings], tuple[dict[str, Any]]]:
        return FrozenSettings, (dict(self),)

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("settings cannot change; make others with dataclasses.replace")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse


def plain(value: Any) -> Any:
    """Settings as data for JSON."""
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, tuple) else value


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return FrozenSettings(value)
    if isinstance(value, list | tuple):
        return tuple(_frozen(each) for each in value)
    return value
