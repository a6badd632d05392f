"""The standard streams of a command, which may be closed, broken, full, or of an encoding without our letters.

Services start programs without them, and a reader such as `head` goes before the program has ended. None of that is a
reason to lose a picture: what cannot be said is left unsaid, and what was made stays made.
"""

from __future__ import annotations

import atexit
import functools
import io
import os
import sys
from typing import TextIO

from nstcore.errors import OutputError
from nstcore.system.files import encodable
from nstcore.system.refusals import why


@functools.cache
def prepare_streams() -> None:
    """See that all three streams exist, and that none that is broken spoils the end of the process."""
    _fill_descriptors()
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # Opened anew: its descriptor was free when Python started, and may be another file's by now.
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - open as long as the process
    atexit.register(_settle)


def say(text: str) -> None:
    """Print a line of a command's answer on standard output. A reader that has gone had read enough.

    Raises:
        OutputError: if it cannot be written for any other reason.
    """
    _allow_any_letter(sys.stdout)
    try:
        print(encodable(text), flush=True)
    except BrokenPipeError:
        _divert(sys.stdout)
    except OSError as error:
        _divert(sys.stdout)
        raise OutputError(f"standard output: cannot be written ({why(error)}); send it elsewhere") from error


def tell(text: str) -> None:
    """Print a line on standard error, if that can be; the exit status says the most important of it, too."""
    _allow_any_letter(sys.stderr)
    try:
        print(encodable(text), file=sys.stderr, flush=True)
    except OSError:
        _divert(sys.stderr)


def _fill_descriptors() -> None:
    """Open those of the descriptors 0, 1 and 2 that are closed.

    Otherwise the next file would get one of them, and what a compiled library has to say would be written into it.
    """
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        os.set_inheritable(descriptor, True)
        descriptor = os.open(os.devnull, os.O_RDWR)
    os.close(descriptor)


def _allow_any_letter(stream: TextIO) -> None:
    r"""Let what an encoding lacks become \xe9. A file name may hold anything."""
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        stream.reconfigure(errors="backslashreplace")


def _settle() -> None:
    """Write what is left to write. Where that fails, Python at its end would print more and change the exit status."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            _divert(stream)
        except ValueError:  # closed by someone
            continue


def _divert(stream: TextIO) -> None:
    """Let all that a stream still holds, and all that comes, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
