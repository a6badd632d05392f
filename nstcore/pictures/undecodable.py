"""Why a file cannot be decoded, without its name: `images` knows that and puts it before the message."""

from __future__ import annotations


class UndecodableError(Exception):
    """The bytes are no picture we can show. The message says what is wrong, then what to do."""


class TooLargeError(UndecodableError):
    """The picture is whole, but there is not the memory to read it."""
