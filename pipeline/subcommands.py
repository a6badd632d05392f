"""The command `nst`: other verbs compare pictures, list names, or look after an output folder; else a transfer."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from nstcore import cli
from nstcore.checks import whole_number
from nstcore.errors import PictureError
from nstcore.feedforward import apply_command, export_command, train_command
from nstcore.networks.backbones import BACKBONES, FURTHER, get_backbone
from nstcore.pictures.images import Picture, load
from nstcore.presets.listing import listing
from nstcore.system.entry_point import OneLineParser, run_command
from nstcore.system.files import encodable, write_results
from nstcore.system.places import require_place
from nstcore.system.quiet import import_keras_quietly
from nstcore.system.streams import say, tell
from pipeline.measures.judges import JUDGES
from pipeline.upkeep import commands as outputs_commands
from pipeline.upkeep import film_command
from pipeline.votes import command as votes_command

# Of a map, whose figure and time grow with the square of the pictures.
_MOST_PICTURES = 200

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 0, 1 for damage found by `check`, 2 for bad input, 130 or 143 when ended."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    commands = {
        "train": (train_command.parser, train_command.train_command),
        "apply": (apply_command.parser, apply_command.apply),
        "export": (export_command.parser, export_command.export),
        "measure": (_measure_parser, _measure),
        "map": (_map_parser, _map),
        "film": (film_command.parser, film_command.film),
        "votes": (votes_command.parser, votes_command.votes),
        "layers": (_layers_parser, _layers),
        "presets": (_presets_parser, _presets),
        "status": (outputs_commands.status_parser, outputs_commands.status),
        "check": (outputs_commands.check_parser, outputs_commands.check),
        "gc": (outputs_commands.gc_parser, outputs_commands.gc),
        "fetch": (outputs_commands.fetch_parser, outputs_commands.fetch),
    }
    if not words or words[0] not in commands:
        return cli.main(words, epilog=_EPILOG)
    parser, command = commands[words[0]]
    options = parser().parse_args(words[1:])
    left = {"train": train_command.left, "apply": apply_command.left}.get(words[0])
    if left is not None:
        return run_command(command, options, f"nst {words[0]}", lambda: left(options))
    return run_command(command, options, f"nst {words[0]}")


def _measure(options: argparse.Namespace) -> None:
    one, other = (_load(path, options.size) for path in (options.one, options.other))
    import_keras_quietly()
    from pipeline.measures.comparison import QUANTITIES, compare

    compared = compare(one, other)
    if options.json:
        data = {
            "pictures": [str(options.one), str(options.other)],
            "size": options.size,
            "measures": compared.measures,
            "unmeasured": compared.unmeasured,
            "judges": compared.judges,
        }
        say(json.dumps(data, indent=2))  # in ASCII, which every terminal and file takes
        return
    width = max(len(quantity.title) for quantity in QUANTITIES)
    for quantity in QUANTITIES:
        value = compared.measures.get(quantity.name)
        if value is None:
            say(f"{quantity.title:<{width}}       –  {compared.unmeasured[quantity.name]}")
        else:
            say(f"{quantity.title:<{width}}  {value:6.4f}  {quantity.meaning}")


def _map(options: argparse.Namespace) -> None:
    stem = Path(options.output)
    files = {suffix: stem.with_name(f"{stem.name}{suffix}") for suffix in (".csv", ".png", ".svg")}
    for file in files.values():
        require_place(file)
    pictures = _pictures_in(options.folder, options.size, avoid=set(files.values()))
    import_keras_quietly()
    from pipeline.measures.picture_map import map_pictures
    from pipeline.report.plots import encode
    from pipeline.report.plots.map_figure import draw

    judge = JUDGES[options.judge]
    placed = map_pictures(pictures, judge)
    figure = draw(placed, [picture for _, picture in pictures], judge=judge.title)
    written = {files[suffix]: encode(figure, suffix) for suffix in (".png", ".svg")}
    write_results({**written, files[".csv"]: placed.to_csv().encode()})  # the table last: where it is, all is
    say(f"{len(pictures)} pictures: {', '.join(str(file) for file in files.values())}")


def _layers(options: argparse.Namespace) -> None:
    get_backbone(options.backbone)  # before Keras, whose import takes seconds
    import_keras_quietly()
    from nstcore.networks.layer_list import list_layers

    rows = [("layer", "kind", "channels", "side", "default")]
    for layer in list_layers(options.backbone):
        share = "1 pixel" if layer.share is None else f"1/{layer.share}"
        rows.append((layer.name, layer.kind, str(layer.channels), share, ", ".join(layer.default)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, kind, channels, share, default in rows:
        line = f"{name:<{widths[0]}}  {kind:<{widths[1]}}  {channels:>{widths[2]}}  {share:<{widths[3]}}  {default}"
        say(line.rstrip())


def _pictures_in(folder: str, size: int, *, avoid: set[Path]) -> list[tuple[str, Picture]]:
    """The pictures of a folder by their names, but no map that an earlier run left there.

    Raises:
        PictureError: no folder, fewer than two pictures, too many, or one that cannot be read.
    """
    from pipeline.grid.picture_folder import find_pictures, in_short

    written = {path.resolve() for path in avoid}
    looked_at = find_pictures(folder)
    found = [path for paths in looked_at.pictures.values() for path in paths if path.resolve() not in written]
    if looked_at.passed_over:
        tell(f"nst map: {folder}: passed over: {in_short(looked_at.passed_over)}")
    if not 2 <= len(found) <= _MOST_PICTURES:
        raise PictureError(f"{folder}: a map takes 2 to {_MOST_PICTURES} pictures. Received: {len(found)}")
    stems = [path.stem for path in found]
    names = [path.stem if stems.count(path.stem) == 1 else path.name for path in found]
    return [(encodable(name), _load(path, size)) for name, path in zip(names, found, strict=True)]


def _load(path: str | Path, size: int) -> Picture:
    vgg19 = get_backbone("vgg19")  # of all judges the one that needs the largest pictures
    whole_number("--size", size, vgg19.smallest_side)
    return load(path, size, smallest_side=vgg19.smallest_side, backbone="the judge VGG19")


def _presets(options: argparse.Namespace) -> None:
    say(listing(tuple(options.names), options.backbone))


def _presets_parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="nst presets", description="Presets: where each comes from, what is not from there, and its settings."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a preset (default: all)")
    parser.add_argument("--backbone", default="vgg19", help="the network whose settings are told (default vgg19)")
    return parser


def _measure_parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="nst measure",
        description="Say how far two pictures are apart. The order of the two does not matter.",
        epilog="What compares positions sees both at the lesser height and width of the two.",
    )
    parser.add_argument("one", metavar="A", help="a picture")
    parser.add_argument("other", metavar="B", help="another")
    parser.add_argument("--size", type=int, default=512, help="longest side of both, pixels (default 512)")
    parser.add_argument("--json", action="store_true", help="print JSON, with where the networks' weights came from")
    return parser


def _map_parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="nst map",
        description="Place the pictures of a folder by style (across) and content (up): OUT.csv, OUT.png, OUT.svg.",
        epilog="Each axis is the first principal coordinate of the pictures' distances (classical scaling).",
    )
    parser.add_argument("folder", metavar="FOLDER", help="a folder of pictures")
    parser.add_argument("-o", "--output", default="map", metavar="OUT", help="where to write, no suffix (default map)")
    parser.add_argument("--judge", choices=list(JUDGES), default="vgg19", help="who compares (default vgg19)")
    parser.add_argument("--size", type=int, default=256, help="longest side of the pictures, pixels (default 256)")
    return parser


def _layers_parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="nst layers",
        description="List the layers of a backbone that --content-layers, --style-layers and losses can name.",
        epilog=f"Backbones: {', '.join((*BACKBONES, *FURTHER))}.",
    )
    parser.add_argument("backbone", metavar="BACKBONE", help="its name; no weights are needed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
