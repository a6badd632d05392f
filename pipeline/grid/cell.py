"""A cell of a grid: one style transfer, planned; and one that cannot be, with the reason."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from nstcore import PictureError, TransferConfig
from nstcore.loading import load_picture, load_start, load_style
from nstcore.pictures.region_map import LONGEST_SIDE, RegionMap, read_regions
from nstcore.pictures.side_by_side import side_by_side
from nstcore.recipe import resolve
from nstcore.scene import Scene, Style, require_regions
from nstcore.system.files import encodable
from pipeline.grid.digest import Kind, batch_digest
from pipeline.grid.feedforward import NetworkPlan
from pipeline.grid.ingredients import Ingredients, PictureFile, StyleFile, picture_identity
from pipeline.grid.series import USUAL, Method, Series, Variant, method_of


@dataclass(frozen=True, repr=False)
class Cell:
    """One style transfer of a grid.

    Attributes:
        content, style: the pictures' names in paths and reports.
        content_path, style_path: where the pictures are.
        content_sha256, style_sha256: `picture_identity` of the pictures when the grid was planned.
        config: resolved settings.
        weights_sha256: identity of the backbone's weights.
        content_weights_sha256: and of those of the network that the content is seen through, "" if it is the same.
        digest: identity of everything that affects the pixels.
        ingredients: all files, where they are more than two pictures: styles mixed, or maps of regions. `style_sha256`
            is then their `style_identity` if the style is a mixture.
        height, width: of the picture that is made, pixels; 0 until `reject_bad_pictures` has decoded it.
        preset: the named settings that `config` was made from.
        variant: what the study varied and to what. Cells of different variants may be one and the same picture.
        network: the network that was trained for the style and gives the picture, or what it is optimised from; None
            where it is optimised alone.
        method: how its picture comes about.
    """

    content: str
    style: str
    content_path: str
    style_path: str
    content_sha256: str
    style_sha256: str
    config: TransferConfig
    weights_sha256: str
    digest: str
    height: int = 0
    width: int = 0
    preset: str = ""
    variant: Variant = ()
    content_weights_sha256: str = ""
    ingredients: Ingredients | None = None
    network: NetworkPlan | None = None
    method: Method = USUAL

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Cell:
        """Read what `to_dict` and JSON made of a cell."""
        found, network = data.get("ingredients"), data.get("network")
        return cls(
            **{
                **data,
                "config": _config_of(json.dumps(data["config"], sort_keys=True)),
                "variant": read_variant(data),
                "ingredients": None if found is None else Ingredients.from_dict(found),
                "network": None if network is None else NetworkPlan.from_dict(network),
            }
        )

    def __repr__(self) -> str:
        # Luigi writes out what it makes a task of, for an error that there may be.
        return f"Cell({self.content} × {self.style}, {self.series.label}, {self.digest})"

    def __hash__(self) -> int:
        # Tasks are looked up by their cells, again and again; of all settings the digest is enough to tell most apart.
        return hash((self.content, self.style, self.digest))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, not to be changed: cells of the same settings share them."""
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in ("network", "method")}
        ingredients = None if self.ingredients is None else asdict(self.ingredients)
        network = {} if self.network is None else {"network": self.network.to_dict()}
        return {
            **own,
            "config": _config_data(_Itself(self.config)),
            "ingredients": ingredients,
            **network,
            **method_of(self),
        }

    @cached_property
    def batch(self) -> str:
        """What this cell shares with those that it can be evaluated together with; "" if there are none.

        Those are cells of one picture size, if that is known, and one number of styles; of one and the same style, if a
        loss asks for styles of one size. How many there are of each region is known when the maps have been looked at,
        so that cells with regions are made one at a time.
        """
        if not self.height or self.has_regions or self.network:
            return ""
        same = self.style_sha256 if any(loss.keeps_positions for _, loss in resolve(self.config).losses) else ""
        weights = self.weights_identity("content")
        return batch_digest(weights, self.config, self.height, self.width, len(self.styles), same)

    def networks(self, kind: Kind = "content") -> dict[tuple[str, str], str]:
        """What the losses see a picture through, with a content picture as the style too: checksums of the weights.

        By (backbone, weights).
        """
        found = {(self.config.backbone, self.config.weights): self.weights_sha256}
        if kind == "content" and self.content_weights_sha256:
            found[self.config.content_backbone, self.config.weights] = self.content_weights_sha256
        return found

    def weights_identity(self, kind: Kind) -> str:
        """The checksums of `networks`, as digests take them."""
        return "+".join(self.networks(kind).values())

    @property
    def backbone(self) -> str:
        return self.config.backbone

    @property
    def series(self) -> Series:
        return Series(self.backbone, self.variant, self.method)

    def sha256(self, kind: Kind) -> str:
        return self.content_sha256 if kind == "content" else self.style_sha256

    @property
    def styles(self) -> tuple[StyleFile, ...]:
        """The style picture, or those of a mixture."""
        if self.ingredients is not None:
            return self.ingredients.styles
        return (StyleFile(PictureFile(self.style_path, self.style_sha256)),)

    @property
    def content_regions(self) -> PictureFile | None:
        """The map of the content's regions, if it counts."""
        return None if self.ingredients is None else self.ingredients.content_regions

    @property
    def shares(self) -> tuple[float, ...]:
        """The weights of the styles, made to sum to 1."""
        total = sum(style.weight for style in self.styles)
        return tuple(style.weight / total for style in self.styles)

    @property
    def has_regions(self) -> bool:
        """Whether styles are taken region by region."""
        return self.content_regions is not None

    def load_picture(self, kind: Kind) -> np.ndarray:
        """Read one of the two pictures as its backbone is to see it, or those of a mixture side by side.

        Returns:
            uint8 (H, W, 3).

        Raises:
            PictureError: if it cannot be read, or is not what it was when the grid was planned.
        """
        if kind == "content" or len(self.styles) == 1:
            return self.load_file(kind)
        return side_by_side([self.load_file(kind, place) for place in range(len(self.styles))], self.config.size)

    def pictures(self) -> list[PictureFile]:
        """The content picture, and those of the style."""
        return [self.file("content").picture, *(style.picture for style in self.styles)]

    def file(self, kind: Kind, place: int = 0) -> StyleFile:
        """The content picture, or one of those of the style."""
        if kind == "style":
            return self.styles[place]
        return StyleFile(PictureFile(self.content_path, self.content_sha256), regions=self.content_regions)

    def load_file(self, kind: Kind, place: int = 0) -> np.ndarray:
        """Read one picture as its backbone is to see it. Raises what `load_picture` does."""
        file, style = self.file(kind, place), kind == "style"
        _require_unchanged(file.picture, self.config.style_side(file.scale) if style else self.config.size)
        path = file.picture.path
        return load_style(path, self.config, file.scale) if style else load_picture(path, self.config)

    def load_scene(self) -> Scene:
        """Read everything that the cell is made from. Raises what `load_picture` does, and:

        Raises:
            ConfigError: if the regions of content and styles, or the losses, do not go together.
        """
        content, styles = self.load_picture("content"), []
        for place, style in enumerate(self.styles):
            picture = self.load_file("style", place)
            styles.append(Style(picture, style.weight, style.scale, style.region, _regions(style.regions, picture)))
        regions = _regions(self.content_regions, content)
        scene = Scene(content, tuple(styles), regions, load_start(self.config))
        if scene.has_regions:
            require_regions(resolve(self.config))
        return scene


@dataclass(frozen=True)
class RejectedCell:
    """A cell that cannot be computed, and the line that says why. A skipped one is no failure of the run."""

    content: str
    style: str
    backbone: str
    reason: str
    preset: str = ""
    variant: Variant = ()
    skipped: bool = False
    method: Method = USUAL

    @property
    def series(self) -> Series:
        return Series(self.backbone, self.variant, self.method)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "method"}
        return {**own, **method_of(self)}


class _Itself:
    """A configuration that is like no other: equal ones may differ in what they write, 1 or 1.0."""

    def __init__(self, config: TransferConfig) -> None:
        self.config = config

    def __hash__(self) -> int:
        return id(self.config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self.config is other.config


@lru_cache(maxsize=1000)
def _config_data(of: _Itself) -> dict[str, Any]:
    return asdict(of.config)


@lru_cache(maxsize=1000)
def _config_of(text: str) -> TransferConfig:
    return TransferConfig.from_dict(json.loads(text))


def _regions(file: PictureFile | None, picture: np.ndarray) -> RegionMap | None:
    if file is None:
        return None
    _require_unchanged(file, LONGEST_SIDE)
    return read_regions(file.path, picture)


def _require_unchanged(file: PictureFile, size: int) -> None:
    if picture_identity(file.path, size) != file.sha256:
        raise PictureError(f"{encodable(file.path)}: changed while the grid was running; run it again")


def identity(cell: Cell | RejectedCell) -> tuple[str, ...]:
    """What tells a cell from the others of its grid."""
    variant = itertools.chain.from_iterable(cell.variant)
    return cell.content, cell.style, cell.backbone, *variant, *method_of(cell).values()


def read_variant(data: Mapping[str, Any]) -> Variant:
    """What JSON made of a cell's variant; cells of before there were studies have none."""
    return tuple((name, value) for name, value in data.get("variant", ()))
