"""A network that was trained for a style, as a Luigi target that knows how to write and read what it holds."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import luigi
import numpy as np

from nstcore import InputError
from nstcore.feedforward.training_trace import TrainingTrace
from pipeline import storage
from pipeline.outputs.cell_files import MANIFEST, STRIP, TRACE, differing
from pipeline.outputs.damaged import set_aside
from pipeline.outputs.folder_store import FolderStore
from pipeline.outputs.strips import Strip, frames_of
from pipeline.storage.sealed import DamagedError, FileRecord, damage, identity_of, read_sealed

NETWORK = "network.keras"
#: The files of a network's folder.
NETWORK_FILES = NETWORK, TRACE, STRIP, MANIFEST

logger = logging.getLogger("luigi-interface")


class NetworkStore(FolderStore, luigi.Target):
    """The folder of a network: network.keras, trace.csv, strip.webp of a held-out photograph, and manifest.json.

    The manifest is written last, and speaks of the others.
    """

    def exists(self) -> bool:
        return storage.exists(self._folder / MANIFEST) and not self.damage()

    def damage(self, *, to_the_bit: bool = False) -> str:
        """Which file is not as it was written, and how; "" for a whole network, and for one that is not made yet.

        Args:
            to_the_bit: whether the files are read; else it is a glance.
        """
        written = storage.version(self._folder / MANIFEST)
        if written is None:
            return ""
        try:
            noted = self._noted()
        except InputError as error:
            return str(error).removeprefix(f"{self._folder}/")
        if to_the_bit:
            return differing(self._folder, noted)
        found = ((name, damage(self._folder / name, record, written)) for name, record in noted.items())
        return next((f"{name} {how}" for name, how in found if how), "")

    def identity(self) -> str:
        """What tells this network from one made another time; "" if there is none."""
        return identity_of(self._folder / MANIFEST) if self.exists() else ""

    def set_aside_damaged(self) -> None:
        """Put the files of a damaged network where nobody takes them for one, and tell of it."""
        if found := self.damage():
            moved = set_aside(self._folder, NETWORK_FILES)
            logger.warning("%s: %s; set aside in %s, and trained anew", self.path, found, moved)

    def dump(self, network: bytes, trace: TrainingTrace, manifest: Mapping[str, Any], strip: Strip | None) -> None:
        """Write the files of a network; where its folder does not take them, they are kept elsewhere.

        Raises:
            OutputError: if they could not be written in their place, saying where they are.
        """
        self._write({NETWORK: network, TRACE: trace.to_csv().encode()}, manifest, strip)

    def manifest(self) -> dict[str, Any]:
        """What is known of the network.

        Raises:
            InputError: if it cannot be read; `DamagedError`, if it is not as it was written.
        """
        return read_sealed(self._folder / MANIFEST)

    def record(self) -> FileRecord:
        """Size and SHA-256 of the network's file."""
        return self._noted()[NETWORK]

    @contextmanager
    def at_hand(self) -> Iterator[Path]:
        """Give a file of this machine with the network.

        Raises:
            DamagedError: if it is not the one that was trained. The next run sets it aside and trains it anew.
        """
        self._require(NETWORK)
        with storage.at_hand(self._folder / NETWORK) as path:
            yield path

    def trace(self) -> TrainingTrace:
        """The curve of its training; raises what `at_hand` does."""
        self._require(TRACE)
        return TrainingTrace.from_csv(storage.read(self._folder / TRACE).decode().splitlines())

    def frames(self) -> list[tuple[int, np.ndarray]]:
        """What it made of a held-out photograph, each after so many steps, uint8 (H, W, 3); raises what `at_hand` does.

        Nothing, if no pictures were taken.
        """
        manifest, place = self.manifest(), self._folder / STRIP
        if "strip" not in manifest:
            return []
        self._require(STRIP)
        steps = [int(frame["iteration"]) for frame in manifest["strip"]["frames"]]
        return list(zip(steps, frames_of(storage.read(place), manifest["strip"], place), strict=True))

    def _noted(self) -> dict[str, FileRecord]:
        manifest = self.manifest()
        files = manifest.get("files")
        if not isinstance(files, dict) or not {NETWORK, TRACE} <= files.keys():
            raise DamagedError(f"{self._folder / MANIFEST}: lacks what a manifest says")
        if not self._folder.name.endswith(f"-{manifest.get('digest')}"):
            raise DamagedError(f"{self._folder / MANIFEST}: is that of another network")
        return files

    def _require(self, name: str) -> None:
        if found := damage(self._folder / name, self._noted()[name]):
            raise DamagedError(f"{self._folder / name}: {found}; run the grid again, and it is trained anew")
