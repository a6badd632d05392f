"""A cell as a Luigi target that knows how to write and read what it holds."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import luigi
import numpy as np

from nstcore import InputError
from nstcore.pictures.images import encode_png, read_picture
from nstcore.result import Trace, TransferResult
from pipeline import storage
from pipeline.outputs.cell_files import (
    CELL_FILES,
    MANIFEST,
    PICTURE,
    STRIP,
    TRACE,
    differing,
    look,
    noted_files,
    read_manifest,
    require_noted,
)
from pipeline.outputs.damaged import set_aside
from pipeline.outputs.folder_store import FolderStore
from pipeline.outputs.strips import Strip, frames_of
from pipeline.storage.sealed import DamagedError, damage, identity_of

logger = logging.getLogger("luigi-interface")


class CellStore(FolderStore, luigi.Target):
    """The folder of a cell: result.png, trace.csv, strip.webp if it keeps snapshots, and manifest.json.

    The manifest is written last, and speaks of the others.
    """

    def exists(self) -> bool:
        return look(self._folder).is_whole

    def damage(self) -> str:
        """Which file is not as it was written, and how; "" for a whole cell, and for one that is not made yet."""
        return look(self._folder).damage

    def identity(self) -> str:
        """What tells this cell from one made another time."""
        return identity_of(self._folder / MANIFEST)

    def set_aside_damaged(self, *, to_the_bit: bool = False) -> None:
        """Put the files of a damaged cell where nobody takes them for one, and tell of it.

        Args:
            to_the_bit: whether its files are read; else it is a glance.
        """
        if damage := self.damage() or (differing(self._folder, noted_files(self._folder)) if to_the_bit else ""):
            moved = set_aside(self._folder, CELL_FILES)
            logger.warning("%s: %s; set aside in %s, and made anew", self.path, damage, moved)

    def dump(self, result: TransferResult, manifest: Mapping[str, Any], strip: Strip | None = None) -> None:
        """Write the files of a cell; where its folder does not take them, they are kept elsewhere.

        Raises:
            OutputError: if they could not be written in their place, saying where they are.
        """
        self._write({PICTURE: encode_png(result.image), TRACE: result.trace.to_csv().encode()}, manifest, strip)

    def picture(self) -> np.ndarray:
        """The picture, uint8 (H, W, 3).

        Raises:
            DamagedError: if it is not the one that was made. The next run sets the cell aside and makes it anew.
        """
        require_noted(self._folder, PICTURE)
        with storage.at_hand(self.picture_path()) as path:
            return read_picture(path)

    def picture_path(self) -> PurePath:
        return self._folder / PICTURE

    def picture_sha256(self) -> str:
        """SHA-256 of the picture that was made; of a cell whose manifest does not say so, of the one that is there."""
        noted = self.manifest().get("files")
        return str(noted[PICTURE]["sha256"]) if noted else storage.sha256(self.picture_path())

    def strip(self) -> tuple[PurePath, str] | None:
        """The file of the strip, and the SHA-256 of what was written there; None for a cell without one."""
        noted = noted_files(self._folder).get(STRIP)
        return (self._folder / STRIP, noted["sha256"]) if noted else None

    def frames(self) -> list[np.ndarray]:
        """The frames of the strip, uint8 (H, W, 3) each.

        Raises:
            InputError: if the cell has none; `DamagedError`, if they are not those that were made.
        """
        manifest, place = self.manifest(), self._folder / STRIP
        if "strip" not in manifest:
            raise InputError(
                f"{self.path}: it has no snapshots; remove that folder and make its grid with --snapshots 24"
            )
        if found := damage(place, manifest["files"][STRIP]):
            raise DamagedError(f"{place}: {found}; run the grid again, and the cell is made anew")
        return frames_of(storage.read(place), manifest["strip"], place)

    def trace(self) -> Trace:
        """The trace; raises what `picture` does."""
        require_noted(self._folder, TRACE)
        return Trace.from_csv(storage.read(self._folder / TRACE).decode().splitlines())

    def manifest(self) -> dict[str, Any]:
        return read_manifest(self._folder)
