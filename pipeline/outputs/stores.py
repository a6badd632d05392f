"""Luigi targets that know how to write and read what they hold. A file is whole or absent.

What the system refuses is an `InputError` or `OutputError` that names the file.
"""

from __future__ import annotations

import errno
import logging
import os
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import luigi
import numpy as np

from nstcore import InputError, StyleTransferError, WeightsError
from nstcore.errors import one_line
from nstcore.networks.weights import Provenance, locate
from nstcore.networks.weights.arrays import digest
from pipeline import storage
from pipeline.grid.expansion import Grid
from pipeline.measures import judges
from pipeline.outputs.damaged import set_aside
from pipeline.storage.places import place_at
from pipeline.storage.sealed import DamagedError, identity_of, read_sealed, seal_of, sealed, with_seal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nstcore.targets import Targets

logger = logging.getLogger("luigi-interface")


class FileStore(luigi.Target):
    """One file."""

    def __init__(self, path: storage.Place) -> None:
        self.path = os.fspath(path)

    def exists(self) -> bool:
        return storage.exists(self.path)

    def paths(self) -> list[str]:
        """Every file that is written."""
        return [self.path]

    def written(self) -> AbstractContextManager[Path]:
        """Give a temporary path that takes the file's place when the block ends without an error."""
        return storage.writing(self.path)

    def remove(self) -> None:
        """Remove the file if it is there."""
        storage.remove(self.path)


class TextStore(FileStore):
    """A text file."""

    def dump(self, text: str) -> None:
        storage.write(self.path, text.encode("utf-8"))

    def load(self) -> str:
        return storage.read(self.path).decode("utf-8")


class JsonStore(FileStore):
    """A dictionary as sealed JSON. A damaged one is not there, and told of when it is made anew."""

    #: What it always has, also where no seal vouches for it.
    needs: ClassVar[tuple[str, ...]] = ()

    def exists(self) -> bool:
        return bool(super().exists()) and not self.damage()

    def damage(self) -> str:
        """How the file is not as it was written, in one line; "" if it is, and where there is none."""
        return _damage(cast(Any, type(self)), self.path, storage.version(self.path))

    def identity(self) -> str:
        """What tells what it holds from anything else."""
        return identity_of(self.path)

    def dump(self, data: Any) -> None:
        if damage := self.damage():
            logger.warning("%s; it is made anew", damage)
        storage.write(self.path, self.sealed(data))

    def sealed(self, data: Any) -> bytes:
        """The bytes of the file."""
        return sealed(data)

    def require_whole(self) -> None:
        """See that it is to the last bit what was written.

        Raises:
            DamagedError: if it is not.
        """
        self.load()

    def load(self) -> Any:
        """What was written.

        Raises:
            InputError: if it cannot be read; `DamagedError`, if it is not what was written.
        """
        data = read_sealed(self.path)
        if not data.keys() >= set(self.needs):
            raise DamagedError(f"{self.path}: is not what was written there")
        return data


class MeasuresStore(JsonStore):
    """What a finished picture measures."""

    needs = ("measures", "unmeasured")


class VerdictsStore(JsonStore):
    """What became of a paper's claims."""

    needs = ("key", "page", "claims", "failed", "diverged")


@lru_cache(maxsize=100_000)
def _damage(store: Any, path: str, seen: storage.Version | None) -> str:
    if seen is None:
        return ""
    try:
        store(path).load()
    except DamagedError as error:
        return str(error)
    except InputError:
        return ""  # of a file that may not be read nothing is known; to load it says so
    return ""


class GridStore(JsonStore):
    """The plan of a grid. Every report of the grid reads it, so it is parsed once per version of the file."""

    def sealed(self, data: Grid) -> bytes:
        return with_seal(data.to_json().encode())

    def load(self) -> Grid:
        return _load_grid(self.path, storage.version(self.path))


@lru_cache(maxsize=4)
def _load_grid(path: str, _: storage.Version | None) -> Grid:
    content = storage.read(path)
    seal_of(content, path)
    try:
        return Grid.from_json(content.decode("utf-8"))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise DamagedError(f"{path}: is no plan of a grid (cut, garbage, or of another version)") from None


class FigureStore(FileStore):
    """A figure, as the suffix says."""

    def dump(self, figure: Figure) -> None:
        from pipeline.report.plots import encode

        storage.write(self.path, encode(figure, Path(self.path).suffix))


class VectorFigureStore(FigureStore):
    """A figure as PNG, and as SVG beside it."""

    def vector(self) -> FigureStore:
        return FigureStore(os.fspath(place_at(self.path).with_suffix(".svg")))

    def paths(self) -> list[str]:
        return [self.path, self.vector().path]

    def exists(self) -> bool:
        return bool(super().exists() and self.vector().exists())

    def dump(self, figure: Figure) -> None:
        self.vector().dump(figure)
        super().dump(figure)


class TargetsStore(FileStore):
    """What the losses keep of a picture, as .npz: loss/layer/array, and a digest of them all."""

    def exists(self) -> bool:
        return bool(super().exists()) and not self.damage()

    def damage(self) -> str:
        """How the file has not the form of a whole one, in one line; "" if it has, and where there is none."""
        return _damage_of_npz(self.path, storage.version(self.path))

    def dump(self, targets: Targets) -> None:
        arrays = targets.to_arrays()
        with self.written() as path:
            np.savez(path, **{_DIGEST: np.array(digest(arrays))}, **arrays)  # type: ignore[arg-type]

    def load(self) -> Targets:
        """What was kept.

        Raises:
            InputError: if it cannot be read; `DamagedError`, if it is not to the last bit what was written.
        """
        from nstcore.targets import Targets

        return Targets.from_arrays(self._arrays())

    def require_whole(self) -> None:
        """See that it is to the last bit what was written.

        Raises:
            DamagedError: if it is not.
        """
        self._arrays()

    def _arrays(self) -> dict[str, np.ndarray]:
        try:
            with storage.opened(self.path) as file, np.load(file, allow_pickle=False) as stored:
                arrays = dict(stored)
        except MemoryError:
            raise
        except Exception as error:  # whatever a damaged file does to its readers
            # A file that sends its reader to a place before its own beginning is damaged, too.
            if isinstance(error, InputError) and getattr(error.__cause__, "errno", None) != errno.EINVAL:
                raise
            raise DamagedError(f"{self.path}: is damaged ({one_line(error)})") from error
        written = arrays.pop(_DIGEST, None)  # targets of before have none; the format itself knows most damage
        if written is not None and str(written) != digest(arrays):
            raise DamagedError(f"{self.path}: was changed since it was written")
        return arrays

    def set_aside(self, damage: str) -> None:
        """Put the file where nobody takes it for one, and tell of its damage."""
        logger.warning("%s; set aside in %s, and made anew", damage, set_aside(place_at(self.path)))


# No loss has a name without a slash in its arrays.
_DIGEST = "sha256"


@lru_cache(maxsize=100_000)
def _damage_of_npz(path: str, seen: storage.Version | None) -> str:
    if seen is None:
        return ""
    if not seen.size:
        return f"{path}: is empty"
    head, tail = storage.ends(path, 4, 22)
    return "" if (head, tail[:4]) == (b"PK\3\4", b"PK\5\6") else f"{path}: is no whole .npz"


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
