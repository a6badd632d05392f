"""What registries name, imported when it is asked for: a run uses few of the things that there are."""

from __future__ import annotations

import importlib
from typing import TypeVar, cast

_Member = TypeVar("_Member")


def imported(member: str | _Member) -> _Member:
    """What a registry has under a name: it itself, or what "module:member" leads to."""
    if not isinstance(member, str):
        return member
    module, _, name = member.partition(":")
    return cast(_Member, getattr(importlib.import_module(module), name))
