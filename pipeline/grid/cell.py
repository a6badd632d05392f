"""A cell of a grid: one style transfer, planned; and one that cannot be, with the reason."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from nstcore import PictureError, TransferConfig
from nstcore.pictures.images import reading_scale_of
from nstcore.scene import load_picture
from nstcore.system.files import encodable
from nstcore.system.refusals import refused
from pipeline.grid.digest import Kind, batch_digest, file_sha256
from pipeline.grid.series import Series, Variant


@dataclass(frozen=True)
class Cell:
    """One style transfer of a grid.

    Attributes:
        content, style: the pictures' names in paths and reports.
        content_path, style_path: where the pictures are.
        content_sha256, style_sha256: `picture_identity` of the pictures when the grid was planned.
        config: resolved settings.
        weights_sha256: identity of the backbone's weights.
        digest: identity of everything that affects the pixels.
        height, width: of the picture that is made, pixels; 0 until `reject_bad_pictures` has decoded it.
        preset: the named settings that `config` was made from.
        variant: what the study varied and to what. Cells of different variants may be one and the same picture.
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

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Cell:
        """Read what `dataclasses.asdict` and JSON made of a cell."""
        return cls(**{**data, "config": TransferConfig.from_dict(data["config"]), "variant": read_variant(data)})

    @cached_property
    def batch(self) -> str:
        """What this cell shares with those that it can be evaluated together with; "" if its size is not known."""
        if not self.height:
            return ""
        return batch_digest(self.weights_sha256, self.config, self.height, self.width)

    @property
    def backbone(self) -> str:
        return self.config.backbone

    @property
    def series(self) -> Series:
        return Series(self.backbone, self.variant)

    def name(self, kind: Kind) -> str:
        return self.content if kind == "content" else self.style

    def path(self, kind: Kind) -> str:
        return self.content_path if kind == "content" else self.style_path

    def sha256(self, kind: Kind) -> str:
        return self.content_sha256 if kind == "content" else self.style_sha256

    def load_picture(self, kind: Kind) -> np.ndarray:
        """Read one of the two pictures as its backbone is to see it: uint8 (H, W, 3).

        Raises:
            PictureError: if it cannot be read, or is not what it was when the grid was planned.
        """
        path = self.path(kind)
        if picture_identity(path, self.config.size) != self.sha256(kind):
            raise PictureError(f"{encodable(path)}: changed while the grid was running; run it again")
        return load_picture(path, self.config)


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

    @property
    def series(self) -> Series:
        return Series(self.backbone, self.variant)


def identity(cell: Cell | RejectedCell) -> tuple[str, ...]:
    """What tells a cell from the others of its grid."""
    return cell.content, cell.style, cell.backbone, *itertools.chain.from_iterable(cell.variant)


def read_variant(data: Mapping[str, Any]) -> Variant:
    """What JSON made of a cell's variant; cells of before there were studies have none."""
    return tuple((name, value) for name, value in data.get("variant", ()))


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
        raise PictureError(refused(error, encodable(str(path)), "read")) from error


@lru_cache(maxsize=100_000)
def _reading_scale(path: str, longest_side: int, size: int, mtime_ns: int, inode: int) -> int:
    """Looked up once per version of a file, as its size and time of change tell."""
    return reading_scale_of(path, longest_side)
