"""Log lines that say which cell they are about, and lines of JSON for those who collect them.

Every record of a process that imports this has an attribute `cell`, "" outside of one: a format may have %(cell)s.
Lines of JSON come from the formatter `tasks.logs.JsonLines`: examples/watching/logging.cfg tells Luigi of it.
"""

from __future__ import annotations

import contextvars
import datetime
import json
import logging
from typing import Any

_cell: contextvars.ContextVar[str] = contextvars.ContextVar("cell", default="")


def about(cell: str) -> None:
    """Let what is logged from now on be about a cell, or about none: ""."""
    _cell.set(cell)


def name_cells() -> None:
    """Give every record its cell, once."""
    make = logging.getLogRecordFactory()
    if not hasattr(make, "names_cells"):

        def make_with_cell(*arguments: Any, **others: Any) -> logging.LogRecord:
            record = make(*arguments, **others)
            record.cell = _cell.get()
            return record

        make_with_cell.names_cells = True  # type: ignore[attr-defined]
        logging.setLogRecordFactory(make_with_cell)


class JsonLines(logging.Formatter):
    """A line of JSON for each record: time (ISO 8601, UTC), level, logger, process, message, cell, and traceback."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line = {
            "time": time.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if cell := getattr(record, "cell", ""):
            line["cell"] = cell
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)  # in ASCII, which every file takes
