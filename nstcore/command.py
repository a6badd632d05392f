"""What the commands have in common: bad input ends in one line on stderr and exit status 2, and leaves nothing."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from nstcore.errors import OutputError, StyleTransferError
from nstcore.quiet import quiet_tensorflow, quiet_warnings

_BAD_INPUT = 2
_INTERRUPTED = 130


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line, without the usage text before them."""

    def error(self, message: str) -> NoReturn:
        self.exit(_BAD_INPUT, f"{self.prog}: {message}\n")


def run_command(command: Callable[[argparse.Namespace], None], options: argparse.Namespace, name: str) -> int:
    """Run a command; the exit status is 0, 2 for bad input (with one line on stderr), or 130 when interrupted.

    Args:
        name: what its lines on stderr begin with.
    """
    quiet_tensorflow()
    try:
        with quiet_warnings():
            command(options)
    except (StyleTransferError, OSError) as error:
        # A path may hold a line break; the message is one line all the same.
        print(f"{name}:", r"\n".join(str(error).splitlines()), file=sys.stderr)
        return _BAD_INPUT
    except KeyboardInterrupt:
        print(f"{name}: interrupted; nothing written", file=sys.stderr)
        return _INTERRUPTED
    return 0


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
