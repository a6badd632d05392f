"""What the commands have in common: bad input ends in one line on stderr and exit status 2, and leaves nothing."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

from nstcore.errors import StyleTransferError, one_line
from nstcore.system.interruption import INTERRUPTED, ended_by_interrupt
from nstcore.system.quiet import quiet_matplotlib, quiet_tensorflow, quiet_warnings
from nstcore.system.refusals import told
from nstcore.system.streams import prepare_streams, tell

BAD_INPUT = 2


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line, without the usage text before them."""

    def parse_args(self, *arguments: Any, **others: Any) -> Any:
        """Parse the command line; help and errors need the standard streams, so they are seen to first."""
        prepare_streams()
        return super().parse_args(*arguments, **others)

    def error(self, message: str) -> NoReturn:
        tell(f"{self.prog}: {one_line(message)}")
        self.exit(BAD_INPUT)


def run_command(command: Callable[[argparse.Namespace], None], options: argparse.Namespace, name: str) -> int:
    """Run a command; the exit status is 0, 2 for bad input (with one line on stderr), or 130 when interrupted.

    Args:
        name: what its lines on stderr begin with.
    """
    quiet_tensorflow()
    quiet_matplotlib()
    try:
        with ended_by_interrupt(lambda: f"{name}: interrupted; nothing written"), quiet_warnings():
            command(options)
    except (StyleTransferError, OSError) as error:
        tell(f"{name}: {told(error)}")
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0
