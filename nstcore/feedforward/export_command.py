"""The command `nst export`: a trained network as a file for other programs."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from nstcore.checks import choice
from nstcore.errors import OutputError
from nstcore.feedforward.export_formats import EXPORT_SUFFIXES, require_export
from nstcore.feedforward.network_file import read_metadata
from nstcore.pictures.picture_files import file_name
from nstcore.system.entry_point import OneLineParser
from nstcore.system.files import write_whole
from nstcore.system.places import require_place
from nstcore.system.quiet import import_keras_quietly
from nstcore.system.streams import say


def parser() -> argparse.ArgumentParser:
    """What reads the words of the command."""
    made = OneLineParser(
        prog="nst export",
        description="Write a network of nst train as a file that other programs run.",
        epilog="It takes and gives RGB, float32 (1, height, width, 3), 0 to 255. ONNX: pip install 'nst-grid[onnx]'.",
    )
    made.add_argument("network", metavar="NETWORK.keras", help="a file of nst train")
    made.add_argument("-o", "--output", required=True, metavar="FILE", help=f"ends in {' or '.join(EXPORT_SUFFIXES)}")
    made.add_argument(
        "--size",
        type=_sides,
        default=(None, None),
        metavar="WIDTHxHEIGHT",
        help="of the pictures that it takes (default: any; most .tflite files need one)",
    )
    return made


def _sides(text: str) -> tuple[int, int]:
    try:
        width, height = map(int, text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a width and a height, as 512x384. Received: {text!r}") from None
    return width, height


def export(options: argparse.Namespace) -> None:
    """Run the command.

    Raises:
        StyleTransferError: for whatever a person can mend.
    """
    (width, height), suffix = options.size, Path(options.output).suffix.lower()
    choice("--output's ending", suffix, EXPORT_SUFFIXES)
    metadata = read_metadata(options.network)
    require_export(suffix, height, width, metadata.settings)
    require_place(options.output)
    if os.path.realpath(options.output) == os.path.realpath(options.network):
        raise OutputError(f"{file_name(options.output)}: would overwrite the network; name another file")
    if "keras" not in sys.modules:  # both are made by TensorFlow, whatever else networks run on here
        os.environ["KERAS_BACKEND"] = "tensorflow"
    import_keras_quietly()
    from nstcore.feedforward.export import export as exported
    from nstcore.feedforward.network_file import load_network

    made = exported(load_network(options.network, metadata), suffix, height, width)
    write_whole(options.output, made.content)
    sizes = "pictures of any size" if width is None else f"pictures of {width} x {height} pixels"
    checked = "not run, because what runs it is not installed"
    if made.difference is not None:
        checked = f"run, and at most {made.difference:.1g} of 255 away from the network"
    say(f"{file_name(options.output)}: {len(made.content) / 2**20:.1f} MiB, for {sizes}; {checked}")
