"""Texts in tables that people open with a spreadsheet."""

from __future__ import annotations

from typing import Any

# What makes a spreadsheet read a text as a formula (OWASP, "CSV Injection"), the full-width forms included.
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")


def harmless(value: Any) -> Any:
    """A value for a CSV file: numbers as they are, nothing for None, and no text that would be run as a formula.

    A text that starts with = + - @, a tab or a line break gets an apostrophe in front, as does one that starts with an
    apostrophe, so that taking one leading apostrophe off any text gives back the data.
    """
    if value is None or isinstance(value, int | float):
        return "" if value is None else value
    text = str(value)
    return f"'{text}" if text.startswith((*_FORMULA_STARTS, "'")) else text
