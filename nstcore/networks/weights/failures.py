"""What went wrong with one source, brought to one line."""

from __future__ import annotations

_LONGEST = 300


class SourceError(Exception):
    """One source of weights failed; the message is the reason, and the next source is tried."""


def one_line(reason: object) -> str:
    """Bring a message of any length to one line of at most 300 characters."""
    text = " ".join(str(reason).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
