"""What a transfer does about colors: which pictures are compared, and what is done to the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nstcore.config import Coloring
from nstcore.errors import ConfigError
from nstcore.pictures import color
from nstcore.pictures.hues import with_hues_of_style
from nstcore.pictures.images import Picture, to_uint8
from nstcore.pictures.resizing import resize_to
from nstcore.recipe import Recipe
from nstcore.result import TransferResult
from nstcore.scene import Scene, Style
from nstcore.snapshots import Snapshots

# Raised by hand when other pictures are compared for the same settings; 1 where nothing is said.
_VERSIONS: Mapping[Coloring, int] = {"match": 2, "match-histogram": 2}


def coloring_version(coloring: Coloring) -> int:
    """The version of what is done about colors: what was made with another is not what would be made now."""
    return _VERSIONS.get(coloring, 1)


def compared(scene: Scene, coloring: Coloring) -> Scene:
    """The scene whose pictures are compared in place of the ones that were given.

    A style that is given the content's colors is a picture of real numbers then, neither rounded nor cut off.

    Raises:
        ConfigError: for colors that cannot be taken region by region.
    """
    if coloring == "style-hues" and scene.has_regions:
        raise ConfigError('color="style-hues" takes the hues of whole styles; leave it out, or the maps of regions')
    if coloring in ("style", "style-hues"):
        return scene
    content = color.gray(scene.content) if coloring == "luminance" else scene.content
    return replace(
        scene, content=content, styles=tuple(_style_recolored(style, scene.content, coloring) for style in scene.styles)
    )


def compared_at(scene: Scene, level: Recipe) -> Scene:
    """What is compared in a smaller run of the scene that was given.

    Colors are matched at that size, to those that the content has there: resizing changes covariances, and not those of
    all pictures alike.
    """
    coloring = level.config.color
    if coloring in ("match", "match-histogram"):
        return compared(scene.at(level), coloring)
    return compared(scene, coloring).at(level)


def recolored(pixels: NDArray[Any], scene: Scene, coloring: Coloring) -> NDArray[Any]:
    """What a transfer gives, of the pixels that were optimised; `scene` is the one that was given.

    Pixels are (H, W, 3), nominally 0 to 255, of the scene's size or that of a coarse run; what is given is not rounded.
    """
    if coloring not in ("luminance", "style-hues"):
        return pixels
    content = resize_to(scene.content, *pixels.shape[:2])
    if coloring == "luminance":
        return color.with_colors_of(pixels, content)
    styles = [(style.picture, share) for style, share in zip(scene.styles, scene.shares, strict=True)]
    return with_hues_of_style(pixels, content, styles)


def finishing(snapshots: Snapshots, scene: Scene, coloring: Coloring) -> Snapshots:
    """Snapshots of pictures as they would be given at last; `scene` is the one that was given."""

    def take(size: int, iteration: int, picture: Picture) -> None:
        pixels = recolored(picture, scene, coloring)
        snapshots.take(size, iteration, to_uint8(pixels))

    return replace(snapshots, take=take)


def as_given(result: TransferResult, scene: Scene, coloring: Coloring) -> TransferResult:
    """The result of a scene that was given, of the one whose pictures were compared."""
    image, pixels = recolored(result.image, scene, coloring), result.pixels
    if pixels is not None:
        pixels = np.clip(recolored(pixels, scene, coloring), 0.0, 255.0).astype(np.float32)
    return replace(result, image=to_uint8(image), pixels=pixels)


def _style_recolored(style: Style, content: Picture, coloring: Coloring) -> Style:
    picture = style.picture
    if coloring == "luminance":
        return replace(style, picture=color.with_luminance_of(picture, content))
    matched = color.with_covariance_of if coloring == "match" else color.with_histogram_of
    return replace(style, picture=matched(picture, content).astype(np.float32))
