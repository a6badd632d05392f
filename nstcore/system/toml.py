"""TOML, read in a time that goes with its length."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from nstcore.errors import ConfigError

# Python's reader takes the square of the number of parts of a name such as a.b.c: hours for a file of a megabyte.
_MOST_PARTS = 200
# What ends a name; blanks may stand around its dots, and are left out before.
_BETWEEN_NAMES = re.compile(r"[=,{}\[\]#\n]")


def read_toml(text: str) -> dict[str, Any]:
    """The tables of a text.

    Raises:
        ConfigError: if a name has more parts than any setting.
        ValueError, RecursionError: if it is no TOML, or nested too deeply.
    """
    if any(part.count(".") > _MOST_PARTS for part in _BETWEEN_NAMES.split(text.replace(" ", "").replace("\t", ""))):
        raise ConfigError(f"a name or text with more than {_MOST_PARTS} dots is nothing that can be set")
    return tomllib.loads(text)
