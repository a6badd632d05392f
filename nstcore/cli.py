"""The command `nst`: one content picture in the style of another."""

from __future__ import annotations

import argparse
import logging
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, get_args

from tqdm import tqdm

from nstcore import presets
from nstcore.checks import path_text, whole_number
from nstcore.cli_options import SETTINGS, parser
from nstcore.config import Initial, TransferConfig
from nstcore.errors import ConfigError, OutputError, StyleTransferError
from nstcore.loading import load_scene
from nstcore.mixture import StyleSource, style_sources, with_regions_beside
from nstcore.networks.weights import Provenance
from nstcore.pictures import images
from nstcore.pictures.film import encode_film, film_suffix
from nstcore.pictures.picture_files import file_name
from nstcore.pictures.region_map import RegionSource, regions_beside
from nstcore.result import Iterate, TransferResult
from nstcore.scene import Scene, coarse_levels
from nstcore.snapshots import Snapshots
from nstcore.system.entry_point import run_command
from nstcore.system.files import write_results
from nstcore.system.places import require_place
from nstcore.system.quiet import import_keras_quietly
from nstcore.system.streams import say
from nstcore.user_state import checkpoint_at, left_behind, remove_state, require_state_place

# Frames of a film, unless --save-every says how many.
_FRAMES = 40


def main(arguments: Sequence[str] | None = None, *, epilog: str = "") -> int:
    """Run the command; the exit status is 0, 2 for bad input (with one line on stderr), or 130 when interrupted.

    `epilog` ends the text of --help, as it is.
    """
    options = parser(epilog).parse_args(arguments)
    if sys.stderr.isatty() and not options.quiet:  # as the progress bar
        logging.basicConfig(format="nst: %(message)s")
        logging.getLogger("nstcore").setLevel(logging.INFO)
    return run_command(_run, options, "nst", lambda: left_behind(options.state))


def _run(options: argparse.Namespace) -> None:
    config = _config(options)
    asked = _sources(options)
    _check_outputs(options, asked, config)
    notes: list[str] = []
    # Before Keras, whose import takes seconds: a picture that cannot be read is told at once.
    scene = load_scene(options.content, asked.styles, config, regions=asked.regions, on_enlarging=notes.append)
    notes += _about_regions(asked, scene)
    frames: list[images.Picture] = []
    result = _transfer(options, scene, config, frames)
    files = {Path(options.output): _encoded(options, result, notes)}
    if options.trace:
        files[Path(options.trace)] = result.trace.to_csv().encode()
    if options.film:
        files[Path(options.film)] = encode_film([*frames, result.image], film_suffix(options.film))
    write_results(files)
    if options.state:
        remove_state(options.state)
    last = result.trace[-1]
    say(
        f"{options.output}: {last.iteration} iterations, {last.evaluations} evaluations, "
        f"{result.seconds:.1f} s in {result.config.precision}, loss {result.trace[0].total:.4g} -> {last.total:.4g}; "
        f"weights: {', '.join(map(_origin, filter(None, (result.weights, result.content_weights))))}"
        + "".join(f"; taken up at iteration {each.iteration} of {each.size} px" for each in result.resumed)
        + "".join(f"; {note}" for note in notes)
    )


def _encoded(options: argparse.Namespace, result: TransferResult, notes: list[str]) -> bytes:
    """The file of the result, as it was asked for."""
    suffix = images.writable_suffix(options.output, options.bits, opacity=options.keep_opacity)
    opacity = None
    if options.keep_opacity:
        opacity = images.read_opacity(options.content, *result.image.shape[:2])
        if opacity is None:
            notes.append("the content picture has no transparency to keep")
    return result.encoded(suffix, options.bits, opacity)


def _origin(weights: Provenance) -> str:
    return weights.source + (f" ({weights.note})" if weights.note else "")


class _Asked(NamedTuple):
    """The styles of a command, the map of the content's regions if both sides have some, and why a map is not used."""

    styles: tuple[StyleSource, ...]
    regions: RegionSource | None
    unused: str


def _sources(options: argparse.Namespace) -> _Asked:
    styles = style_sources(options.style, options.style_weights)
    if options.style_weights and len(options.style) == 1:
        raise ConfigError(
            "--style-weights does nothing: they share the style between several STYLE, and there is one. "
            f"Received: {','.join(f'{weight:g}' for weight in options.style_weights)}"
        )
    if options.no_regions:
        return _Asked(styles, None, "")
    regions, styles = with_regions_beside(options.content, styles)
    if regions is not None:
        return _Asked(styles, regions, "")
    if beside := regions_beside(options.content):
        return _Asked(styles, None, f"{file_name(beside)} not used, because no style has regions")
    maps = filter(None, (regions_beside(style.picture) for style in styles))
    names = ", ".join(file_name(path) for path in dict.fromkeys(maps))
    return _Asked(styles, None, f"{names} not used, because the content picture has no regions" if names else "")


def _about_regions(asked: _Asked, scene: Scene) -> list[str]:
    """What is said of the maps that lie beside the pictures."""
    if scene.regions is None:
        return [asked.unused] if asked.unused else []
    taken = dict.fromkeys(pairing.content_region for pairing in scene.pairings)
    left = f" (no style for {', '.join(scene.unpaired)})" if scene.unpaired else ""
    return [f"regions {', '.join(taken)}{left}"]


def _snapshots(
    options: argparse.Namespace, size: int, iterations: int, frames: list[images.Picture]
) -> Snapshots | None:
    """Pictures on the way of the run at full size: each a file, a frame of the film, or both."""
    if not (options.save_every or options.film):
        return None
    place = Path(options.output)

    def take(side: int, iteration: int, picture: images.Picture) -> None:
        if side != size:
            return
        if options.save_every:
            images.write_picture(place.with_name(f"{place.stem}-{iteration:04d}{place.suffix}"), picture)
        if options.film and iteration < iterations:  # the last is the result itself
            frames.append(picture)

    return Snapshots(options.save_every or max(1, iterations // _FRAMES), take)


def _transfer(
    options: argparse.Namespace, scene: Scene, config: TransferConfig, frames: list[images.Picture]
) -> TransferResult:
    import_keras_quietly()
    from nstcore.recipe import resolve
    from nstcore.transfer import transfer

    recipe = resolve(config)
    runs = iter([*(level for level, _ in coarse_levels([scene], recipe)), recipe])
    with tqdm(unit="it", disable=None if not options.quiet else True) as bar:

        def report(iterate: Iterate) -> None:
            if iterate.iteration == 0:
                run = next(runs)
                bar.reset(run.iterations)
                bar.set_description(f"{run.size} px", refresh=False)
            bar.set_postfix(loss=f"{iterate.total:.4g}", evaluations=iterate.evaluations, refresh=False)
            bar.update(iterate.iteration - bar.n)

        snapshots = _snapshots(options, recipe.size, recipe.iterations, frames)
        frames_every = snapshots.every if snapshots and options.film else 0
        checkpoint = checkpoint_at(options.state, frames, frames_every) if options.state else None
        (outcome,) = transfer([scene], recipe, (), [report], [snapshots], checkpoint)
    if isinstance(outcome, StyleTransferError):
        raise outcome
    return outcome


def _config(options: argparse.Namespace) -> TransferConfig:
    settings = {name: getattr(options, name) for name in SETTINGS if getattr(options, name) is not None}
    return presets.get(options.preset, **settings)


def _check_outputs(options: argparse.Namespace, asked: _Asked, config: TransferConfig) -> None:
    if options.state is not None:
        path_text("--state", options.state, "the path of a file")
    read = [options.content, asked.regions, *options.style]
    read += [source for style in asked.styles for source in (style.picture, style.regions)]
    read += [config.init] if config.init not in get_args(Initial) else []
    taken = {Path(source).resolve(): "overwrite that picture" for source in read if source is not None}
    for path in filter(None, (options.output, options.trace, options.film, options.state)):
        require_place(path)
        place = Path(path).resolve()
        if place in taken:
            raise OutputError(f"{path}: would {taken[place]}; name another file")
        taken[place] = "be two of the picture, the trace, the film and the state"
    images.writable_suffix(options.output, options.bits, opacity=options.keep_opacity)
    if options.state:
        require_state_place(options.state)
    if options.film:
        film_suffix(options.film)
    if options.save_every is not None:
        whole_number("--save-every", options.save_every, 1)
        output = Path(options.output).resolve()
        numbered = re.compile(rf"{re.escape(output.stem)}-\d{{4,}}{re.escape(output.suffix)}")
        for place in taken:
            if place.parent == output.parent and numbered.fullmatch(place.name):
                raise OutputError(f"{options.output}: --save-every could overwrite {place.name}; name another file")
        if options.save_every > config.iterations:
            raise ConfigError(
                f"--save-every does nothing: there are {config.iterations} iterations. Received: {options.save_every}"
            )


if __name__ == "__main__":
    sys.exit(main())
