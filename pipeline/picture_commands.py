"""Commands that compare pictures, or list what settings can name: `nst measure`, `map`, `layers` and `presets`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from nstcore.checks import expected, whole_number
from nstcore.errors import ConfigError, PictureError
from nstcore.networks.backbones import BACKBONES, FURTHER, get_backbone
from nstcore.pictures.images import Picture, load
from nstcore.presets.listing import listing
from nstcore.system.entry_point import OneLineParser
from nstcore.system.files import encodable, write_results
from nstcore.system.places import require_place
from nstcore.system.quiet import import_keras_quietly
from nstcore.system.streams import say, tell
from pipeline.measures.judges import JUDGES

# Of a map, whose figure and time grow with the square of the pictures.
_MOST_PICTURES = 200


def measure(options: argparse.Namespace) -> None:
    """Tell how far two pictures are apart.

    Raises:
        StyleTransferError: for whatever a person can mend.
    """
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


def map_folder(options: argparse.Namespace) -> None:
    """Draw the map of a folder.

    Raises:
        StyleTransferError: for whatever a person can mend.
    """
    stem = Path(options.output)
    if not stem.name:
        raise ConfigError(expected("--output", "a path that ends in a name", options.output))
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


def layers(options: argparse.Namespace) -> None:
    """List the layers of a backbone.

    Raises:
        StyleTransferError: for whatever a person can mend.
    """
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


def presets(options: argparse.Namespace) -> None:
    """List presets.

    Raises:
        StyleTransferError: for whatever a person can mend.
    """
    say(listing(tuple(options.names), options.backbone))


def presets_parser() -> argparse.ArgumentParser:
    """What reads the words of `nst presets`."""
    parser = OneLineParser(
        prog="nst presets", description="Presets: where each comes from, what is not from there, and its settings."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a preset (default: all)")
    parser.add_argument("--backbone", default="vgg19", help="the network whose settings are told (default vgg19)")
    return parser


def measure_parser() -> argparse.ArgumentParser:
    """What reads the words of `nst measure`."""
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


def map_parser() -> argparse.ArgumentParser:
    """What reads the words of `nst map`."""
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


def layers_parser() -> argparse.ArgumentParser:
    """What reads the words of `nst layers`."""
    parser = OneLineParser(
        prog="nst layers",
        description="List the layers of a backbone that --content-layers, --style-layers and losses can name.",
        epilog=f"Backbones: {', '.join((*BACKBONES, *FURTHER))}.",
    )
    parser.add_argument("backbone", metavar="BACKBONE", help="its name; no weights are needed")
    return parser
