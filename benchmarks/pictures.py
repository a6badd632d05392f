"""Which settings make the best pictures? Variants of a preset on pairs of pictures, judged by networks and by noise.

A file of variants names settings, each with the backbones that it is for; settings of one backbone stand in a table of
its name, and `like` names a variant whose settings come first. Every cell (pair, backbone, variant) is made once and
kept, as a line of JSON and a PNG, so that a run that was stopped goes on, and trials add up. What is measured of each:

- judge: VGG19's style loss as a share of the content picture's (`benchmarks.judge`);
- style and content: what is left of the style and lost of the content, by VGG19's Gram matrices and, of networks that
  no cell optimises, by EfficientNet-Lite0's and by its and MobileNetV2's sliced Wasserstein distances
  (`pipeline.measures.formulas`);
- noise: the share of energy at waves shorter than four pixels, over that of the style picture
  (`pipeline.measures.spectrum`).

With `--baselines` pictures that take no transfer stand beside them, such as cross-fades (`pipeline.papers.computed`),
and with `--beside NAME=FOLDER` those that another program made, FOLDER/CONTENT--STYLE.png of the contents' size.

    python -m benchmarks.pictures --variants FILE --cells FOLDER --contents A B --styles C D [--report NAME]
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.picture_tables import tell
from benchmarks.common.problem import require_pictures
from benchmarks.common.report import Report, add_results_option, progress
from benchmarks.judge import judge
from nstcore import BACKBONES, TransferConfig, presets
from nstcore.loading import load_picture
from nstcore.pictures.images import read_picture, write_picture
from nstcore.system.quiet import quiet_tensorflow

_HOW = (
    "Judge: VGG19's style loss as a share of the content picture's. Style left (by Gram matrices, and by slices) and "
    "content lost: as docs/measures.md has them. Noise: the share of energy at waves shorter than four pixels, over "
    "the style picture's. All are means over the n pairs, that of the noise geometric; intervals of 95 % are from a "
    "bootstrap over contents and styles. Cells may have been made at different times beside other work: seconds say "
    "little."
)


@dataclass(frozen=True)
class Cell:
    """One picture to be made."""

    content: str
    style: str
    backbone: str
    variant: str
    config: TransferConfig

    @property
    def pair(self) -> tuple[str, str]:
        """The names of the pictures."""
        return Path(self.content).stem, Path(self.style).stem

    @property
    def key(self) -> str:
        """Its identity: the names of the pictures and every setting, nothing left to a default. 16 hex digits."""
        parts = (*self.pair, self.config.resolved().to_dict())
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def main() -> None:
    options = _options()
    quiet_tensorflow()
    variants = tomllib.loads(options.variants.read_text(encoding="utf-8"))
    cells = list(_cells(options, variants))
    _require(cells, options.beside)
    rows = made(cells, options.cells, only_kept=options.kept)
    if options.report:
        rows += [*(_without_transfer(cells) if options.baselines else ()), *_of_others(cells, options.beside)]
        title = f"Pictures: {options.report}, {options.size} px, {options.iterations} iterations"
        report = Report(f"pictures_{options.report}", title, options.results)
        report.say(_HOW)
        tell(report, rows, options.reference)
        report.write()


def made(cells: list[Cell], folder: Path, *, only_kept: bool = False) -> list[dict[str, Any]]:
    """What is known of each cell; those that are not there yet are made, or left out."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "cells.jsonl"
    kept = {row["key"]: row for row in map(json.loads, log.read_text().splitlines())} if log.exists() else {}
    rows = []
    for cell in cells:
        if only_kept and cell.key not in kept:
            continue
        if cell.key not in kept:
            kept[cell.key] = _made(cell, folder)
            with log.open("a") as file:
                file.write(json.dumps(kept[cell.key]) + "\n")
        names = {"backbone": cell.backbone, "variant": cell.variant}
        rows.append({**kept[cell.key], **names, "pair": cell.pair})
    return rows


def _made(cell: Cell, folder: Path) -> dict[str, Any]:
    from nstcore.transfer import style_transfer

    content, style = load_picture(cell.content, cell.config), load_picture(cell.style, cell.config)
    result = style_transfer(content, style, cell.config)
    path = folder / f"{'--'.join((*cell.pair, cell.backbone, cell.variant))}.png"
    write_picture(path, result.image)
    found = measured(read_picture(path), content, style)
    found |= {"loss": result.trace[-1].total, "s": result.seconds}
    told = " ".join(f"{name} {value:.3f}" for name, value in found.items())
    progress(f"{path.stem}: {told}")
    return {"key": cell.key, "picture": path.name, **found}


def _require(cells: list[Cell], folders: Mapping[str, Path]) -> None:
    """See that what other programs made is there, before anything is made."""
    pairs = {cell.pair for cell in cells}
    missing = sorted(
        str(path) for folder in folders.values() for pair in pairs if not (path := _of_other(folder, pair)).is_file()
    )
    if missing:
        raise SystemExit(f"no file {', '.join(missing)}")


def _of_other(folder: Path, pair: tuple[str, str]) -> Path:
    return folder / f"{'--'.join(pair)}.png"


#: A pair's names, and its pictures as the cells have them.
_Pair = tuple[tuple[str, str], np.ndarray, np.ndarray]


def _pairs(cells: list[Cell]) -> Iterator[_Pair]:
    """Each pair of the cells once."""
    for cell in {(cell.content, cell.style): cell for cell in cells}.values():
        yield cell.pair, load_picture(cell.content, cell.config), load_picture(cell.style, cell.config)


def _without_transfer(cells: list[Cell]) -> Iterator[dict[str, Any]]:
    """What is known of the pictures that take no transfer."""
    from pipeline.papers.computed import computed_pictures

    for pair, content, style in _pairs(cells):
        for name, picture in computed_pictures(content, style).items():
            yield {**measured(picture, content, style), "backbone": "no transfer", "variant": name, "pair": pair}


def _of_others(cells: list[Cell], folders: Mapping[str, Path]) -> Iterator[dict[str, Any]]:
    """What is known of the pictures that other programs made."""
    for name, folder in folders.items():
        for pair, content, style in _pairs(cells):
            picture = read_picture(_of_other(folder, pair))
            yield {**measured(picture, content, style), "backbone": "other programs", "variant": name, "pair": pair}


def measured(made: np.ndarray, content: np.ndarray, style: np.ndarray) -> dict[str, float]:
    """Every measure of a picture by its name (see above); uint8 (H, W, 3)."""
    from pipeline.measures.formulas import judged
    from pipeline.measures.judges import JUDGES
    from pipeline.measures.spectrum import fine_share

    found = {"judge": judge(made, content, style)[0]}
    for each in JUDGES.values():
        found |= judged(each, made, content, style)
    of_style = fine_share(style)
    found["noise"] = fine_share(made) / of_style if of_style > 0 else math.nan
    return found


def _cells(options: argparse.Namespace, variants: Mapping[str, dict[str, Any]]) -> Iterator[Cell]:
    """All pairs of a backbone and a variant after each other, for compiled functions to be shared."""
    for name in options.only or variants:
        settings = _settings(name, variants)
        backbones = settings.pop("backbones", options.backbones.split(","))
        preset = settings.pop("preset", options.preset)
        own = {backbone: settings.pop(backbone, {}) for backbone in BACKBONES}
        for backbone in (one for one in options.backbones.split(",") if one in backbones):
            common = {"size": options.size, "iterations": options.iterations, "precision": options.precision}
            config = presets.get(preset, backbone=backbone, **{**common, **settings, **own[backbone]})
            pairs = options.pairs or itertools.product(options.contents, options.styles)
            for content, style in pairs:
                yield Cell(content, style, backbone, name, config)


def _settings(name: str, variants: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Of a variant, over those of the one that it is like."""
    own = dict(variants[name])
    settings = _settings(own.pop("like"), variants) if "like" in own else {}
    for key, value in own.items():
        settings[key] = {**settings.get(key, {}), **value} if key in BACKBONES else value
    return settings


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure variants of a preset on pairs of pictures.")
    parser.add_argument("--variants", type=Path, required=True, help="TOML: name -> settings, settings by backbone")
    parser.add_argument("--only", nargs="*", help="names of variants (default: all of the file)")
    parser.add_argument("--cells", type=Path, required=True, help="folder of what was made, and is to be kept")
    parser.add_argument("--contents", nargs="+", default=[], help="content pictures, crossed with")
    parser.add_argument("--styles", nargs="+", default=[], help="style pictures")
    parser.add_argument("--pairs", nargs="+", type=_pair, help="CONTENT,STYLE …, in place of all")
    parser.add_argument("--backbones", default="vgg19,resnet50,inceptionv3")
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--iterations", type=int, default=150)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--report", default="", help="write a result of this name")
    parser.add_argument(
        "--reference", type=_pair, help="BACKBONE,VARIANT: intervals, and every mean as a multiple of that one's"
    )
    parser.add_argument("--baselines", action="store_true", help="measure pictures that take no transfer, too")
    parser.add_argument(
        "--beside", type=_folder, nargs="*", default=[], help="NAME=FOLDER of another program's pictures"
    )
    parser.add_argument("--kept", action="store_true", help="make nothing: tell what is there")
    add_results_option(parser)
    options = parser.parse_args()
    require_pictures(parser, *options.contents, *options.styles, *itertools.chain(*options.pairs or ()))
    options.beside = dict(options.beside)
    return options


def _folder(text: str) -> tuple[str, Path]:
    name, _, folder = text.partition("=")
    if not Path(folder).is_dir():
        raise argparse.ArgumentTypeError(f"no folder {folder}")
    return name, Path(folder)


def _pair(text: str) -> tuple[str, str]:
    first, second = text.split(",")
    return first, second


if __name__ == "__main__":
    main()
