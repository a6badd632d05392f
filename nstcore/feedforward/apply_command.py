"""The command `nst apply`: pictures through a trained network."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from nstcore.checks import whole_number
from nstcore.errors import ConfigError, InputError, MemoryShortageError, PictureError, StyleTransferError, one_line
from nstcore.feedforward.network_file import read_metadata
from nstcore.feedforward.places import Place, places
from nstcore.feedforward.settings import checked_strength
from nstcore.pictures import images
from nstcore.pictures.encoding import encode_file
from nstcore.pictures.picture_files import file_name
from nstcore.pictures.resizing import require_side
from nstcore.system.entry_point import BAD_INPUT, OneLineParser
from nstcore.system.files import write_whole
from nstcore.system.places import make_folder
from nstcore.system.quiet import import_keras_quietly
from nstcore.system.streams import say, tell

if TYPE_CHECKING:
    from nstcore.feedforward.network_file import TrainedNetwork

#: The exit status when some pictures were made and others could not be.
SOME_LEFT_OUT = 1


def parser() -> argparse.ArgumentParser:
    """What reads the words of the command."""
    made = OneLineParser(
        prog="nst apply",
        description="Render pictures in the style that a network has learned (nst train).",
        epilog="Pictures that cannot be read are told, one line each; the rest is made, and the exit status is 1 then.",
    )
    made.add_argument("network", metavar="NETWORK.keras", help="a file of nst train")
    made.add_argument("pictures", metavar="PICTURE", nargs="*", help="a picture, or a folder of pictures; or several")
    made.add_argument(
        "-o", "--output", metavar="DIR", help="the folder for the results, called as their pictures; or a file for one"
    )
    made.add_argument("--size", type=int, help="longest side, pixels (default: each picture's own)")
    made.add_argument("--strength", type=float, default=1.0, help="0 for the picture itself, 1 for all of the style")
    made.add_argument("--keep-colors", action="store_true", help="take luminance alone from the network")
    made.add_argument("--keep-opacity", action="store_true", help="transparent where the picture is (png, tif)")
    made.add_argument("--format", help="what files in DIR are: png, jpg, tif (default: as their pictures, else png)")
    made.add_argument("--bits", type=int, default=8, help="of each channel: 8 (default), 16 (png, tif)")
    made.add_argument(
        "--bands",
        type=_bands,
        default="auto",
        metavar="ROWS",
        help="compute in bands of so many rows, which saves memory and leaves no seam; never; or auto (default)",
    )
    made.add_argument("--about", action="store_true", help="only print what the file says of its network, as JSON")
    made.add_argument("--quiet", action="store_true", help="no progress bar")
    return made


def _bands(text: str) -> int | str:
    if text in ("auto", "never"):
        return text
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected auto, never or a number of rows. Received: {text!r}") from None


def left(options: argparse.Namespace) -> str:
    """What an interruption leaves, as the end of a sentence."""
    written = getattr(options, "written", 0)
    return f"{written} pictures written" if written else "nothing written"


def apply(options: argparse.Namespace) -> int:
    """Run the command; the exit status is 0, 1 if some pictures could not be made, or 2 if none could.

    Raises:
        StyleTransferError: for whatever a person can mend before or beside single pictures.
    """
    if options.about:
        _tell_about(options)
        return 0
    if not options.pictures or options.output is None:
        raise ConfigError("name the pictures to render, and -o a folder for the results")
    checked_strength(options.strength)
    if options.size is not None:
        whole_number("--size", options.size, 1)
    if options.bands not in ("auto", "never"):
        whole_number("--bands", options.bands, 1)
    wanted = places(
        options.pictures, options.output, format=options.format, bits=options.bits, opacity=options.keep_opacity
    )
    metadata = read_metadata(options.network)  # before Keras, whose import takes seconds
    import_keras_quietly()
    from nstcore.feedforward.network_file import load_network

    return _make(options, load_network(options.network, metadata), wanted)


def _make(options: argparse.Namespace, network: TrainedNetwork, wanted: list[Place]) -> int:
    options.written = 0
    began = time.monotonic()
    with tqdm(wanted, unit="picture", disable=None if not options.quiet else True) as bar:
        for place in bar:
            try:
                content = _made(options, network, place)
            except (PictureError, InputError, MemoryShortageError) as error:
                with tqdm.external_write_mode(sys.stderr):
                    tell(f"nst apply: {_named(error, place)}")
                continue
            make_folder(place.output.parent)
            write_whole(place.output, content)
            options.written += 1
    failed = len(wanted) - options.written
    if not options.written:
        return BAD_INPUT
    seconds = (time.monotonic() - began) / options.written
    made = f"{options.written} pictures, {seconds:.2f} s each" if len(wanted) > 1 else f"{seconds:.2f} s"
    say(f"{file_name(options.output)}: {made}" + (f"; {failed} could not be made" if failed else ""))
    return SOME_LEFT_OUT if failed else 0


def _named(error: StyleTransferError, place: Place) -> str:
    """What went wrong with a picture, with its name."""
    name, line = file_name(place.content), one_line(error)
    return line if line.startswith(name) else f"{name}: {line}"


def _made(options: argparse.Namespace, network: TrainedNetwork, place: Place) -> bytes:
    """The file of one result."""
    from nstcore.feedforward.application import forget_many_sizes, stylize, stylize_unrounded

    smallest = network.settings.smallest_side
    if options.size is None:
        picture = images.read_picture(place.content)
        require_side(picture, smallest, name=file_name(place.content), backbone="this network")
    else:
        picture = images.load(place.content, options.size, smallest_side=smallest, backbone="this network")
    chosen: dict[str, Any] = {
        "strength": options.strength,
        "keep_colors": options.keep_colors,
        "bands": options.bands,
    }
    pixels: NDArray[Any] = (stylize if options.bits == 8 else stylize_unrounded)(network, picture, **chosen)
    forget_many_sizes()
    opacity: NDArray[np.uint8] | None = None
    if options.keep_opacity:
        opacity = images.read_opacity(place.content, *pixels.shape[:2])
    return encode_file(pixels, place.output.suffix.lower(), options.bits, opacity)


def _tell_about(options: argparse.Namespace) -> None:
    metadata = read_metadata(options.network)
    about = {
        "network": metadata.settings.to_dict(),
        "weights": metadata.settings.weights,
        "sha256": metadata.sha256,
        "provenance": dict(metadata.provenance),
    }
    say(json.dumps(about, indent=2))  # in ASCII, which every terminal and file takes
