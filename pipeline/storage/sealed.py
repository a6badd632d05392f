"""JSON that says itself whether it is as it was written, and files that a record vouches for.

A sealed file has a line `"seal": "<SHA-256>"`, the digest of its other lines:
`grep -v '^  "seal": ' manifest.json | sha256sum` prints what it says.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import PurePath
from typing import Any, TypedDict

from nstcore.errors import InputError
from pipeline import storage

#: Of a record: the digest of the rest of it.
SEAL = "seal"

# The second line of a sealed file. What has the looks of it and is not it was one before a byte of it changed.
_LINE = re.compile(rb'\A\{\n(  "seal": "([0-9a-f]{64})",?\n)')
_LIKENESS = re.compile(rb'\A\{\n  "[^\n]{4}": "[^\n]{64}",?\n')


class DamagedError(InputError):
    """A file of the outputs is not as it was written; it is made anew."""


class FileRecord(TypedDict):
    """What a record says of a file."""

    size: int
    sha256: str


def json_text(data: Any) -> str:
    """Data as a JSON file holds it.

    A path that is not UTF-8 holds surrogates. Written as \\udc80, which JSON knows too, they come back.
    """
    text = json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def sealed(data: Mapping[str, Any]) -> bytes:
    """A dictionary as JSON with its seal, which replaces any that it had."""
    return with_seal(json_text({name: value for name, value in data.items() if name != SEAL}).encode())


def with_seal(content: bytes) -> bytes:
    """JSON of a dictionary that has a line for each of its entries, sealed."""
    if content == b"{}\n":
        content = b"{\n}\n"
    comma = "" if content == b"{\n}\n" else ","
    line = f'  "{SEAL}": "{hashlib.sha256(content).hexdigest()}"{comma}\n'
    return content[:2] + line.encode() + content[2:]


def seal_of(content: bytes, name: object) -> str:
    """The seal of what was sealed; "" of what was written before there were seals.

    Args:
        name: what the bytes are, for the message.

    Raises:
        DamagedError: if the seal is not that of the rest.
    """
    if not content:
        raise DamagedError(f"{name}: is empty")
    found = _LINE.match(content)
    if found is None:
        if _LIKENESS.match(content):
            raise DamagedError(f"{name}: was changed since it was written")
        return ""
    value = hashlib.sha256(content[: found.start(1)])
    value.update(memoryview(content)[found.end(1) :])
    if value.hexdigest().encode() != found[2]:
        raise DamagedError(f"{name}: was changed since it was written")
    return value.hexdigest()


def unsealed(content: bytes, name: object) -> dict[str, Any]:
    """The dictionary that was sealed, with its seal; one of before there were seals as it is.

    Raises:
        DamagedError: if it is not as it was written.
    """
    seal = seal_of(content, name)
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        raise DamagedError(f"{name}: is no JSON (cut, or garbage)") from None
    if not isinstance(data, dict) or data.get(SEAL, "") != seal:
        raise DamagedError(f"{name}: is not what was written there")
    return data


def read_sealed(place: storage.Place) -> dict[str, Any]:
    """The dictionary in a sealed file.

    Raises:
        InputError: if it cannot be read; `DamagedError`, if it is not as it was written.
    """
    return unsealed(storage.read(place), place)


def identity_of(place: storage.Place) -> str:
    """What a sealed file says: its seal; of one without a seal, the digest of its bytes. Read once per version."""
    return _identity(os.fspath(place), storage.version(place))


@lru_cache(maxsize=100_000)
def _identity(place: str, _: storage.Version | None) -> str:
    content = storage.read(place)
    return seal_of(content, place) or hashlib.sha256(content).hexdigest()


def record_of(content: bytes) -> FileRecord:
    """What is noted of a file with these bytes."""
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def records_of(folder: PurePath, names: Iterable[str]) -> dict[str, FileRecord]:
    """What is noted of files in a folder, which are read."""
    found = {}
    for name in names:
        seen = storage.version(folder / name)
        found[name] = FileRecord(size=seen.size if seen else 0, sha256=storage.sha256(folder / name))
    return found


def damage(place: storage.Place, record: FileRecord, noted: storage.Version | None = None) -> str:
    """In a few words, how a file differs from what a record says; "" if it does not, as far as a glance tells.

    A glance sees the size, and reads the file where it was touched after its record was written. (Both times are the
    storage's.) The rest is seen when the file is read, or by `nst check`.

    Args:
        noted: version of the file with the record; None: the file is read in any case.
    """
    seen = storage.version(place)
    if seen is None:
        return "is missing"
    if seen.size != record["size"]:
        return f"has {seen.size} of {record['size']} bytes" if seen.size else "is empty"
    touched = noted is None or seen.mtime_ns > noted.mtime_ns
    return "was changed since it was written" if touched and storage.sha256(place) != record["sha256"] else ""
