"""Weights in a file of the user's own: Keras' `.weights.h5` and `.keras`, or the `.h5` of Keras 2; with or without a
classifier."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from nstcore.errors import WeightsError
from nstcore.networks.backbones import BACKBONES, get_backbone
from nstcore.networks.weights.arrays import Arrays
from nstcore.networks.weights.failures import SourceError, one_line
from nstcore.networks.weights.provenance import Provenance
from nstcore.system.places import expand_home
from nstcore.system.refusals import refused

if TYPE_CHECKING:
    import keras

    from nstcore.networks.weights.keras_files import StoredNetwork


def find(backbone: str, path: str) -> Path | None:
    """The file a user means: the path itself, or in a folder the first of the names below that exists; else None.

    `<backbone>.weights.h5`, `<backbone>.h5`, `<backbone>.keras`, and the names under which Keras publishes its files,
    without and with the classifier.

    Raises:
        ConfigError: the path begins with a home folder that is not known.
        WeightsError: it cannot be looked at.
    """
    place = expand_home(path, "weights")
    published = f"{'inception_v3' if backbone == 'inceptionv3' else backbone}_weights_tf_dim_ordering_tf_kernels"
    names = (
        f"{backbone}.weights.h5",
        f"{backbone}.h5",
        f"{backbone}.keras",
        f"{published}_notop.h5",
        f"{published}.h5",
    )
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
        sha256 = _sha256(str(path), state.st_size, state.st_mtime_ns, state.st_ino)
    except OSError as error:
        raise WeightsError(refused(error, path, "read")) from error
    return Provenance(backbone, f"file {path}", "", sha256)


def load(backbone: str, path: Path, network: keras.Model) -> Arrays:
    """Read the arrays of a file for a network.

    Raises:
        WeightsError: in one line, what the file seems to be and what was expected.
    """
    from nstcore.networks.weights.fitting import fit
    from nstcore.networks.weights.keras_files import opened
    from nstcore.networks.weights.trial import try_out

    try:
        try_out(path)
        with opened(path) as stored:
            try:
                return fit(stored, network)
            except SourceError as error:
                raise SourceError(_misfit(backbone, stored, network, error)) from error
    except SourceError as error:
        raise WeightsError(f"weights file {path} does not fit {backbone}: {one_line(error)}") from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _misfit(backbone: str, stored: StoredNetwork, network: keras.Model, reason: SourceError) -> str:
    from nstcore.networks.weights.likeness import likeness

    expected = get_backbone(backbone).application
    seems = likeness(stored)
    if seems == expected:
        return f"it has the size of {expected}, but {reason}; name a file of Keras' own {expected}"
    layers = f"{len(stored.layers)} layers with weights"
    title = f'a network named "{stored.title[:40]}"' if stored.title else "no network of keras.applications"
    other = next((name for name, known in BACKBONES.items() if known.application == seems), None)
    remedy = f"; name a file of {expected}" + (f", or take the backbone {other}" if other else "")
    count = sum(bool(layer.weights) for layer in network.layers)
    return (
        f"it seems to be {seems or title} ({layers}), expected {expected} ({count}) and besides at most a classifier: "
        f"{reason}{remedy}"
    )


def _unreadable(path: Path, error: OSError) -> WeightsError:
    return WeightsError(f"cannot read the weights {path}: {error.strerror or error}")


@functools.lru_cache(maxsize=64)
def _sha256(path: str, _size: int, _modified: int, _inode: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
