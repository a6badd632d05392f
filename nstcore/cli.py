"""The command `nst`: one content picture in the style of another."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from tqdm import tqdm

from nstcore import config as choices
from nstcore import presets
from nstcore.config import TransferConfig
from nstcore.errors import OutputError
from nstcore.networks.backbones import BACKBONES
from nstcore.optimizers import OPTIMIZERS
from nstcore.pictures import images
from nstcore.result import Iterate, TransferResult
from nstcore.scene import load_picture, load_scene
from nstcore.system.entry_point import OneLineParser, run_command
from nstcore.system.files import write_results
from nstcore.system.places import require_place
from nstcore.system.quiet import import_keras_quietly
from nstcore.system.streams import say
from nstcore.version import __version__


def main(arguments: Sequence[str] | None = None, *, epilog: str = "") -> int:
    """Run the command; the exit status is 0, 2 for bad input (with one line on stderr), or 130 when interrupted.

    `epilog` ends the text of --help, as it is.
    """
    options = _parser(epilog).parse_args(arguments)
    if sys.stderr.isatty() and not options.quiet:  # as the progress bar
        logging.basicConfig(format="nst: %(message)s")
        logging.getLogger("nstcore").setLevel(logging.INFO)
    return run_command(_run, options, "nst")


def _run(options: argparse.Namespace) -> None:
    config = _config(options)
    _check_outputs(options)
    result = _transfer(options, config)
    files = {Path(options.output): images.encode(result.image, images.writable_suffix(options.output))}
    if options.trace:
        files[Path(options.trace)] = result.trace.to_csv().encode()
    write_results(files)
    last = result.trace[-1]
    say(
        f"{options.output}: {last.iteration} iterations, {last.evaluations} evaluations, "
        f"{result.seconds:.1f} s in {result.config.precision}, loss {result.trace[0].total:.4g} -> {last.total:.4g}; "
        f"weights: {result.weights.source}" + (f" ({result.weights.note})" if result.weights.note else "")
    )


def _transfer(options: argparse.Namespace, config: TransferConfig) -> TransferResult:
    # Before Keras, whose import takes seconds: a picture that cannot be read is told at once.
    content, style = (load_picture(picture, config) for picture in (options.content, options.style))

    import_keras_quietly()
    from nstcore.recipe import resolve
    from nstcore.transfer import coarse_levels, style_transfer

    recipe = resolve(config)
    scene = load_scene(content, [style], recipe)
    runs = iter([*(level for level, _ in coarse_levels([scene], recipe)), recipe])
    with tqdm(unit="it", disable=None if not options.quiet else True) as bar:

        def report(iterate: Iterate) -> None:
            if iterate.iteration == 0:
                run = next(runs)
                bar.reset(run.iterations)
                bar.set_description(f"{run.size} px", refresh=False)
            bar.set_postfix(loss=f"{iterate.total:.4g}", evaluations=iterate.evaluations, refresh=False)
            bar.update(iterate.iteration - bar.n)

        return style_transfer(content, style, config, report)


def _config(options: argparse.Namespace) -> TransferConfig:
    settings = {name: getattr(options, name) for name in _SETTINGS if getattr(options, name) is not None}
    return presets.get(options.preset, **settings)


def _check_outputs(options: argparse.Namespace) -> None:
    taken = {Path(picture).resolve(): "overwrite that picture" for picture in (options.content, options.style)}
    for path in filter(None, (options.output, options.trace)):
        require_place(path)
        place = Path(path).resolve()
        if place in taken:
            raise OutputError(f"{path}: would {taken[place]}; name another file")
        taken[place] = "be both the picture and the trace"
    images.writable_suffix(options.output)


def _sizes(text: str) -> tuple[int, ...] | str:
    try:
        return text if text == "auto" else tuple(int(size) for size in text.split(",") if size)
    except ValueError:
        raise argparse.ArgumentTypeError(f'expected "auto" or sizes with commas between. Received: {text!r}') from None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise argparse.ArgumentTypeError("nested too deeply") from None
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"is no JSON ({error})") from None


def _layers(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


#: Options that are fields of `TransferConfig`; those not given keep the preset's value.
_SETTINGS = (
    *("backbone", "size", "iterations", "precision", "seed", "weights", "pooling", "init", "optimizer"),
    *("content_weight", "style_weight", "total_variation_weight", "style_normalization", "total_variation"),
    *("content_layers", "style_layers", "pixel_range", "coarse_sizes", "losses", "optimizer_settings"),
)


def _parser(epilog: str) -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="nst",
        description="Render a picture in the style of another (neural style transfer).",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("content", metavar="CONTENT", help="the picture to render")
    parser.add_argument("style", metavar="STYLE", help="the picture whose style it takes")
    parser.add_argument(
        "-o", "--output", required=True, metavar="OUT.png", help="where to write the result (.png, .jpg)"
    )
    parser.add_argument("--backbone", default="vgg19", help=f"{', '.join(BACKBONES)} (default vgg19)")
    parser.add_argument("--preset", default="balanced", help=f"{', '.join(presets.PRESETS)} (default balanced)")
    parser.add_argument("--size", type=int, default=512, help="longest side, pixels (default 512)")
    parser.add_argument("--iterations", type=int, default=200, help="iterations of the optimiser (default 200)")
    parser.add_argument("--precision", default="auto", help=f"{_any_of(choices.Precision)} (default auto)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the noise picture (default 0)")
    parser.add_argument("--trace", metavar="CSV", help="also write the losses of every iteration")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.add_argument("--version", action="version", version=f"nst {__version__}")
    more = parser.add_argument_group("settings that the preset chooses unless they are given")
    more.add_argument("--weights", help='"imagenet", "random", or a Keras weights file (default imagenet)')
    more.add_argument("--init", help=f"start from: {_any_of(choices.Initial)}")
    more.add_argument("--pooling", help=_any_of(choices.Pooling))
    more.add_argument("--optimizer", help=", ".join(OPTIMIZERS))
    more.add_argument(
        "--optimizer-settings", type=_json, metavar="JSON", help='settings of its own, such as {"learning_rate": 2}'
    )
    more.add_argument("--losses", type=_json, metavar="JSON", help='further losses, {"name": {settings}, …}')
    more.add_argument("--pixel-range", help=_any_of(choices.PixelRange))
    more.add_argument(
        "--coarse-sizes", type=_sizes, metavar="SIZE,…", help='smaller sizes to start with; "auto" (default), or ""'
    )
    more.add_argument("--content-weight", type=float)
    more.add_argument("--style-weight", type=float)
    more.add_argument("--total-variation-weight", type=float)
    more.add_argument("--style-normalization", help=_any_of(choices.StyleNormalization))
    more.add_argument("--total-variation", help=_any_of(choices.TotalVariation))
    more.add_argument("--content-layers", type=_layers, metavar="LAYER,…")
    more.add_argument("--style-layers", type=_layers, metavar="LAYER,…")
    return parser


def _any_of(literal: object) -> str:
    return ", ".join(get_args(literal))


if __name__ == "__main__":
    sys.exit(main())
