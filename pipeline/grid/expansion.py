"""What a grid is: a study expanded into cells; what cannot be a cell, and why."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from nstcore import ConfigError, MemoryShortageError, PictureError, StyleTransferError, TransferConfig, presets
from nstcore.errors import one_line
from nstcore.feedforward.photographs import find_photographs
from nstcore.loading import load_picture, load_style
from pipeline.grid.cell import Cell, RejectedCell, identity, read_variant
from pipeline.grid.digest import grid_digest
from pipeline.grid.feedforward import (
    Training,
    identifying,
    photographs_folder,
    photographs_identity,
    photographs_in_words,
    require_method,
)
from pipeline.grid.ingredients import Ingredients
from pipeline.grid.paths import pair_stems
from pipeline.grid.picture_folder import PictureFolder, find_pictures
from pipeline.grid.series import USUAL, Method, Series
from pipeline.grid.study import Combination, Study


@dataclass(frozen=True)
class Grid:
    """The plan of a grid.

    Attributes:
        cells: sorted by backbone (in the order asked for), combination of settings, content, style: neighbours share a
            loaded network.
        rejected: the cells that bad input makes impossible, and those of networks that are left out.
        missing: backbone -> why it is left out.
        settings: what was asked for, for the report.
        title: of the report.
        series: every series of the study, in its order.
        passed_over: what lies in the folders of pictures and is none, each with the reason, by folder.
    """

    cells: tuple[Cell, ...]
    rejected: tuple[RejectedCell, ...]
    missing: Mapping[str, str]
    settings: Mapping[str, Any]
    title: str
    series: tuple[Series, ...]
    passed_over: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def pairs(self) -> dict[tuple[str, str], list[Cell]]:
        """The cells of each content and style."""
        pairs: dict[tuple[str, str], list[Cell]] = {}
        for cell in self.cells:
            pairs.setdefault((cell.content, cell.style), []).append(cell)
        return pairs

    @cached_property
    def pair_stems(self) -> dict[tuple[str, str], str]:
        """What the plots of each content and style are named."""
        return pair_stems(self.pairs)

    @cached_property
    def varies(self) -> bool:
        """Whether its study varies anything besides pictures and backbones."""
        return any(cell.variant for cell in self.cells)

    @cached_property
    def digest(self) -> str:
        """Identity of the grid as its pictures and settings give it, whatever was found wrong with the pictures."""
        return grid_digest(
            [
                *((*identity(cell), cell.digest) for cell in self.cells),
                *((*identity(cell), "rejected") for cell in self.rejected),
                *((backbone, "missing") for backbone in self.missing),
            ]
        )

    def answers(self, asked_for: Grid) -> bool:
        """Whether this is the plan of another grid of the same digest, in what its report says besides the cells."""
        mine, other = ((it.settings, it.missing, it.title, it.series, it.passed_over) for it in (self, asked_for))
        return mine == other

    def to_json(self) -> str:
        """As its file holds it, a cell a line: JSON that is indented is written by Python, a cell in a millisecond."""
        names = [each.name for each in fields(self)]
        parts = {name: getattr(self, name) for name in names if name not in ("cells", "rejected", "series")}
        parts |= {"series": [series.to_dict() for series in self.series]}
        listed = {
            "cells": [cell.to_dict() for cell in self.cells],
            "rejected": [cell.to_dict() for cell in self.rejected],
        }
        texts = {name: json.dumps(value, sort_keys=True) for name, value in parts.items()}
        for name, values in listed.items():
            texts[name] = "[" + ",\n  ".join(json.dumps(value, sort_keys=True) for value in values) + "]"
        return "{\n" + ",\n".join(f" {json.dumps(name)}: {texts[name]}" for name in names) + "\n}\n"

    @classmethod
    def from_json(cls, text: str) -> Grid:
        """Read what `to_json` wrote.

        Raises:
            ConfigError: if it is anything else.
        """
        try:
            return cls._from_data(json.loads(text))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise ConfigError(f"is no plan of a grid ({type(error).__name__}: {one_line(error)[:200]})") from error

    @classmethod
    def _from_data(cls, data: Any) -> Grid:
        cells = tuple(Cell.from_dict(cell) for cell in data["cells"])
        rejected = tuple(RejectedCell(**{**cell, "variant": read_variant(cell)}) for cell in data["rejected"])
        # A plan of before studies had titles and series is read as one that answers no study, and is made anew.
        series = tuple(
            Series(each["backbone"], read_variant(each), each.get("method", USUAL)) for each in data.get("series", ())
        )
        passed_over = {folder: tuple(lines) for folder, lines in data.get("passed_over", {}).items()}
        return cls(cells, rejected, data["missing"], data["settings"], data.get("title", ""), series, passed_over)


def expand(study: Study, weights_sha256: Mapping[tuple[str, str], str], missing: Mapping[tuple[str, str], str]) -> Grid:
    """Expand a study into its cells.

    It reads the pictures' bytes but does not decode them: `reject_bad_pictures` does.

    Args:
        weights_sha256: identity of the weights of each network, by (backbone, weights).
        missing: networks to leave out, with the reason.

    Raises:
        PictureError: for a folder without pictures, or without one that the study names.
    """
    folders = pictures_of(study)
    contents, styles = (folder.pictures for folder in folders)
    cells: list[Cell] = []
    rejected: list[RejectedCell] = []
    series: list[Series] = []
    photographs = photographs_of(study)
    for backbone, combination, method in _in_order(study):
        preset, variant = combination.preset, combination.variant
        networks = combination.networks(backbone)
        lacking = [missing[network] for network in networks if network in missing]
        series.append(Series(backbone, variant, method))
        config = _settings_or_reason(preset, {**combination.settings, "backbone": backbone}, method, study.training)
        weights = [weights_sha256.get(network, "") for network in networks]
        if not isinstance(config, str):
            identify = identifying(method, study.training, photographs, "+".join(weights), preset, config)
        for (content, content_paths), (style, style_paths) in itertools.product(contents.items(), styles.items()):
            if lacking:
                names = (content, style, backbone, lacking[0], preset, variant)
                rejected.append(RejectedCell(*names, skipped=True, method=method))
                continue
            try:
                if isinstance(config, str):
                    raise ConfigError(config)
                pictures = _only(content, content_paths), _only(style, style_paths)
                found = Ingredients.of(*pictures, config)
                digest, network = identify(found)
            except StyleTransferError as error:
                rejected.append(RejectedCell(content, style, backbone, str(error), preset, variant, method=method))
            else:
                paths = str(pictures[0]), str(pictures[1])
                style_sum = found.style_identity if found.mixture else found.styles[0].picture.sha256
                sums = found.content.sha256, style_sum
                cell = Cell(content, style, *paths, *sums, config, weights[0], digest, preset=preset, variant=variant)
                cell = replace(cell, content_weights_sha256=weights[1]) if weights[1:] else cell
                cell = replace(cell, network=network, method=method) if network else cell
                cells.append(cell if found.is_plain else replace(cell, ingredients=found))
    asked_for = study.asked_for()
    if photographs[0]:
        asked_for["photographs"] = photographs_in_words(study.training, photographs[0])
    settings = json.loads(json.dumps(asked_for, default=str))  # as it comes back from the plan's file
    left_out = {_network_name(study, *network): reason for network, reason in missing.items()}
    passed_over = {str(folder.path): folder.passed_over for folder in folders if folder.passed_over}
    return Grid(
        tuple(cells),
        tuple(rejected),
        left_out,
        settings,
        study.title,
        tuple(dict.fromkeys(series)),
        passed_over,
    )


def _in_order(study: Study) -> Iterator[tuple[str, Combination, Method]]:
    """The series of a study: by backbone, by combination of settings, by method."""
    combinations = list(study.combinations())
    for backbone in dict.fromkeys(name for each in combinations for name in each.backbones):
        for combination in (each for each in combinations if backbone in each.backbones):
            for method in study.methods:
                yield backbone, combination, method


def photographs_of(study: Study) -> tuple[str, str]:
    """The folder of photographs that the networks of a study are trained on, and their identity; of no use without.

    Raises:
        PictureError: if there are none.
    """
    if study.methods == (USUAL,):
        return "", ""
    folder = photographs_folder(study.training, study.content_dir)
    seed = study.training.training_settings().seed
    return folder, photographs_identity(find_photographs(folder, seed=seed))


def pictures_of(study: Study) -> tuple[PictureFolder, PictureFolder]:
    """The folders of content and style pictures, with those that a study uses.

    Raises:
        PictureError: for a folder without pictures, or without one that the study names.
    """
    return (
        _chosen(find_pictures(study.content_dir), study.contents),
        _chosen(find_pictures(study.style_dir, mixtures=True), study.styles),
    )


#: More cells than this are taken for a slip: at a second each they take more than a day.
MOST_CELLS = 100_000


def require_meant(study: Study, many_cells: bool) -> None:
    """See that a study has no more cells than anyone means, unless many are asked for: counted before any is made up.

    Raises:
        ConfigError: saying how many it has.
        PictureError: as `expand`.
    """
    contents, styles = (len(folder.pictures) for folder in pictures_of(study))
    cells = contents * styles * study.cells_per_pair()
    if cells > MOST_CELLS and not many_cells:
        raise ConfigError(
            f"the study has {cells:,} cells: {contents:,} content × {styles:,} style pictures × "
            f"{study.cells_per_pair():,} backbones and settings; name fewer, or give --many-cells if you mean it"
        )


def _chosen(folder: PictureFolder, names: Sequence[str]) -> PictureFolder:
    """The pictures that a study names, all if it names none."""
    found = folder.pictures
    lacking = [name for name in names if name not in found]
    if lacking:
        raise PictureError(f"{folder.path}: no picture named {', '.join(lacking)} there; it has {', '.join(found)}")
    return replace(folder, pictures={name: found[name] for name in names}) if names else folder


def _network_name(study: Study, backbone: str, weights: str) -> str:
    """The backbone alone, unless the study takes several weights for it."""
    several = sum(name == backbone for name, _ in study.networks()) > 1
    return f"{backbone}, weights {weights}" if several else backbone


def reject_bad_pictures(grid: Grid) -> Grid:
    """Decode every picture of a grid once per backbone's needs, and move the cells of bad ones to the rejected.

    The cells that remain know the size of their picture, but those for which there is too little memory just now: they
    are left to try when it is their turn, because a plan may be kept for longer than memory is short.
    """
    found: dict[Any, tuple[int, int] | str] = {}

    def size_or_reason(key: Any, load: Callable[[], np.ndarray]) -> tuple[int, int] | str:
        if key not in found:
            try:
                height, width = load().shape[:2]
                found[key] = (height, width)
            except MemoryShortageError:
                found[key] = (0, 0)
            except (PictureError, ConfigError) as error:
                found[key] = str(error)
        return found[key]

    def size_or_first_reason(cell: Cell) -> tuple[int, int] | str:
        config = cell.config
        seen_by = (config.backbone, config.size, config.style_scale)
        size = size_or_reason((cell.content_path, *seen_by), lambda: load_picture(cell.content_path, config))
        reasons = [size]
        for style in cell.styles:
            path, scale = style.picture.path, style.scale
            reasons.append(size_or_reason((path, scale, *seen_by), partial(load_style, path, config, scale)))
        first = next((reason for reason in reasons if isinstance(reason, str)), "")
        if not first and (cell.has_regions or any(style.region for style in cell.styles)):
            # Which losses there are counts too: some cannot weigh positions.
            key = (cell.ingredients, config.losses, *seen_by)
            together = size_or_reason(key, lambda: cell.load_scene().content)
            first = together if isinstance(together, str) else ""
        return first or size

    cells, rejected = [], list(grid.rejected)
    for cell in grid.cells:
        size = size_or_first_reason(cell)
        if isinstance(size, str):
            names = (cell.content, cell.style, cell.backbone, size, cell.preset, cell.variant)
            rejected.append(RejectedCell(*names, method=cell.method))
        else:
            cells.append(replace(cell, height=size[0], width=size[1]))
    return replace(grid, cells=tuple(cells), rejected=tuple(rejected))


def _settings_or_reason(
    preset: str, settings: Mapping[str, Any], method: Method, training: Training
) -> TransferConfig | str:
    """The settings of a backbone's cells, or why it has none."""
    try:
        config = presets.get(preset, **settings).resolved()
        require_method(method, preset, config, training)
        return config
    except ConfigError as error:
        return str(error)


def _only(name: str, paths: Iterable[Path]) -> Path:
    first, *others = paths
    if others:
        files = ", ".join(str(path) for path in (first, *others))
        raise PictureError(f"{files}: these pictures share the name {name!r}; rename all but one")
    return first
