"""The errors a person can cause or mend. Commands print them as one line; all else is a bug and keeps its traceback."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable


class StyleTransferError(Exception):
    """Base of every error whose message is meant for the person running the project."""


class ConfigError(StyleTransferError, ValueError):
    """A setting is unknown, out of range or contradicts another."""


class IdleSettingError(ConfigError):
    """A setting does nothing beside the others.

    Attributes:
        setting: its name.
        instead: a value that does the same, and is allowed.
    """

    def __init__(self, message: str, setting: str, instead: object) -> None:
        super().__init__(message)
        self.setting, self.instead = setting, instead

    def __reduce__(self) -> tuple[type[IdleSettingError], tuple[str, str, object]]:
        return type(self), (str(self), self.setting, self.instead)


class PictureError(StyleTransferError, ValueError):
    """A picture is missing, unreadable or too small."""


class InputError(StyleTransferError, OSError):
    """A file that is neither a picture nor weights cannot be read."""


class OutputError(StyleTransferError, OSError):
    """A file cannot be written."""


class WeightsError(StyleTransferError, RuntimeError):
    """Trained weights cannot be found, fetched or fitted to their network."""


class NetworkFileError(StyleTransferError, RuntimeError):
    """A file is no feed-forward network of this project, or is damaged."""


class MemoryShortageError(StyleTransferError, MemoryError):
    """A picture is too large for the memory that is free."""


class DivergenceError(StyleTransferError, ArithmeticError):
    """A loss became NaN or infinite during optimisation."""


def one_line(error: object) -> str:
    """What an error says, on one line: a path or a name in it may hold a line break."""
    return r"\n".join(str(error).splitlines())


def received(value: object) -> str:
    """A value as messages quote it: on one line and of readable length, whatever was given."""
    return " ".join(_SHORT.repr(value).split("\n"))


def received_names(names: Iterable[object]) -> str:
    """Names as messages list them: those of other people's files may hold line breaks, or be long."""
    return ", ".join(name if isinstance(name, str) and _is_plain(name) else received(name) for name in names)


def _is_plain(name: str) -> bool:
    return name.isprintable() and len(name) <= _LONGEST_NAME


class _Short(reprlib.Repr):
    """Shortens long and deep values. Ordinary ones come out as `repr` writes them."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxtuple = self.maxlist = self.maxdict = self.maxset = self.maxfrozenset = 20
        self.maxstring = self.maxother = 300
        self.maxlong = 40

    def repr_int(self, number: int, level: int) -> str:
        # Python refuses to write out numbers of more than a few thousand digits.
        return super().repr_int(number, level) if number.bit_length() < 4096 else "a whole number of over 1000 digits"


_SHORT = _Short()
_LONGEST_NAME = 100
