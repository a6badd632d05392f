"""A trained network as a file that anyone can keep: a `.keras` file, with its settings and provenance inside.

It is a zip file as Keras writes it, so that `keras.saving.load_model` opens it too. What is ours stands in its
metadata.json, under "nst": the network's settings, what it was trained on, and the identity of its weights.

A description of layers can name code that is run when they are built. So the reader looks at no such description: it
builds the network itself, from the settings, and takes from the file arrays of the shapes that network has.
"""

from __future__ import annotations

import io
import json
import os
import stat
import tempfile
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nstcore.errors import ConfigError, NetworkFileError
from nstcore.feedforward.settings import NetworkSettings
from nstcore.networks.weights.arrays import Arrays, digest
from nstcore.networks.weights.failures import SourceError, one_line
from nstcore.pictures.picture_files import file_name
from nstcore.system.files import write_whole
from nstcore.system.refusals import refused

if TYPE_CHECKING:
    import keras

#: What such a file's name ends in; Keras asks for it.
NETWORK_SUFFIX = ".keras"

_METADATA, _DESCRIPTION, _WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_MEMBERS = {_METADATA, _DESCRIPTION, _WEIGHTS}
#: Raised when files change so that older programs cannot read them.
_FORMAT = 1
_LARGEST_METADATA, _LARGEST_DESCRIPTION = 2**20, 2**24
# What HDF5 adds to the arrays: measured at 0.2 MiB with five blocks.
_LARGEST_OVERHEAD = 2**24


@dataclass(frozen=True)
class TrainedNetwork:
    """A network and where it came from.

    Attributes:
        model: RGB (B, H, W, 3), 0 to 255, to the same.
        settings: its shape.
        provenance: what its training left of itself, plain data.
        sha256: identity of its weights, the same on every machine and backend (hexadecimal).
    """

    model: keras.Model
    settings: NetworkSettings
    provenance: Mapping[str, Any]
    sha256: str


@dataclass(frozen=True)
class NetworkMetadata:
    """What a file says of its network, see `TrainedNetwork`."""

    settings: NetworkSettings
    provenance: Mapping[str, Any]
    sha256: str


def save_network(path: str | os.PathLike[str], model: keras.Model, provenance: Mapping[str, Any]) -> None:
    """Write a network to a file that is whole or absent.

    Args:
        path: of the file, which ends in ".keras"; its folder must exist.
        model: of `build_network`.
        provenance: what it was trained on and how; anything that JSON can hold.

    Raises:
        ConfigError: the path ends otherwise, the network is another, or the provenance cannot be written.
        NetworkFileError: the weights are not finite.
        OutputError: the file cannot be written.
    """
    if Path(path).suffix != NETWORK_SUFFIX:
        raise ConfigError(f"a network is kept in a file that ends in {NETWORK_SUFFIX}. Received: {file_name(path)}")
    write_whole(path, encode_network(model, provenance))


def encode_network(model: keras.Model, provenance: Mapping[str, Any]) -> bytes:
    """The bytes of the file that `save_network` writes. Raises what that does of the network and its provenance."""
    from nstcore.feedforward.network import build_network, settings_of
    from nstcore.networks.weights.network import assign, read_arrays

    settings, arrays = settings_of(model), read_arrays(model)
    # A copy, because a network that was compiled for training is written with its optimizer.
    copy = build_network(settings)
    try:
        assign(copy, arrays)
    except SourceError as error:
        raise NetworkFileError(f"a network cannot be kept: {one_line(error)}") from None
    copy.trainable = True
    with tempfile.TemporaryDirectory(prefix="nstcore-") as folder:
        place = Path(folder) / f"network{NETWORK_SUFFIX}"
        with warnings.catch_warnings():
            # Keras has NumPy copy TensorFlow's variables, which do not take the keyword that NumPy 2 copies with.
            warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy", DeprecationWarning)
            copy.save(place)
        with zipfile.ZipFile(place) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    ours = {"format": _FORMAT, "network": settings.to_dict(), "sha256": digest(arrays), "provenance": dict(provenance)}
    members[_METADATA] = _json({**json.loads(members[_METADATA]), "nst": ours})
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


def load_network(path: str | os.PathLike[str], metadata: NetworkMetadata | None = None) -> TrainedNetwork:
    """Read a network from a file of `save_network`; nothing that the file describes is built or run.

    What is read of it before it is known to be one is bounded, and so is what is built by its own size.

    Args:
        path: of the file.
        metadata: what `read_metadata` gave for it, if that was asked already.

    Raises:
        NetworkFileError: in one line, what is wrong with the file.
    """
    from nstcore.feedforward.network import build_network
    from nstcore.networks.weights.network import assign

    metadata = metadata or read_metadata(path)
    model = build_network(metadata.settings)
    try:
        arrays = _arrays(Path(path), model)
        if digest(arrays) != metadata.sha256:
            raise SourceError("it is damaged: its weights are not those that were written; get a whole copy")
        assign(model, arrays)
    except SourceError as error:
        raise NetworkFileError(f"{file_name(path)}: {one_line(error)}") from error
    except OSError as error:
        raise NetworkFileError(refused(error, file_name(path), "read")) from error
    model.trainable = True
    return TrainedNetwork(model, metadata.settings, metadata.provenance, metadata.sha256)


def read_metadata(path: str | os.PathLike[str]) -> NetworkMetadata:
    """Look at a file without importing Keras, before anything is computed.

    Raises:
        NetworkFileError: as `load_network`, as far as it shows without reading the weights.
    """
    name = file_name(path)
    try:
        status = os.stat(path)  # before it is opened, because opening a pipe waits for its writer
        if not stat.S_ISREG(status.st_mode):
            raise SourceError("is no ordinary file; name one of nst train")
        return _metadata(Path(path))
    except SourceError as error:
        raise NetworkFileError(f"{name}: {one_line(error)}") from error
    except (zipfile.BadZipFile, EOFError, RuntimeError) as error:  # the last: it is encrypted, or packed by other means
        raise NetworkFileError(f"{name}: it is damaged or cut short ({one_line(error)}); get a whole copy") from error
    except OSError as error:
        raise NetworkFileError(refused(error, name, "read")) from error
    except ValueError as error:  # a path that cannot be one
        raise NetworkFileError(f"{name}: {one_line(error)}") from error


def _metadata(path: Path) -> NetworkMetadata:
    from nstcore.networks.weights.trial import try_out

    if not zipfile.is_zipfile(path):
        raise SourceError(f"it is no {NETWORK_SUFFIX} file, or is cut short; name one of nst train, whole")
    try_out(path)  # also a list of members can be without end
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        names = [member.filename for member in members]
        sizes = {member.filename: member.file_size for member in members}
        if _METADATA not in sizes or sizes[_METADATA] > _LARGEST_METADATA:
            raise SourceError("it is no network of nst train")
        for member in members:
            # Keras stores without compressing. So nothing can grow beyond the size of the file.
            if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
                raise SourceError(f"it is no network of nst train: {member.filename!r} in it is compressed")
        ours = _ours(archive.read(_METADATA))
    if set(names) != _MEMBERS or len(names) != len(_MEMBERS):
        odd = next((name for name in names if name not in _MEMBERS or names.count(name) > 1), None)
        what = f"it lacks {min(_MEMBERS - set(names))}" if odd is None else f"it holds {odd[:80]!r} besides or twice"
        raise SourceError(f"it is no network as nst train writes it: {what}")
    arrays = 4 * ours.settings.weights
    if not arrays <= sizes[_WEIGHTS] <= arrays + _LARGEST_OVERHEAD or sizes[_DESCRIPTION] > _LARGEST_DESCRIPTION:
        raise SourceError(
            f"it is no network as nst train writes it: its weights take {sizes[_WEIGHTS]} bytes, and those of the "
            f"network that it says it is take {arrays}"
        )
    return ours


def _ours(content: bytes) -> NetworkMetadata:
    try:
        metadata = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise SourceError(f"it is damaged: its {_METADATA} cannot be read; get a whole copy") from None
    ours = metadata.get("nst") if isinstance(metadata, dict) else None
    if not isinstance(ours, dict):
        raise SourceError("it is a network of Keras, but none of nst train, and others are not run")
    if ours.get("format") != _FORMAT:
        raise SourceError("it was written by a newer nst; update this one")
    sha256, provenance = ours.get("sha256"), ours.get("provenance")
    if not isinstance(sha256, str) or not isinstance(provenance, dict):
        raise SourceError(f"it is damaged: its {_METADATA} is incomplete; get a whole copy")
    try:
        return NetworkMetadata(NetworkSettings.from_dict(ours.get("network", ())), provenance, sha256)
    except ConfigError as error:
        raise SourceError(f"it says that it is a network that cannot be: {error}") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _arrays(path: Path, model: keras.Model) -> Arrays:
    from nstcore.networks.weights.fitting import fit
    from nstcore.networks.weights.keras_files import opened

    with opened(path) as stored:
        own = sum(bool(layer.weights) for layer in model.layers)
        if len(stored.layers) != own:
            raise SourceError(f"it has {len(stored.layers)} layers with weights, and its network {own}")
        return fit(stored, model)


def _json(data: Mapping[str, Any]) -> bytes:
    try:
        content = json.dumps(data, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"the provenance of a network must be what JSON can hold ({one_line(error)})") from None
    if len(content) > _LARGEST_METADATA:
        raise ConfigError(f"the provenance of a network takes more than {_LARGEST_METADATA} bytes")
    return content
