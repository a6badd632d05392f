"""The options of the command `nst`."""

from __future__ import annotations

import argparse
import json
from typing import Any, get_args

from nstcore import config as choices
from nstcore import presets
from nstcore.networks.backbones import BACKBONES
from nstcore.optimizers import OPTIMIZERS
from nstcore.system.entry_point import OneLineParser
from nstcore.version import __version__


def _sizes(text: str) -> tuple[int, ...] | str:
    try:
        return text if text == "auto" else tuple(int(size) for size in text.split(",") if size)
    except ValueError:
        raise argparse.ArgumentTypeError(f'expected "auto" or sizes with commas between. Received: {text!r}') from None


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(number) for number in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected numbers with commas between. Received: {text!r}") from None


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
SETTINGS = (
    *("backbone", "size", "iterations", "precision", "seed", "weights", "pooling", "style_scale", "init", "optimizer"),
    *("content_weight", "style_weight", "total_variation_weight", "style_normalization", "total_variation"),
    *("content_layers", "style_layers", "style_layer_weights", "losses", "optimizer_settings"),
    *("pixel_range", "coarse_sizes", "parametrization", "fourier_exponent", "fourier_colors"),
    *("stop_change", "stop_over", "time_limit"),
    *("color", "init_noise", "padding", "filters", "content_backbone"),
)


def parser(epilog: str) -> argparse.ArgumentParser:
    """What reads the words of the command; `epilog` ends the text of --help."""
    made = OneLineParser(
        prog="nst",
        description="Render a picture in the style of another (neural style transfer).",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("content", metavar="CONTENT", help="the picture to render")
    made.add_argument(
        "style",
        metavar="STYLE",
        nargs="+",
        help="the picture whose style it takes, or several, or a mixture of some (.toml)",
    )
    made.add_argument(
        "-o", "--output", required=True, metavar="OUT.png", help="where to write the result (.png, .jpg, .tif)"
    )
    made.add_argument("--bits", type=int, default=8, help="of each channel of the result: 8 (default), 16 (.png, .tif)")
    made.add_argument(
        "--keep-opacity", action="store_true", help="let the result be transparent where CONTENT is (.png, .tif)"
    )
    made.add_argument(
        "--backbone",
        default="vgg19",
        help=f"{', '.join(BACKBONES)}, or another network of keras.applications (default vgg19)",
    )
    made.add_argument("--preset", default="balanced", help=f"{', '.join(presets.PRESETS)} (default balanced)")
    made.add_argument("--size", type=int, default=512, help="longest side, pixels (default 512)")
    made.add_argument("--iterations", type=int, default=200, help="iterations of the optimiser (default 200)")
    made.add_argument("--precision", default="auto", help=f"{_any_of(choices.Precision)} (default auto)")
    made.add_argument("--seed", type=int, default=0, help="seed of the noise picture (default 0)")
    made.add_argument("--trace", metavar="CSV", help="also write the losses of every iteration")
    made.add_argument(
        "--save-every", type=int, metavar="N", help="also write OUT-0010.png, …, of 8 bits, every N iterations"
    )
    made.add_argument(
        "--film", metavar="FILE", help="also write a film (.gif, .webp, .mp4), a frame every --save-every or about 40"
    )
    made.add_argument(
        "--state", metavar="FILE", help="keep the state there every 30 s: the same command goes on from it"
    )
    made.add_argument("--quiet", action="store_true", help="no progress bar")
    made.add_argument("--version", action="version", version=f"nst {__version__}")
    made.add_argument(
        "--style-weights", type=_numbers, default=(), metavar="W,…", help="one per STYLE (default: the same for each)"
    )
    made.add_argument(
        "--no-regions", action="store_true", help="leave out the maps NAME.regions.png that lie beside pictures"
    )
    more = made.add_argument_group("settings that the preset chooses unless they are given")
    more.add_argument("--weights", help='"imagenet", "random", or a Keras weights file (default imagenet)')
    more.add_argument("--style-scale", type=float, help="size of STYLE against --size: 0.5 finer strokes, 2 coarser")
    more.add_argument("--init", help=f"start from: {_any_of(choices.Initial)}, or a picture file")
    more.add_argument("--init-noise", type=float, metavar="SHARE", help="blend that much noise into it, 0 to 1")
    more.add_argument("--content-backbone", help="another backbone for the content, whose layers it has then")
    more.add_argument("--pooling", help=_any_of(choices.Pooling))
    more.add_argument("--padding", help=f"beyond the border of a layer: {_any_of(choices.Padding)}")
    more.add_argument("--filters", help=f"as {_any_of(choices.Filters)} to a mean activation of 1")
    more.add_argument("--optimizer", help=", ".join(OPTIMIZERS))
    more.add_argument(
        "--optimizer-settings", type=_json, metavar="JSON", help='settings of its own, such as {"learning_rate": 2}'
    )
    more.add_argument("--losses", type=_json, metavar="JSON", help='further losses, {"name": {settings}, …}')
    more.add_argument("--color", help=f"whose colors: {_any_of(choices.Coloring)}")
    more.add_argument("--pixel-range", help=_any_of(choices.PixelRange))
    more.add_argument("--parametrization", help=f"what is optimised: {_any_of(choices.ParametrizationKind)}")
    more.add_argument("--fourier-exponent", type=float, help="how much more large structures count (default 0.5)")
    more.add_argument("--fourier-colors", help=_any_of(choices.FourierColors))
    more.add_argument("--stop-change", type=float, help="end where the loss changes by no more than this share")
    more.add_argument("--stop-over", type=int, metavar="N", help="over so many iterations (default 50)")
    more.add_argument("--time-limit", type=float, metavar="SECONDS", help="end after so many seconds")
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
    more.add_argument("--style-layer-weights", type=_numbers, metavar="W,…", help="one per style layer (default: even)")
    return made


def _any_of(literal: object) -> str:
    return ", ".join(get_args(literal))
