"""The states of cells that are being made, in their folders: another process goes on with a cell from there."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import PurePath
from typing import Any, BinaryIO

import numpy as np

from nstcore.checkpoint import Checkpoint, read_kept
from nstcore.errors import OutputError
from pipeline import storage
from pipeline.grid.cell import Cell
from pipeline.grid.digest import ENGINE_VERSION, cell_digest, refined_digest
from pipeline.outputs.strips import StripRecorder, arrays_of, take_up
from pipeline.storage.folders import folders_in
from pipeline.storage.places import remote

logger = logging.getLogger("luigi-interface")

#: What the state of a cell is called in its folder.
STATE_NAME = "state.npz"


def lineage(cell: Cell) -> str:
    """The digest of a cell whatever its iterations: of a longer transfer a shorter one is the beginning."""
    weights = cell.weights_identity("content")
    made = cell.ingredients
    content = made.content_identity if made else cell.content_sha256
    style = made.style_identity if made else cell.style_sha256
    if cell.network:
        return refined_digest(content, cell.network.digest, replace(cell.config, iterations=1))
    return cell_digest(content, style, weights, replace(cell.config, iterations=1))


class StateStore:
    """The state of a cell, or of several that are made together, in the folder of the first.

    Cells that are made together are taken up together, in the same order, or are begun anew.
    """

    def __init__(self, cells: Mapping[PurePath, Cell], *, keep: bool) -> None:
        """Take cells by their folders, and whether states stay when cells are done."""
        self._folders, self._cells = list(cells), list(cells.values())
        self._keep = keep

    @property
    def path(self) -> PurePath:
        return self._folders[0] / STATE_NAME

    def checkpoint(self, every: float, recorders: Sequence[StripRecorder] = ()) -> Checkpoint | None:
        """What a transfer of the cells keeps its state with, as `Checkpoint` says; None for none at all.

        Args:
            recorders: of each cell its frames, which are kept with the state; () for none.
        """
        if not self._cells or not (every or self._keep):
            return None
        made_from = {"cells": " ".join(map(lineage, self._cells)), "engine version": ENGINE_VERSION}
        kept = partial(arrays_of, recorders)
        return Checkpoint(
            self._load, self._writing, every, self._keep, made_from, self._tell, kept, partial(self._take_up, recorders)
        )

    def are_done(self) -> None:
        """Have no state any more, unless states stay. One that cannot be removed is told of, and does no harm."""
        if not self._cells or self._keep:
            return
        try:
            storage.remove(self.path)
        except OutputError as error:
            self._tell(str(error))

    def _take_up(self, recorders: Sequence[StripRecorder], arrays: Mapping[str, np.ndarray]) -> None:
        if not take_up(recorders, arrays):
            self._tell("its strip of snapshots begins here: the state that was kept has none")

    def _load(self) -> bytes | None:
        content = read_kept_at(self.path)
        shorter = self._shorter() if content is None else None
        return read_kept_at(shorter) if shorter else content

    def _shorter(self) -> PurePath | None:
        """The kept state of the same cell with fewer iterations; of several the one with the most."""
        cell, found = self._cells[0], {}
        for folder in folders_in(self._folders[0].parent):
            state = folder / STATE_NAME
            if not folder.name.startswith(f"{cell.backbone}-") or not storage.exists(state):
                continue
            manifest = _manifest(folder)
            iterations = manifest.get("config", {}).get("iterations", 0)
            if manifest.get("lineage") == lineage(cell) and iterations < cell.config.iterations:
                found[iterations] = state
        return found[max(found)] if found else None

    def _writing(self) -> AbstractContextManager[BinaryIO]:
        return storage.writing_into(self.path)

    def _tell(self, line: str) -> None:
        cell = self._cells[0]
        others = f" and {len(self._cells) - 1} more" if self._cells[1:] else ""
        logger.warning("%s × %s, %s%s: %s", cell.content, cell.style, cell.series.label, others, line)


def read_kept_at(path: PurePath) -> bytes | None:
    """What a file holds; None if there is none."""
    if remote(path):
        return storage.read(path) if storage.exists(path) else None
    return read_kept(path)


def _manifest(folder: PurePath) -> dict[str, Any]:
    """The manifest of a cell, if it is whole."""
    try:
        found = json.loads(storage.read(folder / "manifest.json"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
