"""The command `nst film`: what a cell of a grid had reached on the way, as a film. It does not import Keras."""

from __future__ import annotations

import argparse
from pathlib import Path

from nstcore.errors import InputError, OutputError
from nstcore.pictures.film import encode_film, film_suffix
from nstcore.system.entry_point import OneLineParser
from nstcore.system.files import encodable, write_results
from nstcore.system.places import require_place
from nstcore.system.streams import say
from pipeline.outputs.cell_files import CELL_FILES, MANIFEST
from pipeline.outputs.cell_store import CellStore


def parser() -> argparse.ArgumentParser:
    made = OneLineParser(
        prog="nst film",
        description="Write a film of the snapshots that a cell of a grid keeps, those of its coarse runs first.",
        epilog="Cells keep snapshots if their grid was made with --snapshots.",
    )
    made.add_argument("cell", metavar="CELL", help="its folder, OUTPUTS/cells/CONTENT/STYLE/BACKBONE-DIGEST")
    made.add_argument("-o", "--output", required=True, metavar="FILE", help="where to write (.gif, .webp, .mp4)")
    return made


def film(options: argparse.Namespace) -> None:
    """Write it.

    Raises:
        StyleTransferError: in one line, if there is no such cell, if it has no snapshots or they are not what was
            written, or if the film cannot be written.
    """
    folder, output = Path(options.cell), Path(options.output)
    suffix = film_suffix(options.output)
    require_place(options.output)
    if output.resolve() in {(folder / name).resolve() for name in CELL_FILES}:
        raise OutputError(f"{options.output}: would overwrite a file of the cell; name another file")
    if not (folder / MANIFEST).is_file():
        raise InputError(f"{options.cell}: no cell of a grid is there; name a folder with a {MANIFEST}")
    frames = CellStore(folder).frames()
    write_results({output: encode_film(frames, suffix)})
    say(encodable(f"{options.output}: {len(frames)} frames"))
