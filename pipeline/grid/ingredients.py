"""What a cell is made from: files, each with the identity of its bytes, and what is asked of it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from nstcore import PictureError, TransferConfig
from nstcore.mixture import StyleSource, is_mixture, style_sources, with_regions_beside
from nstcore.pictures.images import reading_scale_of
from nstcore.pictures.picture_files import file_name
from nstcore.pictures.region_map import LONGEST_SIDE
from nstcore.system.refusals import refused
from pipeline.grid.digest import file_sha256, readable_sha256


@dataclass(frozen=True)
class PictureFile:
    """A file that holds a picture or a map of regions.

    Attributes:
        path: where it is.
        sha256: its `picture_identity`.
    """

    path: str
    sha256: str


@dataclass(frozen=True)
class StyleFile:
    """A style picture of a cell, as `nstcore.StyleSource` says it.

    Attributes:
        picture: the file.
        regions: the map of its regions; None if none counts.
    """

    picture: PictureFile
    weight: float = 1.0
    scale: float = 1.0
    region: str = ""
    regions: PictureFile | None = None


@dataclass(frozen=True)
class Ingredients:
    """The files of a cell.

    Attributes:
        content, styles: the pictures.
        content_regions: the map of the content's regions; None if none counts.
        mixture: SHA-256 of the file that mixes the styles; "" if the style is a picture.
    """

    content: PictureFile
    styles: tuple[StyleFile, ...]
    content_regions: PictureFile | None = None
    mixture: str = ""

    @classmethod
    def of(cls, content: Path, style: Path, config: TransferConfig) -> Ingredients:
        """Look the files of a content and a style up, a picture or a mixture. No picture is decoded.

        Raises:
            PictureError: if one cannot be read, or the mixture is none.
        """
        regions, sources = with_regions_beside(content, style_sources(style))
        return cls(
            _file(content, config.size),
            tuple(_style(source, config) for source in sources),
            None if regions is None else _file(regions, LONGEST_SIDE),  # type: ignore[arg-type]
            readable_sha256(style) if is_mixture(style) else "",
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Ingredients:
        """Read what `dataclasses.asdict` and JSON made of them."""
        return cls(
            PictureFile(**data["content"]),
            tuple(_style_from_dict(style) for style in data["styles"]),
            _optional(data["content_regions"]),
            data["mixture"],
        )

    @property
    def content_identity(self) -> str:
        """What identifies all that is read of the content, as part of a cell's digest."""
        return self.content.sha256 + (f" {self.content_regions.sha256}" if self.content_regions else "")

    @property
    def style_identity(self) -> str:
        """The same of the style: of a plain picture its own, of all else a digest of every file and every number."""
        if not self.mixture and self.styles[0].regions is None:
            return self.styles[0].picture.sha256
        named = [{**asdict(style), "picture": style.picture.sha256, "regions": _sum(style)} for style in self.styles]
        return hashlib.sha256(json.dumps([self.mixture, named], sort_keys=True).encode()).hexdigest()

    @property
    def is_plain(self) -> bool:
        """Whether it is one content and one style picture, and nothing else."""
        return not self.mixture and self.content_regions is None


def _style(source: StyleSource, config: TransferConfig) -> StyleFile:
    regions = None if source.regions is None else _file(source.regions, LONGEST_SIDE)  # type: ignore[arg-type]
    picture = _file(source.picture, config.style_side(source.scale))  # type: ignore[arg-type]
    return StyleFile(picture, source.weight, source.scale, source.region, regions)


def _style_from_dict(data: Mapping[str, Any]) -> StyleFile:
    return replace(StyleFile(**data), picture=PictureFile(**data["picture"]), regions=_optional(data["regions"]))


def _optional(data: Mapping[str, Any] | None) -> PictureFile | None:
    return None if data is None else PictureFile(**data)


def _sum(style: StyleFile) -> str:
    return style.regions.sha256 if style.regions else ""


def _file(path: Path, side: int) -> PictureFile:
    return PictureFile(str(path), picture_identity(path, side))


def picture_identity(path: str | Path, size: int) -> str:
    """What identifies the pixels that a cell gets of a picture, before they are resized.

    That is the SHA-256 of its bytes; and for the few that are read reduced (`reading_scale_of`), how far.

    Args:
        size: the longest side that it is read for.

    Raises:
        PictureError: if it cannot be read.
    """
    try:
        status = os.stat(path)
        scale = _reading_scale(os.fspath(path), size, status.st_size, status.st_mtime_ns, status.st_ino)
        return file_sha256(path) + (f" at 1/{scale}" if scale > 1 else "")
    except OSError as error:
        raise PictureError(refused(error, file_name(path), "read")) from error


@lru_cache(maxsize=100_000)
def _reading_scale(path: str, longest_side: int, size: int, mtime_ns: int, inode: int) -> int:
    """Looked up once per version of a file, as its size and time of change tell."""
    return reading_scale_of(path, longest_side)
