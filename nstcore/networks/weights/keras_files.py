"""Files in which Keras keeps weights, as layers and arrays, whatever the network and before any array is read.

Classic: the `.h5` of Keras 2, weights or a whole model. Its groups are the layers, listed in the network's order.
Present: `.weights.h5`, and the same inside the zip file `.keras`. Its groups are named by a layer's kind and number.
"""

from __future__ import annotations

import contextlib
import errno
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import h5py

from nstcore.networks.weights.failures import SourceError
from nstcore.networks.weights.hdf5_parts import Parts, Variable, text

#: Where the present format keeps the layers; the second name is that of Keras 2.13.
_PRESENT_ROOTS = ("layers", "_layer_checkpoint_dependencies")
_WEIGHTS_IN_ZIP = "model.weights.h5"


@dataclass(frozen=True)
class StoredLayer:
    """A layer that has weights.

    Attributes:
        name: as its network called it; "" where the file does not say.
        variables: its arrays, in the order of the file.
    """

    name: str
    variables: tuple[Variable, ...]


@dataclass(frozen=True)
class StoredNetwork:
    """What a file holds.

    Attributes:
        layers: by place. In a classic file the places are "0", "1", … in the network's order; in the present format
            kind and number ("conv2d_3"), a nested layer's after that of the layer around it.
        names: of all layers, also of those without weights.
        is_classic: which of the two formats it is.
        title: the name of the model, "" where the file does not say.
    """

    layers: Mapping[str, StoredLayer]
    names: tuple[str, ...]
    is_classic: bool
    title: str


@contextlib.contextmanager
def opened(path: Path) -> Iterator[StoredNetwork]:
    """Open a file of either format; its arrays can be read while it is open.

    Raises:
        SourceError: it is none, or is damaged. Also what the block meets in a damaged file is raised as this.
        OSError: it cannot be opened or read.
    """
    with contextlib.ExitStack() as stack:
        plain: IO[bytes] = stack.enter_context(path.open("rb"))
        title = ""
        try:
            if zipfile.is_zipfile(plain):
                archive = stack.enter_context(zipfile.ZipFile(plain))
                plain = stack.enter_context(tempfile.TemporaryFile(prefix="nstcore-"))
                title = _unzip(archive, plain)
            if not _is_hdf5(plain):
                raise SourceError("it is no weights file of Keras (.weights.h5, .h5 or .keras)")
            file = stack.enter_context(h5py.File(plain, "r"))
            yield _survey(file, Parts(), title)
        except (OSError, RuntimeError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # the system's, not HDF5's own
                raise
            raise SourceError(f"it is damaged or cut short ({error})") from error


def _is_hdf5(file: IO[bytes]) -> bool:
    file.seek(0)
    signature = file.read(8)
    file.seek(0)
    return signature == b"\x89HDF\r\n\x1a\n"


def _unzip(archive: zipfile.ZipFile, unzipped: IO[bytes]) -> str:
    """Write the weights in a `.keras` file to another, and return the name of the model."""
    try:
        member = archive.getinfo(_WEIGHTS_IN_ZIP)
    except KeyError:
        raise SourceError(f"it is a zip file without {_WEIGHTS_IN_ZIP}") from None
    # Keras stores without compressing. So no file can grow beyond its own size.
    if member.compress_type != zipfile.ZIP_STORED:
        raise SourceError(f"{_WEIGHTS_IN_ZIP} in it is compressed, which Keras never does; save the model again")
    with archive.open(member) as weights:
        shutil.copyfileobj(weights, unzipped, 2**20)
    description = next((each for each in archive.infolist() if each.filename == "config.json"), None)
    if description is None or description.compress_type != zipfile.ZIP_STORED:
        return ""
    return _title(archive.read(description))


def _title(model_config: str | bytes) -> str:
    """The name in the description of a model; nothing of the description is built."""
    try:
        return str(json.loads(model_config)["config"]["name"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _survey(file: h5py.File, parts: Parts, title: str) -> StoredNetwork:
    group = parts.member(file, "model_weights") if "model_weights" in file else file
    if "layer_names" in group.attrs or "layer_names0" in group.attrs:
        return _survey_classic(parts, group, _title(text(file, "model_config")))
    root = next((name for name in _PRESENT_ROOTS if name in file), None)
    if root is None:
        raise SourceError(f"it holds no layers as Keras keeps them; its parts: {', '.join(list(file)[:5]) or 'none'}")
    layers: dict[str, StoredLayer] = {}
    names = []
    for place, variables in _groups_of_variables(parts, parts.member(file, root), ""):
        # A name of a nested layer says nothing: it may be that of a layer outside.
        name = text(variables, "name") if "/" not in place else ""
        names.append(name)
        if len(variables):
            numbers = sorted(variables, key=lambda number: (len(number), number))
            arrays = (Variable("", parts.member(variables, number)) for number in numbers)
            layers[place] = StoredLayer(name, tuple(arrays))
    return StoredNetwork(layers, tuple(filter(None, names)), is_classic=False, title=title)


def _groups_of_variables(parts: Parts, group: h5py.Group, place: str) -> Iterator[tuple[str, h5py.Group]]:
    """Every group "vars" below a group, and the place of the layer that it belongs to."""
    for name in group:
        child = parts.member(group, name)
        if not isinstance(child, h5py.Group):
            raise SourceError(f"{child.name} is an array where a layer belongs")
        if name == "vars":
            yield place, child
        else:
            yield from _groups_of_variables(parts, child, f"{place}/{name}" if place else name)


def _survey_classic(parts: Parts, group: h5py.Group, title: str) -> StoredNetwork:
    names = parts.listed(group, "layer_names")
    # What belongs to the whole model is listed apart; networks of `keras.applications` have nothing there.
    apart = [name for name in ("top_level_model_weights",) if name in group]
    layers: dict[str, StoredLayer] = {}
    for name in (*names, *apart):
        layer = parts.member(group, name)
        weights = parts.listed(layer, "weight_names")
        if weights:
            variables = (Variable(_plain(each), parts.member(layer, each)) for each in weights)
            layers[str(len(layers))] = StoredLayer(name, tuple(variables))
    return StoredNetwork(layers, tuple(names), is_classic=True, title=title)


def _plain(name: str) -> str:
    """ "kernel" of "block1_conv1/kernel:0"."""
    return name.rpartition("/")[2].partition(":")[0]
