"""A benchmark's result: one Markdown file that says what was measured, when, where and with which command."""

from __future__ import annotations

import argparse
import datetime
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common.machine import libraries, machine

#: Where results lie; `benchmarks.results` puts them together.
RESULTS = Path(__file__).parents[1] / "results"

# What changes the figures without being an argument.
_VARIABLES = ("KERAS_BACKEND", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")


class Report:
    """Text and tables, printed as they come and written in the end."""

    def __init__(self, name: str, title: str, folder: Path) -> None:
        self._path = folder / f"{name}.md"
        self._parts = [f"## {title}"]
        self.say(
            f"{datetime.date.today().isoformat()}. {machine()}. {libraries()}.\n\n```sh\n{_command()}\n```",
        )

    def say(self, text: str) -> None:
        """Add a paragraph."""
        print(text, flush=True)
        self._parts.append(text)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Add a table; its first column is left-aligned, the others hold numbers."""
        lines = [_row(header), _row(["---"] + ["---:"] * (len(header) - 1)), *(_row(row) for row in rows)]
        self.say("\n".join(lines))

    def write(self) -> None:
        """Write the file; it replaces what an earlier run of the same benchmark wrote."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text("\n\n".join(self._parts) + "\n", encoding="utf-8")
        print(f"written to {os.path.relpath(self._path)}", flush=True)


def add_results_option(parser: argparse.ArgumentParser) -> None:
    """Let a person keep trials apart from results."""
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the result (default: %(default)s)")


def progress(text: str) -> None:
    """Tell a waiting person how far it is, on stderr."""
    print(text, file=sys.stderr, flush=True)


def seconds(value: float) -> str:
    """Three digits that mean something."""
    return f"{value:.1f}" if value >= 100 else f"{value:.3g}"


def _row(cells: Sequence[object]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _command() -> str:
    """The command that ran, without the folders of the machine it ran on."""
    spec = sys.modules["__main__"].__spec__
    arguments = [f"…/{Path(word).name}" if os.path.isabs(word) else shlex.quote(word) for word in sys.argv[1:]]
    variables = [f"{name}={os.environ[name]}" for name in _VARIABLES if name in os.environ]
    return " ".join([*variables, "python -m", spec.name if spec else Path(sys.argv[0]).name, *arguments])
