"""What is transferred: a content picture, and the pictures whose style it takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from nstcore.checks import number
from nstcore.config import TransferConfig
from nstcore.errors import ConfigError
from nstcore.networks.backbones import get_backbone
from nstcore.pictures.images import Picture, to_uint8
from nstcore.pictures.region_map import RegionMap, color_name
from nstcore.pictures.resizing import AnyPicture, resize, resize_to, size_at
from nstcore.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Style:
    """A style picture, and its share.

    Attributes:
        picture: uint8 (H, W, 3), RGB; or float32, nominally 0 to 255, where it was given the content's colors
            (`nstcore.coloring.compared`).
        weight: its factor among the styles of a scene, >= 0; they are made to sum to 1.
        scale: what it was read at, besides the `style_scale` of the settings.
        region: the color of the content's region that takes this style; "" for all that no style asks for.
        regions: the map of its own regions; None if it has none.
    """

    picture: AnyPicture
    weight: float = 1.0
    scale: float = 1.0
    region: str = ""
    regions: RegionMap | None = None


@dataclass(frozen=True)
class Pairing:
    """A style, the region of the content that takes it, and the part of it that is taken.

    Attributes:
        style: its place in the scene.
        share: its factor; those of a scene sum to 1.
        content_region: the region's color in the content's map; "" for the whole picture.
        style_region: likewise in the style's own.
    """

    style: int
    share: float
    content_region: str = ""
    style_region: str = ""


@dataclass(frozen=True, eq=False)
class Scene:
    """One transfer's pictures.

    Attributes:
        content: uint8 (H, W, 3), RGB; the result has its size.
        styles: one or more.
        regions: the map of the content's regions; None if it has none.
        start: the picture to start from where the settings name one, uint8 (h, w, 3) of any size, else None.
        before: what a smaller run has come to, uint8 (h, w, 3); None before the first.

    Raises:
        ConfigError: when built with weights that cannot be, or with regions of which none has a style.
    """

    content: Picture
    styles: tuple[Style, ...]
    regions: RegionMap | None = None
    start: Picture | None = None
    before: Picture | None = None

    def progressed(self, share: float) -> Picture:
        """The content picture, changed by a share of what a smaller run has changed of it; its details stay.

        uint8 (H, W, 3).
        """
        if self.before is None or share == 0.0:
            return self.content
        own, (height, width) = resize_to(self.content, *self.before.shape[:2]), self.content.shape[:2]
        change = np.subtract(*(resize_to(one, height, width).astype(np.float32) for one in (self.before, own)))
        return to_uint8(self.content + share * change)

    def at(self, recipe: Recipe) -> Scene:
        """The same pictures, which have to fit, at the size of a recipe."""
        config = recipe.config
        styles = (replace(one, picture=resize(one.picture, config.style_side(one.scale))) for one in self.styles)
        return replace(self, content=resize(self.content, config.size), styles=tuple(styles))

    def __post_init__(self) -> None:
        weights = [number("the weight of a style", style.weight) for style in self.styles]
        if not 0 < sum(weights) < math.inf:
            raise ConfigError(f"the weights of the styles must have a finite sum above 0. Received: weights={weights}")
        self.pairings  # noqa: B018 - says what cannot be paired

    @property
    def shares(self) -> tuple[float, ...]:
        """The weights of the styles, made to sum to 1."""
        total = sum(style.weight for style in self.styles)
        return tuple(style.weight / total for style in self.styles)

    @cached_property
    def pairings(self) -> tuple[Pairing, ...]:
        """What takes what: every style for the whole picture, or region by region.

        A region takes the styles that ask for it. Where none does it takes those that ask for no region: of each the
        region of the same color, or all of a picture without a map. Regions that take none are left to the other
        losses. Within a region the styles share as their weights say, and all regions that take one weigh the same.
        """
        of_styles = [style for style in self.styles if style.region or style.regions]
        if self.regions is None:
            if of_styles:
                what = f"is for the region {of_styles[0].region}" if of_styles[0].region else "has a map of regions"
                raise ConfigError(f"a style {what}, but the content picture has no map of regions (NAME.regions.png)")
            return tuple(Pairing(place, share) for place, share in enumerate(self.shares))
        if not of_styles:
            raise ConfigError("the content picture has a map of regions, but no style has one or is for one of them")
        by_region = [taken for color in self.regions.colors if (taken := self._taken_by(color))]
        if not by_region:
            raise ConfigError(
                f"the regions of the content picture ({', '.join(self.regions.colors)}) and those of the styles have "
                "no color in common"
            )
        return tuple(replace(each, share=each.share / len(by_region)) for taken in by_region for each in taken)

    def _taken_by(self, color: str) -> list[Pairing]:
        """What a region of the content takes, shares of 1 in all; nothing if there is none for it."""
        assert self.regions is not None
        wanted = {place: self._region_of(style) for place, style in enumerate(self.styles)}
        places = [place for place, region in wanted.items() if region == color]
        places = places or [place for place, region in wanted.items() if not region]
        taken = []
        for place in places:
            style = self.styles[place]
            own = style.regions.find(color) if style.regions else ""
            # A style that asks for a region gives it all of its picture, unless its map has that color.
            if own is not None or style.region:
                taken.append(Pairing(place, style.weight, color, own or ""))
        total = sum(each.share for each in taken)
        return [replace(each, share=each.share / total) for each in taken] if total else []

    def _region_of(self, style: Style) -> str:
        """The region that a style asks for, as the content's map calls it."""
        assert self.regions is not None
        if not style.region:
            return ""
        found = self.regions.find(color_name(style.region))
        if found is None:
            raise ConfigError(
                f"a style is for the region {style.region}, but those of the content picture are "
                f"{', '.join(self.regions.colors)}"
            )
        return found

    @property
    def unpaired(self) -> tuple[str, ...]:
        """The regions of the content that take no style."""
        taken = {pairing.content_region for pairing in self.pairings}
        return tuple(color for color in self.regions.colors if color not in taken) if self.regions else ()

    @property
    def has_regions(self) -> bool:
        """Whether styles are taken region by region."""
        return any(pairing.content_region for pairing in self.pairings)

    @property
    def guides(self) -> int:
        """How many pairings need a guide."""
        return len(self.pairings) if self.has_regions else 0

    def fits(self, config: TransferConfig) -> bool:
        """Whether every picture, resized as settings ask, is large enough for their network."""
        least = get_backbone(config.backbone).smallest_side
        sides: list[tuple[AnyPicture, int, int]] = [(self.content, config.size, config.reader.smallest_side)]
        sides += [(style.picture, config.style_side(style.scale), least) for style in self.styles]
        return all(min(size_at(picture, side)) >= smallest for picture, side, smallest in sides)


def coarse_levels(scenes: Sequence[Scene], recipe: Recipe) -> list[tuple[Recipe, list[int]]]:
    """The smaller runs, in order, and the scenes that each is for.

    A large picture is stylised small first, and starts from that, enlarged: a layer sees as many pixels of a large
    picture as of a small one, so that alone a large picture gets the style's small structures only (Gatys et al. 2017,
    "Controlling Perceptual Factors", do the same for high resolution). Sizes at which a narrow picture would be too
    small for the backbone are left out.
    """
    levels = [
        (level, [row for row, scene in enumerate(scenes) if scene.fits(level.config)]) for level in recipe.coarse()
    ]
    return [(level, rows) for level, rows in levels if rows]


def require_regions(recipe: Recipe) -> None:
    """See that every loss of the style can be told which positions count.

    Raises:
        ConfigError: naming those that cannot.
    """
    blind = [name for name, loss in recipe.losses if loss.reads == "style" and loss.layers and not loss.regions]
    if blind:
        raise ConfigError(
            f"the loss {', '.join(blind)} cannot compare single regions; leave it out, or the maps of regions "
            "(nst --no-regions)"
        )
