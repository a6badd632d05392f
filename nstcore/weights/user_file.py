"""Weights in a file of the user's own: Keras' `.weights.h5`, or the `.h5` of Keras 2 with or without its classifier."""

from __future__ import annotations

import functools
import hashlib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from nstcore.errors import WeightsError
from nstcore.places import expand_home
from nstcore.refusals import refused
from nstcore.weights.arrays import Arrays
from nstcore.weights.failures import SourceError, one_line
from nstcore.weights.network import named_variables, read_arrays
from nstcore.weights.provenance import Provenance

if TYPE_CHECKING:
    import keras

#: A layer in a classic file: its name and its arrays in the order in which Keras 2 listed them.
_Layer = tuple[str, list[npt.NDArray[Any]]]


def find(backbone: str, path: str) -> Path | None:
    """The file a user means: the path itself, or in a folder the first of the names below that exists; else None.

    `<backbone>.weights.h5`, `<backbone>.h5`, and the names under which Keras publishes its files, without and with
    the classifier.

    Raises:
        ConfigError: the path begins with a home folder that is not known.
        WeightsError: it cannot be looked at.
    """
    place = expand_home(path, "weights")
    published = f"{'inception_v3' if backbone == 'inceptionv3' else backbone}_weights_tf_dim_ordering_tf_kernels"
    names = (f"{backbone}.weights.h5", f"{backbone}.h5", f"{published}_notop.h5", f"{published}.h5")
    try:
        return next((file for file in (place, *(place / name for name in names)) if file.is_file()), None)
    except OSError as error:  # a folder above that may not be looked into, or a name that is too long
        raise WeightsError(refused(error, place, "read")) from error


def is_folder(path: str) -> bool:
    """Whether a user means a folder.

    Raises:
        WeightsError: it cannot be looked at.
    """
    place = expand_home(path, "weights")
    try:
        return place.is_dir()
    except OSError as error:
        raise WeightsError(refused(error, place, "read")) from error


def provenance(backbone: str, path: Path) -> Provenance:
    """Origin of the weights in a file; its identity is the SHA-256 of the file, computed once per process.

    Raises:
        WeightsError: the file cannot be read.
    """
    try:
        state = path.stat()
        sha256 = _sha256(str(path), state.st_size, state.st_mtime_ns)
    except OSError as error:
        raise WeightsError(refused(error, path, "read")) from error
    return Provenance(backbone, f"file {path}", "", sha256)


def load(backbone: str, path: Path, network: keras.Model) -> Arrays:
    """Read the arrays of a file for a network, which may be changed on the way.

    Raises:
        WeightsError: the file is not one of weights, or is for another network.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            group = file.get("model_weights", file)
            if "layer_names" in group.attrs or "layer_names0" in group.attrs:
                return _fit(_read_classic(group), network)
        if not path.name.endswith(".weights.h5"):
            raise SourceError("it is no classic Keras file, and one in Keras' present format is named *.weights.h5")
        return _load_present(path, network)
    except (SourceError, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise WeightsError(f"weights file {path} does not fit {backbone}: {one_line(error)}") from error


@functools.lru_cache(maxsize=64)
def _sha256(path: str, _size: int, _modified: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _load_present(path: Path, network: keras.Model) -> Arrays:
    # Keras warns, and no more, of some layers it finds nothing for; a variable it has set is not NaN any more.
    for _, variable in named_variables(network):
        variable.assign(np.full(tuple(variable.shape), np.nan, np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        network.load_weights(path)
    arrays = read_arrays(network)
    for name, array in arrays.items():
        if np.isnan(array).any():
            raise SourceError(f"it holds no values for {name}, or some that are not numbers")
    return arrays


def _read_classic(group: Any) -> list[_Layer]:
    """Layers that have weights, in the order of the file."""
    layers = []
    for name in _names(group, "layer_names"):
        arrays = [np.asarray(group[name][variable]) for variable in _names(group[name], "weight_names")]
        if arrays:
            layers.append((name, arrays))
    return layers


def _names(group: Any, attribute: str) -> list[str]:
    # HDF5 limits the size of an attribute, so Keras cuts long lists into attribute0, attribute1, …
    if attribute in group.attrs:
        parts = [group.attrs[attribute]]
    else:
        parts = []
        while f"{attribute}{len(parts)}" in group.attrs:
            parts.append(group.attrs[f"{attribute}{len(parts)}"])
    return [name.decode() if isinstance(name, bytes) else str(name) for part in parts for name in part]


def _fit(stored: list[_Layer], network: keras.Model) -> Arrays:
    """Pair the layers of a classic file with those of a network.

    By name where the file knows all the names. Otherwise by position, as Keras does, because the numbers in
    automatic names depend on what else the writing process had built; a classifier at the end is left out.
    """
    wanted = [layer for layer in network.layers if layer.weights]
    by_name = dict(stored)
    if all(layer.name in by_name for layer in wanted):
        pairs = [(layer, by_name[layer.name]) for layer in wanted]
    else:
        extra = stored[len(wanted) :]
        if len(stored) < len(wanted) or any(arrays[0].ndim != 2 for _, arrays in extra):
            raise SourceError(f"it has {len(stored)} layers with weights, the network {len(wanted)}")
        pairs = [(layer, arrays) for layer, (_, arrays) in zip(wanted, stored, strict=False)]
    result: Arrays = {}
    for layer, arrays in pairs:
        if len(arrays) != len(layer.weights):
            raise SourceError(f"layer {layer.name} has {len(arrays)} arrays, the network needs {len(layer.weights)}")
        for variable, array in zip(layer.weights, arrays, strict=True):
            if array.shape != tuple(variable.shape):
                raise SourceError(
                    f"{layer.name}/{variable.name} has shape {array.shape}, the network needs {tuple(variable.shape)}"
                )
            result[f"{layer.name}/{variable.name}"] = array.astype(np.float32)
    return result
