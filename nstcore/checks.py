"""Values that people give, checked: one place for Python, TOML, JSON and flags."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from nstcore.errors import ConfigError, received, received_names

#: What counts sizes and iterations on any device: 32 bits with a sign.
LARGEST = 2**31 - 1


def expected(name: str, what: str, value: object) -> str:
    """What is said of a value that cannot be."""
    return f"{name} must be {what}. Received: {name}={received(value)}"


def named_settings(name: str, settings: object, known: Sequence[str]) -> Mapping[str, Any]:
    """See that settings have names, all of them known ones. Whether their values can be is for others to say.

    Raises:
        ConfigError: if they are no mapping, or listing the known names.
    """
    if not isinstance(settings, Mapping):
        raise ConfigError(expected(name, "names with values", settings))
    unknown = [each for each in settings if each not in known]
    if unknown:
        of = "" if name == "settings" else f" of {name}"
        raise ConfigError(
            f"unknown setting{of}; expected some of {', '.join(known)}. Received: {received_names(unknown)}"
        )
    return settings


def sequence(name: str, value: object, what: str) -> Sequence[Any]:
    """See that a value is a sequence, and no text.

    Raises:
        ConfigError: if it is not. A set has no order, and an iterator can be read but once.
    """
    if isinstance(value, str | bytes | bytearray | memoryview) or not isinstance(value, Sequence):
        raise ConfigError(expected(name, what, value))
    return value


def whole_number(name: str, value: object, least: int, why: str = "", most: int = LARGEST) -> None:
    """See that a value is a whole number that is neither too small nor too large, at most what any device can count.

    Raises:
        ConfigError: if it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        limit = f" and <= {most}" if isinstance(value, int) and value > most else ""
        raise ConfigError(expected(name, f"a whole number >= {least}{limit}{why}", value))


def path_text(name: str, value: object, what: str) -> None:
    """See that a value is a text that can name a file.

    Raises:
        ConfigError: if it is not.
    """
    if not isinstance(value, str) or not value or "\0" in value:
        raise ConfigError(expected(name, what, value))


def number(
    name: str, value: object, *, above: float | None = None, below: float = math.inf, most: float = math.inf
) -> float:
    """Give a value as a float, having seen that it is a finite number >= 0, or > `above`, < `below` and <= `most`.

    `above=-math.inf` allows every finite number.

    Raises:
        ConfigError: if it is not.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):  # a whole number may be larger than any float
            real = float(value)
            if math.isfinite(real) and (real >= 0 if above is None else real > above) and real < below and real <= most:
                return real
    limits = [">= 0" if above is None else f"> {above:g}"] if above != -math.inf else []
    limits += [f"< {below:g}"] if below < math.inf else []
    limits += [f"<= {most:g}"] if most < math.inf else []
    raise ConfigError(expected(name, " ".join(["a finite number", " and ".join(limits)]).rstrip(), value))


def true_or_false(name: str, value: object) -> None:
    """See that a value is a boolean.

    Raises:
        ConfigError: if it is not.
    """
    if not isinstance(value, bool):
        raise ConfigError(expected(name, "true or false", value))


def choice(name: str, value: object, allowed: Sequence[str]) -> None:
    """See that a value is one of some words.

    Raises:
        ConfigError: if it is not, listing them.
    """
    if not isinstance(value, str) or value not in allowed:
        raise ConfigError(expected(name, f"one of {', '.join(allowed)}", value))


def layer_names(name: str, value: object) -> tuple[str, ...]:
    """Give names of layers as a tuple, having seen that they are different texts.

    Raises:
        ConfigError: if they are not.
    """
    layers = tuple(sequence(name, value, "a sequence of layer names"))
    if not all(isinstance(layer, str) for layer in layers):
        raise ConfigError(expected(name, "a sequence of layer names", layers))
    if len(set(layers)) != len(layers):
        raise ConfigError(expected(name, "different layer names", layers))
    return layers
