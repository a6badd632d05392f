"""The command `nst`: other verbs compare pictures, list names, or look after an output folder; else a transfer.

This module imports nothing but Python's own: what a command needs takes up to a second, in which Ctrl-C is to end it
with a line too.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import Any

_EPILOG = """other commands:
  nst train STYLE -o NETWORK.keras --photographs DIR
                     a network that renders any picture in a style in a moment
  nst apply NETWORK.keras PICTURE -o DIR
                     pictures in the style that a network has learned, at once
  nst export NETWORK.keras -o FILE
                     such a network for other programs (TensorFlow Lite, ONNX)
  nst measure A B    how far two pictures are apart in style, content and colour
  nst map FOLDER     the pictures of a folder placed by style and content distance
  nst film CELL      a film of the snapshots that a cell of a grid keeps
  nst votes FILE     what people prefer, from votes cast on the page of a grid
  nst layers NAME    the layers of a backbone that settings can name
  nst presets        named settings, and where they come from
  nst status OUTPUTS how the studies of an output folder stand
  nst check OUTPUTS  every file of an output folder, compared with what was written
  nst gc OUTPUTS     what of an output folder nothing needs any more
  nst fetch ADDRESS FOLDER
                     a report that lies on S3, with all that its page shows

Each has its own --help. A content picture named as one of them is given as ./measure and so on.
"""

# By the first word: a module, what it reads the words with, what it does, and, where an interruption leaves more than
# nothing, what says so.
_COMMANDS = {
    "train": ("nstcore.feedforward.train_command", "parser", "train_command", "left"),
    "apply": ("nstcore.feedforward.apply_command", "parser", "apply", "left"),
    "export": ("nstcore.feedforward.export_command", "parser", "export", ""),
    "measure": ("pipeline.picture_commands", "measure_parser", "measure", ""),
    "map": ("pipeline.picture_commands", "map_parser", "map_folder", ""),
    "film": ("pipeline.upkeep.film_command", "parser", "film", ""),
    "votes": ("pipeline.votes.command", "parser", "votes", ""),
    "layers": ("pipeline.picture_commands", "layers_parser", "layers", ""),
    "presets": ("pipeline.picture_commands", "presets_parser", "presets", ""),
    "status": ("pipeline.upkeep.commands", "status_parser", "status", ""),
    "check": ("pipeline.upkeep.commands", "check_parser", "check", ""),
    "gc": ("pipeline.upkeep.commands", "gc_parser", "gc", ""),
    "fetch": ("pipeline.upkeep.commands", "fetch_parser", "fetch", ""),
}

_INTERRUPTED = 128 + signal.SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 0, 1 for damage found by `check`, 2 for bad input, 130 or 143 when ended."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    name = f"nst {words[0]}" if words and words[0] in _COMMANDS else "nst"
    try:
        return _run(name, words)
    except KeyboardInterrupt:  # before the command itself hears of it
        _say_last_words(name)
        return _INTERRUPTED


def _run(name: str, words: list[str]) -> int:
    if not words or words[0] not in _COMMANDS:
        cli: Any = _imported("nstcore.cli", name)
        return int(cli.main(words, epilog=_EPILOG))
    module_name, parser, command, left = _COMMANDS[words[0]]
    module, entry_point = _imported(module_name, name), _imported("nstcore.system.entry_point", name)
    options = getattr(module, parser)().parse_args(words[1:])
    if left:
        return int(
            entry_point.run_command(getattr(module, command), options, name, lambda: getattr(module, left)(options))
        )
    return int(entry_point.run_command(getattr(module, command), options, name))


def _imported(module: str, name: str) -> Any:
    with _ended_at_once(name):
        return importlib.import_module(module)


@contextlib.contextmanager
def _ended_at_once(name: str) -> Iterator[None]:
    """End the process when Ctrl-C comes while modules are imported: not all of them let an exception through."""

    def end(_number: int, _frame: object) -> None:
        _say_last_words(name)
        os._exit(_INTERRUPTED)

    try:
        before = signal.getsignal(signal.SIGINT)
        if before is signal.default_int_handler:
            signal.signal(signal.SIGINT, end)
    except ValueError:  # not the main thread, which alone hears of it
        before = None
    try:
        yield
    finally:
        if before is signal.default_int_handler:
            signal.signal(signal.SIGINT, before)


def _say_last_words(name: str) -> None:
    if sys.stderr is not None:  # else its descriptor may be another file's
        with contextlib.suppress(OSError):
            os.write(2, f"{name}: interrupted; nothing written\n".encode())


if __name__ == "__main__":
    sys.exit(main())
