"""What the commands have in common: bad input ends in one line on stderr and exit status 2, and leaves nothing."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from nstcore.errors import OutputError, StyleTransferError, one_line
from nstcore.files import encodable
from nstcore.interruption import INTERRUPTED, ended_by_interrupt
from nstcore.quiet import quiet_tensorflow, quiet_warnings

BAD_INPUT = 2


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line, without the usage text before them."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {encodable(one_line(message))}\n")


def run_command(command: Callable[[argparse.Namespace], None], options: argparse.Namespace, name: str) -> int:
    """Run a command; the exit status is 0, 2 for bad input (with one line on stderr), or 130 when interrupted.

    Args:
        name: what its lines on stderr begin with.
    """
    quiet_tensorflow()
    _write_any_text()
    try:
        with ended_by_interrupt(lambda: f"{name}: interrupted; nothing written"), quiet_warnings():
            command(options)
    except (StyleTransferError, OSError) as error:
        print(f"{name}: {encodable(one_line(error))}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _write_any_text() -> None:
    """Have the streams escape what their encoding lacks: a name must not end a run that has just succeeded."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def require_folder(path: str | os.PathLike[str]) -> None:
    """See that a file can be written at a place.

    Raises:
        OutputError: if its folder does not exist, or a folder is there.
    """
    folder = Path(path).parent
    if not folder.is_dir():
        raise OutputError(f"{path}: the folder {folder} does not exist; make it first")
    if Path(path).is_dir():
        raise OutputError(f"{path}: is a folder; name a file")
