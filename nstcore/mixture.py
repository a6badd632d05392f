"""The styles of a transfer as people name them: pictures with weights, scales and regions, and files that mix some."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nstcore.checks import expected, named_settings, number, path_text, sequence
from nstcore.errors import ConfigError, PictureError
from nstcore.pictures.images import PictureSource
from nstcore.pictures.picture_files import file_name, open_file
from nstcore.pictures.region_map import RegionSource, color_name, regions_beside
from nstcore.system.toml import read_toml

#: The suffix (lower case) of files that mix styles.
MIXTURE_SUFFIX = ".toml"

_LARGEST_FILE = 2**20
_MOST_STYLES = 16
_KEYS = ("picture", "weight", "scale", "region")


@dataclass(frozen=True, eq=False)
class StyleSource:
    """A style as it is asked for.

    Attributes:
        picture: a path, or an array as `nstcore.pictures.images.read_picture` takes it.
        weight: its factor among the styles of a transfer, >= 0; they are made to sum to 1.
        scale: of its longest side, besides `TransferConfig.style_scale`, > 0: it is read at
            size x `style_scale` x `scale`.
        region: the color ("#rrggbb") of the content's region that takes this style; "" for all regions that no style
            asks for in this way.
        regions: the map of the picture's own regions; None if it has none.

    Raises:
        ConfigError: when built with a value out of range.
    """

    picture: PictureSource
    weight: float = 1.0
    scale: float = 1.0
    region: str = ""
    regions: RegionSource | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", number("the weight of a style", self.weight))
        object.__setattr__(self, "scale", number("the scale of a style", self.scale, above=0.0))
        if self.region != "":
            object.__setattr__(self, "region", color_name(self.region))


#: What a transfer takes as a style: a picture, a picture with settings of its own, or the path of a mixture.
StyleLike = PictureSource | StyleSource


def style_sources(
    style: StyleLike | Sequence[StyleLike],
    weights: Sequence[float] = (),
    regions: RegionSource | Sequence[RegionSource | None] | None = None,
) -> tuple[StyleSource, ...]:
    """What one style or several come to.

    Args:
        style: a style, or a sequence of them. A path that ends in .toml is a mixture (`read_mixture`), whose styles
            share its weight as their own weights say.
        weights: one per style; () gives each the same.
        regions: the map of each style picture's regions, or None; of a single style, its map.

    Raises:
        ConfigError: for no style at all, or another number of weights or maps than of styles.
        PictureError: for a mixture that cannot be read.
    """
    styles = style if isinstance(style, Sequence) and not isinstance(style, str) else (style,)
    if styles is not style and not isinstance(regions, list | tuple):
        regions = (regions,)  # type: ignore[assignment]
    if not styles:
        raise ConfigError(expected("style", "one or more pictures", style))
    shares = [number("style_weights", share) for share in _one_each("style_weights", weights, styles)]
    maps = _one_each("style_regions", () if regions is None else regions, styles)
    found: list[StyleSource] = []
    for each, share, own in zip(styles, shares or [1.0] * len(styles), maps or [None] * len(styles), strict=True):
        if not is_mixture(each):
            source = each if isinstance(each, StyleSource) else StyleSource(each)
            found.append(replace(source, weight=source.weight * share, regions=source.regions if own is None else own))
            continue
        if own is not None:
            raise ConfigError(f"style_regions: {file_name(each)} is a mixture, whose pictures have maps of their own")
        sources = read_mixture(each)  # type: ignore[arg-type]
        total = sum(source.weight for source in sources)
        found += [replace(source, weight=source.weight / total * share) for source in sources]
    return tuple(found)


def _one_each(name: str, values: object, styles: Sequence[object]) -> Sequence[Any]:
    """Values that are none, or as many as there are styles."""
    each = tuple(sequence(name, values, "a sequence"))
    if each and len(each) != len(styles):
        raise ConfigError(f"{name} must be one for each of {len(styles)} styles. Received: {len(each)}")
    return each


def with_regions_beside(
    content: PictureSource, styles: Sequence[StyleSource]
) -> tuple[RegionSource | None, tuple[StyleSource, ...]]:
    """Take the maps that lie beside pictures, NAME.regions.png, where there are some on both sides.

    A map of the content is taken if any style has one too or is for a region, those of styles if the content has one.

    Returns:
        The map of the content, or None, and the styles with theirs.
    """
    own = regions_beside(content)
    if own is None:
        return None, tuple(styles)
    found = tuple(
        replace(each, regions=regions_beside(each.picture) if each.regions is None else each.regions) for each in styles
    )
    paired = any(each.region or each.regions is not None for each in found)
    return (own, found) if paired else (None, tuple(styles))


def is_mixture(source: object) -> bool:
    """Whether something is the path of a file that mixes styles, as its name tells."""
    return isinstance(source, str | os.PathLike) and os.fsdecode(os.fspath(source)).lower().endswith(MIXTURE_SUFFIX)


def read_mixture(path: str | os.PathLike[str]) -> tuple[StyleSource, ...]:
    """Read the styles of a mixture from a TOML file.

    It holds tables `[[style]]` with `picture`, a path as seen from the file's folder, and if wanted `weight` (1),
    `scale` (1) and `region` ("#rrggbb"), as in `StyleSource`. The pictures are not opened.

    Raises:
        PictureError: in one line, for a file that cannot be read or is no such thing.
    """
    name = file_name(path)
    with open_file(path) as file:
        text = file.read(_LARGEST_FILE + 1)
    try:
        if len(text) > _LARGEST_FILE:
            raise ConfigError("is larger than 1 MiB; name a mixture of styles")
        return _mixture(read_toml(text.decode("utf-8")), Path(path).parent)
    except ConfigError as error:
        raise PictureError(f"{name}: {error}") from None
    except ValueError as error:  # of TOML's form, of UTF-8, or of a number too long to be read
        raise PictureError(f"{name}: is not TOML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise PictureError(f"{name}: is nested too deeply") from None


def _mixture(data: Mapping[str, Any], folder: Path) -> tuple[StyleSource, ...]:
    named_settings("the file", data, ("style",))
    styles = data.get("style")
    if not isinstance(styles, list) or not 1 <= len(styles) <= _MOST_STYLES:
        raise ConfigError(f"a mixture has 1 to {_MOST_STYLES} tables [[style]], each with a picture")
    sources = tuple(_style(style, folder) for style in styles)
    if not 0 < sum(source.weight for source in sources) < math.inf:
        raise ConfigError("the weights of the styles must have a finite sum above 0")
    return sources


def _style(style: object, folder: Path) -> StyleSource:
    settings = named_settings("style", style, _KEYS)
    path_text("picture", settings.get("picture"), "the path of a picture, seen from this file's folder")
    if is_mixture(settings["picture"]):
        raise ConfigError(expected("picture", "a picture, no mixture", settings["picture"]))
    return StyleSource(**{**settings, "picture": folder / settings["picture"]})
