"""The command `nst train`: one network for a style, from a folder of photographs."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from tqdm import tqdm

from nstcore import presets
from nstcore.checkpoint import Checkpoint
from nstcore.checks import choice, whole_number
from nstcore.config import TransferConfig
from nstcore.errors import ConfigError, NetworkFileError, OutputError
from nstcore.feedforward.network_file import NETWORK_SUFFIX, encode_network, read_metadata
from nstcore.feedforward.photographs import Photographs, find_photographs, in_words
from nstcore.feedforward.settings import SIZES, NetworkSettings, Upsampling
from nstcore.feedforward.training_settings import TrainingSettings
from nstcore.feedforward.training_trace import TrainingStep
from nstcore.loading import load_styles
from nstcore.mixture import style_sources
from nstcore.pictures.images import Picture, write_picture
from nstcore.scene import Style
from nstcore.snapshots import Snapshots
from nstcore.system.entry_point import OneLineParser
from nstcore.system.files import write_results
from nstcore.system.places import require_place
from nstcore.system.quiet import import_keras_quietly
from nstcore.system.streams import say
from nstcore.user_state import remove_state, require_state_place, trained_left_behind

if TYPE_CHECKING:
    from nstcore.feedforward.training import TrainingResult

# Where networks are small enough to be trained on two cores, and what most of their papers take.
_PIXELS = 256
# Options that are fields of `TransferConfig`, of `NetworkSettings` and of `TrainingSettings`; those not given keep the
# preset's values.
_OF_LOSSES = ("backbone", "precision", "weights", "style_scale", "content_weight", "style_weight")
_OF_NETWORK = ("width", "blocks", "upsampling")
_OF_TRAINING = ("steps", "minutes", "batch", "crop", "learning_rate", "held_out_every", "patience", "seed")


def parser() -> argparse.ArgumentParser:
    """What reads the words of the command."""
    made = OneLineParser(
        prog="nst train",
        description="Train a network that renders any picture in a style in a moment (nst apply).",
        epilog="The same command goes on from where it was ended, and does nothing where the network is finished.",
    )
    made.add_argument("style", metavar="STYLE", nargs="+", help="the picture whose style it learns, or several")
    made.add_argument("-o", "--output", required=True, metavar="OUT.keras", help="where to write the network")
    made.add_argument("--photographs", required=True, metavar="DIR", help="a folder of photographs to learn from")
    made.add_argument(
        "--held-out",
        metavar="DIR",
        help='photographs that only judge it (default: the folder "held-out" in the other one, or a tenth of that)',
    )
    made.add_argument("--preset", default="balanced", help="losses, network and training of a paper (nst presets)")
    made.add_argument("--backbone", help="what the losses look through (default: the preset's, or vgg19)")
    made.add_argument(
        "--pixels", type=int, default=_PIXELS, help="longest side of STYLE, and of pictures that are made (default 256)"
    )
    made.add_argument("--size", help=f"of the network: {', '.join(SIZES)} (default: the preset's, or small)")
    made.add_argument("--minutes", type=float, help="end after so many, with as many steps as they allow")
    made.add_argument("--steps", type=int, help="end after so many (default: the preset's)")
    made.add_argument("--trace", metavar="CSV", help="also write the losses of every step")
    made.add_argument(
        "--snapshots", type=int, metavar="N", help="also write OUT-00100.png, … of a held-out photograph every N steps"
    )
    made.add_argument("--state", metavar="FILE", help="where the state is kept on the way (default OUT.keras.state)")
    made.add_argument("--quiet", action="store_true", help="no progress bar")
    more = made.add_argument_group("settings that the preset chooses unless they are given")
    more.add_argument("--precision", default="auto", help="float32, bfloat16, auto (default auto)")
    more.add_argument("--weights", help='"imagenet", "random", or a Keras weights file (default imagenet)')
    more.add_argument("--style-scale", type=float, help="size of STYLE against --pixels: 0.5 finer strokes, 2 coarser")
    more.add_argument("--content-weight", type=float)
    more.add_argument("--style-weight", type=float)
    more.add_argument(
        "--settings", type=_settings, default={}, metavar="JSON", help='others of the losses, {"pooling": "avg", …}'
    )
    more.add_argument("--width", type=int, help="channels of the network at full size")
    more.add_argument("--blocks", type=int, help="its residual blocks")
    more.add_argument("--upsampling", help=", ".join(get_args(Upsampling)))
    more.add_argument("--batch", type=int, help="crops of a step")
    more.add_argument("--crop", type=int, help="height and width of the crops, pixels")
    more.add_argument("--learning-rate", type=float)
    more.add_argument("--held-out-every", type=int, metavar="N", help="look at the held-out photographs every N steps")
    more.add_argument("--patience", type=int, metavar="N", help="end after N looks that find no lower loss")
    more.add_argument("--seed", type=int)
    return made


def _settings(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(f"expected names and values as JSON. Received: {text!r}")
    return found


def left(options: argparse.Namespace) -> str:
    """What an interruption leaves, as the end of a sentence."""
    return trained_left_behind(_state(options))


def train_command(options: argparse.Namespace) -> None:
    """Run the command.

    Raises:
        StyleTransferError: for whatever a person can mend.
    """
    if sys.stderr.isatty() and not options.quiet:  # as the progress bar
        logging.basicConfig(format="nst train: %(message)s")
        logging.getLogger("nstcore").setLevel(logging.INFO)
    config, settings, training = _config(options), _network(options), _training(options)
    _check_outputs(options)
    # Before Keras, whose import takes seconds: pictures that cannot be read are told at once.
    styles = load_styles(style_sources(options.style, ()), config)
    photographs = find_photographs(options.photographs, options.held_out, seed=training.seed)
    import_keras_quietly()
    if steps := _finished(options.output, config, settings, training, styles, photographs):
        say(f"{options.output}: has been trained like this already, {steps} steps; nothing done")
        return
    result = _train(options, config, settings, training, photographs)
    files = {Path(options.output): encode_network(result.model, result.provenance())}
    if options.trace:
        files[Path(options.trace)] = result.trace.to_csv().encode()
    write_results(files)
    remove_state(_state(options))
    say(f"{options.output}: {_told(result, photographs)}")


def _told(result: TrainingResult, photographs: Photographs) -> str:
    looks = result.trace.held_out
    return (
        f"{result.message}, {result.seconds:.0f} s in {result.config.precision}, held-out loss {looks[0].held_out:.4g} "
        f"-> {result.held_out_loss:.4g}; {in_words(photographs)}; weights: {result.weights.source}"
        + "".join(f"; taken up after step {step}" for step in result.resumed)
    )


def _train(
    options: argparse.Namespace,
    config: TransferConfig,
    settings: NetworkSettings,
    training: TrainingSettings,
    photographs: Photographs,
) -> TrainingResult:
    from nstcore.feedforward.training import train

    by_time = not training.steps
    total = 60 * training.minutes if by_time else training.steps
    shown = {"unit": "s", "bar_format": "{l_bar}{bar}| {n:.0f}/{total:.0f} s{postfix}"} if by_time else {"unit": "step"}
    checkpoint = Checkpoint.at(_state(options), training.checkpoint_seconds)
    with tqdm(total=total, disable=None if not options.quiet else True, **shown) as bar:

        def report(step: TrainingStep) -> None:
            held_out = {} if step.held_out != step.held_out else {"held_out": f"{step.held_out:.4g}"}
            told.update(loss=f"{step.total:.4g}", **held_out)
            bar.set_postfix(told, refresh=False)
            bar.update((min(step.seconds, total) if by_time else step.step) - bar.n)

        told: dict[str, str] = {}
        sources = style_sources(options.style, ())
        snapshots = _snapshots(options)
        return train(sources, photographs, config, settings, training, checkpoint, report, snapshots=snapshots)


def _finished(
    path: str,
    config: TransferConfig,
    settings: NetworkSettings,
    training: TrainingSettings,
    styles: tuple[Style, ...],
    photographs: Photographs,
) -> int:
    """After how many steps the network that is there was finished, if it is the one that is asked for; else 0.

    Raises:
        OutputError: if another file is there that is no network.
    """
    from nstcore.feedforward.training_state import trained_from
    from nstcore.recipe import resolve

    if not Path(path).exists():
        return 0
    try:
        provenance = read_metadata(path).provenance
    except NetworkFileError as error:
        raise OutputError(f"{error}: would be overwritten; name another file") from None
    if provenance.get("trained from") != trained_from(resolve(config), settings, training, styles, photographs):
        return 0
    steps = provenance.get("steps")
    return steps if isinstance(steps, int) else 0


def _snapshots(options: argparse.Namespace) -> Snapshots | None:
    if options.snapshots is None:
        return None
    place = Path(options.output)

    def take(_: int, step: int, picture: Picture) -> None:
        write_picture(place.with_name(f"{place.stem}-{step:05d}.png"), picture)

    return Snapshots(options.snapshots, take)


def _config(options: argparse.Namespace) -> TransferConfig:
    given = {name: getattr(options, name) for name in _OF_LOSSES if getattr(options, name) is not None}
    backbone = given.pop("backbone", None) or presets.backbone_of(options.preset)
    return presets.get(options.preset, **{**options.settings, **given, "backbone": backbone, "size": options.pixels})


def _network(options: argparse.Namespace) -> NetworkSettings:
    if options.size is not None:
        choice("--size", options.size, tuple(SIZES))
    settings = SIZES[options.size] if options.size else NetworkSettings(**presets.network_of(options.preset))
    return replace(settings, **{name: given for name in _OF_NETWORK if (given := getattr(options, name)) is not None})


def _training(options: argparse.Namespace) -> TrainingSettings:
    given = {name: value for name in _OF_TRAINING if (value := getattr(options, name)) is not None}
    if options.minutes and options.steps is None:
        given["steps"] = 0
    of_preset = presets.training_of(options.preset)
    default = {field.name: field.default for field in fields(TrainingSettings)}
    # A crop that is not asked for follows the size.
    crop = min(of_preset.get("crop", default["crop"]), options.pixels)
    return TrainingSettings(**{**of_preset, "crop": crop, **given})


def _state(options: argparse.Namespace) -> str:
    return options.state or f"{options.output}.state"


def _check_outputs(options: argparse.Namespace) -> None:
    if Path(options.output).suffix != NETWORK_SUFFIX:
        raise ConfigError(f"a network is kept in a file that ends in {NETWORK_SUFFIX}. Received: {options.output}")
    if options.snapshots is not None:
        whole_number("--snapshots", options.snapshots, 1)
    taken = {Path(style).resolve(): "overwrite that picture" for style in options.style}
    for path in filter(None, (options.output, options.trace, _state(options))):
        require_place(path)
        place = Path(path).resolve()
        if place in taken:
            raise OutputError(f"{path}: would {taken[place]}; name another file")
        taken[place] = "be two of the network, the trace and the state"
    require_state_place(_state(options))
