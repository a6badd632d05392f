"""What a transfer does about colors: which pictures are compared, and what is done to the result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nstcore.config import Coloring
from nstcore.errors import ConfigError
from nstcore.pictures import color
from nstcore.pictures.hues import with_hues_of_style
from nstcore.pictures.images import Picture, resize_to, to_uint8
from nstcore.pictures.luminance import luminance, of_luminance
from nstcore.result import TransferResult
from nstcore.scene import Scene, Style
from nstcore.snapshots import Snapshots


def compared(scene: Scene, coloring: Coloring) -> Scene:
    """The scene whose pictures are compared in place of the ones that were given.

    Raises:
        ConfigError: for colors that cannot be taken region by region.
    """
    if coloring == "style-hues" and scene.has_regions:
        raise ConfigError('color="style-hues" takes the hues of whole styles; leave it out, or the maps of regions')
    if coloring in ("style", "style-hues"):
        return scene
    content = color.gray(scene.content) if coloring == "luminance" else scene.content
    return replace(
        scene, content=content, styles=tuple(_recolored(style, scene.content, coloring) for style in scene.styles)
    )


def started(picture: NDArray[np.float32], coloring: Coloring) -> NDArray[np.float32]:
    """The picture to start from: without colors where none are compared, or iterations would go into removing them."""
    if coloring != "luminance":
        return picture
    return of_luminance(luminance(picture)).astype(np.float32)


def finished(image: Picture, scene: Scene, coloring: Coloring) -> Picture:
    """The picture that a transfer gives, of the one that was optimised; `scene` is the one that was given."""
    return to_uint8(unrounded(image, scene, coloring))


def unrounded(pixels: NDArray[Any], scene: Scene, coloring: Coloring) -> NDArray[Any]:
    """The same of pixels (H, W, 3), nominally 0 to 255, and not rounded."""
    if coloring == "style-hues":
        styles = [(style.picture, share) for style, share in zip(scene.styles, scene.shares, strict=True)]
        return with_hues_of_style(pixels, scene.content, styles)
    return color.with_colors_of(pixels, scene.content) if coloring == "luminance" else pixels


def as_given(result: TransferResult, scene: Scene, coloring: Coloring) -> TransferResult:
    """The result of a scene that was given, of the one whose pictures were compared."""
    pixels = result.pixels
    if pixels is not None:
        pixels = np.clip(unrounded(pixels, scene, coloring), 0.0, 255.0).astype(np.float32)
    return replace(result, image=finished(result.image, scene, coloring), pixels=pixels)


def finishing(snapshots: Snapshots, scene: Scene, coloring: Coloring) -> Snapshots:
    """Snapshots of pictures as they would be given at last; `scene` is the one that was given."""

    def take(size: int, iteration: int, picture: Picture) -> None:
        content = resize_to(scene.content, *picture.shape[:2])
        snapshots.take(size, iteration, finished(picture, replace(scene, content=content), coloring))

    return replace(snapshots, take=take)


def _recolored(style: Style, content: Picture, coloring: Coloring) -> Style:
    picture = style.picture
    if coloring == "luminance":
        return replace(style, picture=color.with_luminance_of(picture, content))
    if coloring == "match":
        return replace(style, picture=to_uint8(color.with_covariance_of(picture, content)))
    return replace(style, picture=color.with_histogram_of(picture, content))
