"""What the stores of cells and of networks share: a folder whose manifest is written last, and speaks of the others."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from nstcore import OutputError
from nstcore.system.places import keep
from pipeline import storage
from pipeline.outputs.cell_files import MANIFEST, STRIP, with_files
from pipeline.outputs.strips import Strip
from pipeline.storage.folders import require_folder


class FolderStore:
    """A folder with files and a manifest.

    Attributes:
        path: of the folder.
    """

    def __init__(self, folder: PurePath) -> None:
        self.path = os.fspath(folder)
        self._folder = folder

    def require_place(self) -> None:
        """See that the files can be written, before they are made.

        Raises:
            OutputError: if they cannot.
        """
        require_folder(self.path)

    def _write(self, files: Mapping[str, bytes], manifest: Mapping[str, Any], strip: Strip | None) -> None:
        """Write files, a strip, and the manifest; where the folder does not take them, they are kept elsewhere.

        Raises:
            OutputError: if they could not be written in their place, saying where they are.
        """
        written = dict(files)
        if strip:
            written[STRIP] = strip.content
            manifest = {**manifest, "strip": strip.to_dict()}
        written[MANIFEST] = with_files(manifest, written)
        try:
            if not strip and storage.exists(self._folder / STRIP):
                storage.remove(self._folder / STRIP)  # of an earlier one, whose manifest has gone
            for name, content in written.items():
                storage.write(self._folder / name, content)
        except OutputError as error:
            # Under the path that they have in the outputs, so that the folder can be laid over it.
            folder = Path(*self._folder.parts[-3:])
            kept = keep({str(folder / name): content for name, content in written.items()})
            raise OutputError(f"{error}; {kept}") from error
