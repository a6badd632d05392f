"""Weights of the networks that judge pictures: each from one pinned package, so that they are the same everywhere.

Nothing else is tried, neither `keras.applications` nor a user's file: two machines whose judges differ could not
compare what they measured.
"""

from __future__ import annotations

import logging

from nstcore.errors import ConfigError, WeightsError
from nstcore.networks.weights import cache
from nstcore.networks.weights.arrays import Arrays, digest
from nstcore.networks.weights.failures import SourceError, one_line
from nstcore.networks.weights.packages import JUDGES, Package
from nstcore.networks.weights.provenance import Provenance

_LOG = logging.getLogger(__name__)


def locate(name: str) -> Provenance | None:
    """Say whether the weights of a judge are in the cache; instant, without network or Keras.

    Raises:
        ConfigError: an unknown judge.
    """
    package, provenance = _package(name), cache.peek(name)
    return provenance if provenance and provenance.archive_sha256 == package.sha256 else None


def fetch(name: str) -> Provenance:
    """Put the weights of a judge into the cache, unless they are there. Of several processes one fetches.

    Raises:
        ConfigError: an unknown judge.
        WeightsError: in one line, why they cannot be had and what can be done.
    """
    return locate(name) or load(name)[1]


def load(name: str) -> tuple[Arrays, Provenance]:
    """The weights of a judge, float32 arrays by "layer/variable", fetched if need be.

    Raises:
        ConfigError, WeightsError: as `fetch`.
    """
    return _stored(name) or _obtain(name)


def _package(name: str) -> Package:
    if name not in JUDGES:
        raise ConfigError(f"unknown judge; expected one of {', '.join(JUDGES)}. Received: judge={name!r}")
    return JUDGES[name]


def _stored(name: str) -> tuple[Arrays, Provenance] | None:
    return cache.read(name) if locate(name) else None


def _obtain(name: str) -> tuple[Arrays, Provenance]:
    package = _package(name)
    with cache.lock(name):
        stored = _stored(name)
        if stored:
            return stored
        cache.require_writable(name)
        _LOG.info("fetching the weights of %s: trying %s", name, package.source)
        try:
            arrays = package.fetch()
        except SourceError as error:
            raise WeightsError(
                f"no trained weights for the judge {name}: cache: no usable {name} in {cache.folder()}; "
                f"{package.source}: {one_line(error)}. What helps: one run with the internet or a package mirror "
                "within reach (then or from a copied NSTCORE_CACHE it works without)"
            ) from error
        provenance = Provenance(name, package.source, package.version, digest(arrays), package.sha256, package.note)
        cache.write(arrays, provenance)
        return arrays, provenance
