"""Luigi targets that know how to write and read what they hold. A file is whole or absent.

What the system refuses is an `InputError` or `OutputError` that names the file.
"""

from __future__ import annotations

import json
import os
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi
import numpy as np

from nstcore import OutputError, StyleTransferError, WeightsError
from nstcore.networks.weights import Provenance, locate
from nstcore.pictures.images import encode_png, read_picture, write_picture
from nstcore.result import Trace, TransferResult
from nstcore.system.files import reading, whole_or_absent
from nstcore.system.places import keep, make_folder, require_folder
from pipeline.grid.expansion import Grid
from pipeline.measures import judges
from pipeline.report import gallery

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nstcore.targets import Targets


class FileStore(luigi.LocalTarget):
    """One file. Writing it again replaces it, which Luigi's own temporary paths refuse to do."""

    def written(self) -> AbstractContextManager[Path]:
        """Give a temporary path that takes the file's place when the block ends without an error."""
        make_folder(Path(self.path).parent)
        return whole_or_absent(self.path)


class TextStore(FileStore):
    """A text file."""

    def dump(self, text: str) -> None:
        with self.written() as path:
            path.write_text(text, encoding="utf-8", newline="")

    def load(self) -> str:
        with reading(self.path):
            return Path(self.path).read_text(encoding="utf-8")


def json_text(data: Any) -> str:
    """Data as a JSON file holds it.

    A path that is not UTF-8 holds surrogates. Written as \\udc80, which JSON knows too, they come back.
    """
    text = json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class JsonStore(TextStore):
    """A dictionary as JSON."""

    def dump(self, data: Any) -> None:
        super().dump(json_text(data))

    def load(self) -> Any:
        return json.loads(super().load())


class GalleryStore(JsonStore):
    """What the folder of a report holds of pictures. It is there while all of them are."""

    def exists(self) -> bool:
        return bool(super().exists()) and gallery.is_whole(Path(self.path).parent, self.load())


class GridStore(TextStore):
    """The plan of a grid. Every report of the grid reads it, so it is parsed once per version of the file."""

    def dump(self, grid: Grid) -> None:  # type: ignore[override]
        super().dump(grid.to_json())

    def load(self) -> Grid:  # type: ignore[override]
        with reading(self.path):
            return _load_grid(self.path, os.stat(self.path).st_mtime_ns)


@lru_cache(maxsize=4)
def _load_grid(path: str, mtime_ns: int) -> Grid:
    return Grid.from_json(Path(path).read_text(encoding="utf-8"))


class FigureStore(FileStore):
    """A figure, as the suffix says."""

    def dump(self, figure: Figure) -> None:
        from pipeline.report.plots import save

        make_folder(Path(self.path).parent)
        save(figure, self.path)


class VectorFigureStore(FigureStore):
    """A figure as PNG, and as SVG beside it."""

    def vector(self) -> FigureStore:
        return FigureStore(os.fspath(Path(self.path).with_suffix(".svg")))

    def exists(self) -> bool:
        return bool(super().exists() and self.vector().exists())

    def dump(self, figure: Figure) -> None:
        self.vector().dump(figure)
        super().dump(figure)  # last: when it was written counts as when both were


class TargetsStore(FileStore):
    """What the losses keep of a picture, as .npz: loss/layer/array."""

    def dump(self, targets: Targets) -> None:
        with self.written() as path:
            np.savez(path, **targets.to_arrays())  # type: ignore[arg-type]

    def load(self) -> Targets:
        from nstcore.targets import Targets

        with reading(self.path), np.load(self.path) as arrays:
            return Targets.from_arrays(dict(arrays))


class WeightsStore(luigi.Target):
    """Trained weights at hand on this machine; `nstcore.networks.weights` keeps them."""

    def __init__(self, backbone: str, weights: str) -> None:
        self._names = (backbone, weights)

    def exists(self) -> bool:
        try:
            return locate(*self._names) is not None
        except StyleTransferError:
            return False  # fetching them says what is wrong

    def load(self) -> Provenance:
        provenance = locate(*self._names)
        if provenance is None:
            raise WeightsError(
                f"{self._names[0]}: the weights ({self._names[1]}) that were at hand are gone; run again"
            )
        return provenance


class JudgeStore(luigi.Target):
    """The weights of a network of `pipeline.measures.judges.NETWORKS`, at hand on this machine."""

    def __init__(self, network: str) -> None:
        self._network = network

    def exists(self) -> bool:
        return judges.locate(self._network) is not None


class CellStore(luigi.Target):
    """The folder of a finished cell: result.png, trace.csv, and manifest.json, which is written last."""

    def __init__(self, folder: Path) -> None:
        self.path = os.fspath(folder)
        self._picture = folder / "result.png"
        self._trace = TextStore(os.fspath(folder / "trace.csv"))
        self._manifest = JsonStore(os.fspath(folder / "manifest.json"))

    def exists(self) -> bool:
        return os.path.exists(self._picture) and self._trace.exists() and self._manifest.exists()

    def finished_at(self) -> float:
        """When the cell was written, seconds since the epoch."""
        return os.stat(self._manifest.path).st_mtime

    def require_place(self) -> None:
        """See that the cell can be written, before it is made.

        Raises:
            OutputError: if it cannot.
        """
        require_folder(self.path)

    def dump(self, result: TransferResult, manifest: dict[str, Any]) -> None:
        """Write the files of a cell; where its folder does not take them, they are kept elsewhere.

        Raises:
            OutputError: if they could not be written in their place, saying where they are.
        """
        try:
            make_folder(self.path)
            write_picture(self._picture, result.image)
            self._trace.dump(result.trace.to_csv())
            self._manifest.dump(manifest)
        except OutputError as error:
            raise OutputError(f"{error}; {self._kept(result, manifest)}") from error

    def _kept(self, result: TransferResult, manifest: dict[str, Any]) -> str:
        """Keep the files under the path that they have in `cells`, so that the folder can be laid over it."""
        folder = Path(*Path(self.path).parts[-3:])
        files = {
            self._picture: encode_png(result.image),
            Path(self._trace.path): result.trace.to_csv().encode(),
            Path(self._manifest.path): json_text(manifest).encode(),
        }
        return keep({str(folder / path.name): content for path, content in files.items()})

    def picture(self) -> np.ndarray:
        return read_picture(self._picture)

    def picture_path(self) -> Path:
        return self._picture

    def trace(self) -> Trace:
        return Trace.from_csv(self._trace.load().splitlines())

    def manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = self._manifest.load()
        return manifest
