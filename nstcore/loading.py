"""Read the pictures of a transfer as its settings ask for them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import get_args

from nstcore.config import Initial, TransferConfig
from nstcore.errors import PictureError
from nstcore.mixture import StyleLike, StyleSource, style_sources
from nstcore.networks.backbones import get_backbone
from nstcore.pictures.images import Picture, PictureSource, load, read_picture
from nstcore.pictures.region_map import RegionSource, read_regions
from nstcore.recipe import Recipe
from nstcore.scene import Scene, Style

logger = logging.getLogger("nstcore")


def load_picture(source: PictureSource, config: TransferConfig) -> Picture:
    """Read a content picture as a configuration asks for it: `load` at its size, for its networks."""
    backbone = config.reader
    return load(source, config.size, smallest_side=backbone.smallest_side, backbone=backbone.name)


def load_style(
    source: PictureSource,
    config: TransferConfig,
    scale: float = 1.0,
    on_enlarging: Callable[[str], None] = logger.info,
) -> Picture:
    """Read a style picture as a configuration asks for it, at a scale of its own besides.

    Raises:
        PictureError: for a picture that cannot be read or is too small for the backbone.
    """
    backbone = get_backbone(config.backbone)
    side = config.style_side(scale)
    try:
        return load(
            source, side, smallest_side=backbone.smallest_side, backbone=backbone.name, on_enlarging=on_enlarging
        )
    except PictureError as error:
        if side < config.size and "resized" in str(error):
            raise PictureError(f"{error}, or a larger style scale (it is {config.style_scale * scale:g})") from None
        raise


def load_scene(
    content: PictureSource,
    styles: StyleLike | Sequence[StyleLike],
    config: TransferConfig | Recipe,
    weights: Sequence[float] = (),
    *,
    regions: RegionSource | None = None,
    style_regions: RegionSource | Sequence[RegionSource | None] | None = None,
    on_enlarging: Callable[[str], None] = logger.info,
) -> Scene:
    """Read the pictures of a transfer, at the size of a configuration, and the one to start from as it is.

    Args:
        content: a picture.
        styles, weights, style_regions: as `nstcore.mixture.style_sources` takes them.
        config: the network and the size.
        regions: the map of the content's regions.
        on_enlarging: told of each style picture that has fewer pixels than it is read at.

    Raises:
        PictureError: for a picture that cannot be read or is too small for the backbone.
        ConfigError: for weights or regions that cannot be.
    """
    config = config.config if isinstance(config, Recipe) else config
    sources = style_sources(styles, weights, style_regions)
    picture = load_picture(content, config)
    own = None if regions is None else read_regions(regions, picture)
    return Scene(picture, load_styles(sources, config, on_enlarging), own, load_start(config))


def load_styles(
    sources: Sequence[StyleSource], config: TransferConfig, on_enlarging: Callable[[str], None] = logger.info
) -> tuple[Style, ...]:
    """Read style pictures with their maps of regions, at the size of a configuration. Raises what `load_scene` does."""
    return tuple(_style(each, config, on_enlarging) for each in sources)


def load_start(config: TransferConfig) -> Picture | None:
    """Read the picture that a configuration names to start from, as it is; None where it names none.

    Raises:
        PictureError: if it cannot be read.
    """
    return None if config.init in get_args(Initial) else read_picture(config.init)


def _style(source: StyleSource, config: TransferConfig, on_enlarging: Callable[[str], None]) -> Style:
    picture = load_style(source.picture, config, source.scale, on_enlarging)
    regions = None if source.regions is None else read_regions(source.regions, picture)
    return Style(picture, source.weight, source.scale, source.region, regions)
