"""What is transferred: a content picture, and the pictures whose style it takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nstcore.checks import number
from nstcore.config import TransferConfig
from nstcore.errors import ConfigError
from nstcore.networks.backbones import get_backbone
from nstcore.pictures.images import Picture, PictureSource, load, size_at
from nstcore.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Style:
    """A style picture, and its share.

    Attributes:
        picture: uint8 (H, W, 3), RGB.
        weight: its factor among the styles of a scene, >= 0; they are made to sum to 1.
    """

    picture: Picture
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class Scene:
    """One transfer's pictures.

    Attributes:
        content: uint8 (H, W, 3), RGB; the result has its size.
        styles: one or more.

    Raises:
        ConfigError: when built with weights that cannot be.
    """

    content: Picture
    styles: tuple[Style, ...]

    def at(self, recipe: Recipe) -> Scene:
        """The same pictures at the size of a recipe.

        Raises:
            PictureError: for a picture that is too small for the backbone.
        """
        return load_scene(self.content, [style.picture for style in self.styles], recipe, self.shares)

    def __post_init__(self) -> None:
        weights = [number("the weight of a style", style.weight) for style in self.styles]
        if not 0 < sum(weights) < math.inf:
            raise ConfigError(f"the weights of the styles must have a finite sum above 0. Received: weights={weights}")

    @property
    def shares(self) -> tuple[float, ...]:
        """The weights of the styles, made to sum to 1."""
        total = sum(style.weight for style in self.styles)
        return tuple(style.weight / total for style in self.styles)

    def fits(self, size: int, smallest_side: int) -> bool:
        """Whether every picture, resized to a longest side, is large enough for a network."""
        pictures = (self.content, *(style.picture for style in self.styles))
        return all(min(size_at(picture, size)) >= smallest_side for picture in pictures)


def load_picture(source: PictureSource, config: TransferConfig) -> Picture:
    """Read a picture as a configuration asks for it: `load` at its size, for its backbone."""
    backbone = get_backbone(config.backbone)
    return load(source, config.size, smallest_side=backbone.smallest_side, backbone=backbone.name)


def load_scene(
    content: PictureSource, styles: Sequence[PictureSource], recipe: Recipe, weights: Sequence[float] = ()
) -> Scene:
    """Read the pictures of a transfer, at the size of a recipe.

    Raises:
        PictureError: for a picture that cannot be read or is too small for the backbone.
    """
    backbone = get_backbone(recipe.network.backbone)
    pictures = [
        load(source, recipe.size, smallest_side=backbone.smallest_side, backbone=backbone.name)
        for source in (content, *styles)
    ]
    shares = tuple(weights) or (1.0,) * len(styles)
    return Scene(pictures[0], tuple(Style(*style) for style in zip(pictures[1:], shares, strict=True)))
