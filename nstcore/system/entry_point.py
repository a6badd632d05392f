"""What the commands have in common: bad input ends in one line on stderr and exit status 2, and leaves nothing."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

from nstcore.errors import one_line
from nstcore.system.interruption import ended_by_interrupt, how_ended, status_of
from nstcore.system.quiet import quiet_matplotlib, quiet_tensorflow, quiet_warnings
from nstcore.system.refusals import told
from nstcore.system.streams import prepare_streams, tell

BAD_INPUT = 2


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line, without the usage text before them."""

    def parse_args(self, *arguments: Any, **others: Any) -> Any:
        """Parse the command line; help and errors need the standard streams, so they are seen to first."""
        prepare_streams()
        found = super().parse_args(*arguments, **others)
        for action in self._actions:
            # Of "--" in the place of a word argparse makes an empty list.
            if not action.option_strings and action.nargs is None and isinstance(getattr(found, action.dest), list):
                self.error(f"{action.metavar or action.dest} cannot be --; write ./--")
        return found

    def error(self, message: str) -> NoReturn:
        tell(f"{self.prog}: {one_line(message)}")
        self.exit(BAD_INPUT)


def run_command(
    command: Callable[[argparse.Namespace], int | None],
    options: argparse.Namespace,
    name: str,
    left: Callable[[], str] = lambda: "nothing written",
) -> int:
    """Run a command; the exit status is its own (None: 0), 2 for bad input (one line on stderr), 130 or 143 when ended.

    Args:
        name: what its lines on stderr begin with.
        left: says what an interruption leaves.
    """
    quiet_tensorflow()
    quiet_matplotlib()
    if wrong := _with_null(options):
        tell(f"{name}: {wrong} has a null character, which no path and no name can have")
        return BAD_INPUT
    try:
        with ended_by_interrupt(lambda: f"{name}: {how_ended()}; {left()}"), quiet_warnings():
            return command(options) or 0
    except Exception as error:
        line = told(error)
        if not line:
            raise
        tell(f"{name}: {line}")
        return BAD_INPUT
    except KeyboardInterrupt as interrupt:
        return status_of(interrupt)


def _with_null(options: argparse.Namespace) -> str:
    """The first option whose text no system call takes, however far it comes; "" if there is none."""
    for name, value in vars(options).items():
        texts = value if isinstance(value, list | tuple) else [value]
        if any(isinstance(text, str) and "\0" in text for text in texts):
            return name.replace("_", "-")
    return ""
