"""Fills empty input folders, so that a grid runs on a fresh machine without anyone's own pictures.

python -m pipeline.samples [--content-dir inputs/content] [--style-dir inputs/style] [--all]
                           [--photographs-dir inputs/photographs]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from nstcore.errors import StyleTransferError
from nstcore.system.entry_point import OneLineParser
from nstcore.system.refusals import told
from nstcore.system.streams import say, tell
from pipeline.samples.catalog import SAMPLES, Kind
from pipeline.samples.fill import fill
from pipeline.samples.photographs import fill_photographs


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Exit status 0, also where nothing was to be done; 2 for a folder that cannot be filled."""
    parser = OneLineParser(prog="python -m pipeline.samples", description="Fill empty input folders.")
    parser.add_argument("--content-dir", type=Path, default=Path("inputs/content"), help="default: %(default)s")
    parser.add_argument("--style-dir", type=Path, default=Path("inputs/style"), help="default: %(default)s")
    parser.add_argument("--all", action="store_true", help="every picture available, not only 2 contents and 3 styles")
    parser.add_argument(
        "--photographs-dir",
        type=Path,
        metavar="DIR",
        help="also every photograph that the installed packages carry, for `nst train`",
    )
    options = parser.parse_args(arguments)
    folders: tuple[tuple[Path, Kind], ...] = ((options.content_dir, "content"), (options.style_dir, "style"))
    filled = False
    try:
        for folder, kind in folders:
            written = fill(folder, kind, every=options.all)
            filled = filled or bool(written)
            _tell(folder, written)
        if options.photographs_dir is not None:
            written = fill_photographs(options.photographs_dir)
            filled = filled or bool(written)
            _tell(options.photographs_dir, written)
    except StyleTransferError as error:
        tell(f"samples: {told(error)}")
        return 2
    missing = sorted({sample.package for sample in SAMPLES if not sample.available})
    if filled and missing:
        say(f"some samples were not available, for lack of {', '.join(missing)}")
    return 0


def _tell(folder: Path, written: Sequence[Path]) -> None:
    names = ", ".join(str(path.relative_to(folder)) for path in written)
    say(f"{folder}: wrote {names}" if written else f"{folder}: has pictures, left alone")


if __name__ == "__main__":
    sys.exit(main())
