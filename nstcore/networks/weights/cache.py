"""Our own copies of converted weights on disk, shared by all processes of a user.

One backbone is two files: `<backbone>.npz`, the arrays, and `<backbone>.json`, their provenance, written last. Both
appear whole or not at all, and the arrays are compared with the identity in the provenance whenever they are read.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np
from platformdirs import user_cache_path

from nstcore.errors import ConfigError, InputError, OutputError, StyleTransferError, WeightsError
from nstcore.networks.weights.arrays import Arrays, digest
from nstcore.networks.weights.provenance import Provenance
from nstcore.system.files import PART_PATTERN, whole_or_absent
from nstcore.system.npz import read_npz
from nstcore.system.places import expand_home, require_folder
from nstcore.system.refusals import refused, why
from nstcore.system.storage_clock import remove_older

_LOG = logging.getLogger(__name__)

#: Layout of the files and way of converting; entries of another number are not used. Raise it when either changes.
_FORMAT = 1
#: Longest wait for another process that fetches the same weights, in seconds; above the limits of all its sources.
_LOCK_SECONDS = 5400.0
# What flock says on a file system without locks (some network file systems).
_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP}


def folder() -> Path:
    """Where converted weights lie: `weights` in `$NSTCORE_CACHE`, or in `nstcore` where this system keeps caches.

    That is `$XDG_CACHE_HOME` or `~/.cache` on Linux.

    Raises:
        ConfigError: there is no such place, because the home folder is not known.
    """
    own = os.environ.get("NSTCORE_CACHE")
    if own:
        return expand_home(own, "NSTCORE_CACHE") / "weights"
    try:
        return _of_the_user(os.environ.get("XDG_CACHE_HOME"), os.environ.get("HOME"))
    except RuntimeError:
        raise ConfigError(
            "no home folder is known in which weights could be kept; set NSTCORE_CACHE to a folder you can write"
        ) from None


@lru_cache(maxsize=8)
def _of_the_user(*_depends_on: str | None) -> Path:
    """Looked up once: a study of 10,000 cells asks for it 60,000 times before its first cell."""
    return user_cache_path("nstcore", appauthor=False) / "weights"


def peek(backbone: str) -> Provenance | None:
    """Provenance of the weights in the cache, or None; instant, so only the size of the arrays' file is checked."""
    try:
        entry = json.loads(_record(backbone).read_text(encoding="utf-8"))
        seal = entry.pop("seal", None)  # a record of before there were seals is believed
        if entry["format"] != _FORMAT or seal not in (None, _seal(entry)):
            return None
        if entry["bytes"] != _arrays(backbone).stat().st_size:
            return None
        provenance = Provenance.from_dict(entry["provenance"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError, StyleTransferError):
        return None
    return provenance if provenance.backbone == backbone else None


def stamp(backbone: str) -> tuple[int, int, int] | None:
    """Size, time of change and inode of an entry's record: while they stay, so does what `peek` says."""
    try:
        status = os.stat(_record(backbone))
    except (OSError, ConfigError):
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def read(backbone: str) -> tuple[Arrays, Provenance] | None:
    """Weights in the cache and their provenance; None if there are none or a single bit of them has changed."""
    provenance = peek(backbone)
    if provenance is None:
        return None
    try:
        arrays: Arrays = read_npz(_arrays(backbone))
    except InputError:
        return None
    return (arrays, provenance) if digest(arrays) == provenance.sha256 else None


def write(arrays: Arrays, provenance: Provenance) -> None:
    """Put weights into the cache, in place of any of the same backbone.

    Raises:
        ConfigError: there is no place for a cache.
        WeightsError: the folder cannot be written.
    """
    backbone = provenance.backbone
    try:
        folder().mkdir(parents=True, exist_ok=True)
        _sweep()
        # Without the record a reader sees nothing, so no record ever stands beside arrays it does not describe.
        _record(backbone).unlink(missing_ok=True)
        with whole_or_absent(_arrays(backbone)) as part:
            np.savez(part, **arrays)  # type: ignore[arg-type]
        size = _arrays(backbone).stat().st_size
        entry: dict[str, object] = {"format": _FORMAT, "bytes": size, "provenance": provenance.to_dict()}
        entry["seal"] = _seal(entry)
        with whole_or_absent(_record(backbone)) as part:
            part.write_text(json.dumps(entry, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise _unusable(backbone, error) from error


def require_writable(backbone: str) -> None:
    """See that weights can be written, before they are fetched.

    Raises:
        ConfigError: there is no place for a cache.
        WeightsError: they cannot.
    """
    try:
        require_folder(folder())
    except OutputError as error:
        raise _unusable(backbone, error) from error


@contextmanager
def lock(backbone: str) -> Iterator[None]:
    """Let one process at a time fetch the weights of a backbone; the lock goes with the process that holds it.

    By `flock` and not the package filelock, which writes to its file, and so stops at a lock of another user, and
    raises where a file system has no locks. Caches are shared, and on such file systems, too.

    Raises:
        ConfigError: there is no place for a cache.
        WeightsError: the folder cannot be written, or another process holds the lock for too long.
    """
    place = folder()
    try:
        place.mkdir(parents=True, exist_ok=True)
        file = _open_lock(place / f"{backbone}.lock")
    except OSError as error:
        raise _unusable(backbone, error) from error
    with file:
        _wait_for(file, backbone)
        try:
            yield
        finally:
            # Closing would not do: a process forked meanwhile shares the open file.
            _try_flock(file, fcntl.LOCK_UN)


def _wait_for(file: IO[bytes], backbone: str) -> None:
    deadline = time.monotonic() + _LOCK_SECONDS
    told = False
    while not _try_flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB):
        if not told:
            _LOG.info("waiting for another process that fetches the weights of %s", backbone)
            told = True
        if time.monotonic() > deadline:
            raise WeightsError(
                f"another process holds {file.name} for more than {_LOCK_SECONDS:g} s; end it and try again"
            )
        time.sleep(0.1)


def _try_flock(file: IO[bytes], operation: int) -> bool:
    """Whether the lock is ours; also where locks do not exist, since then only work is lost, never a file."""
    try:
        fcntl.flock(file, operation)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise WeightsError(refused(error, file.name, "locked")) from error
    return True


def _seal(entry: Mapping[str, object]) -> str:
    """Digest of a record, which goes by the checksum in it: what is asked before any array is read."""
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()


def _arrays(backbone: str) -> Path:
    return folder() / f"{backbone}.npz"


def _record(backbone: str) -> Path:
    return folder() / f"{backbone}.json"


def _sweep() -> None:
    """Remove what killed processes left behind, but nothing so young that it may be in use."""
    remove_older(folder(), PART_PATTERN, _LOCK_SECONDS)


def _open_lock(path: Path) -> IO[bytes]:
    """Open a lock, made if it is not there. One that another user has made need only be read."""
    try:
        return path.open("ab")
    except OSError:
        if not path.exists():
            raise
        return path.open("rb")


def _unusable(backbone: str, error: OSError) -> WeightsError:
    """Why the cache takes no weights: also that it has some, which its owner keeps from others."""
    if _is_withheld(backbone):
        return WeightsError(
            f"the weights of {backbone} in the cache {folder()} may not be read ({why(error)}); let their owner run "
            f"chmod -R a+rX {folder()}, or set NSTCORE_CACHE to a folder you can write"
        )
    return WeightsError(
        f"cannot write the weights cache {folder()}: {why(error)}; set NSTCORE_CACHE to a folder you can write"
    )


def _is_withheld(backbone: str) -> bool:
    for path in (_record(backbone), _arrays(backbone)):
        try:
            path.open("rb").close()
        except PermissionError:
            return True
        except OSError:
            continue
    return False
