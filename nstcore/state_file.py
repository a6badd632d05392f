"""The state of a transfer as a file: arrays in NumPy's .npz, what they are in JSON, and a checksum at the end.

NumPy reads such a file too. Nothing in it is ever unpickled.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

# The entry with the description, which comes first: a file that does not begin so was written by something else.
_DESCRIPTION = "nst-state"
_FIRST_BYTES = 100
_DIGEST_BYTES = 64


class UnusableStateError(ValueError):
    """A state that cannot be taken up, and why, as the end of a sentence. It never reaches a person as an error."""


class _Summed(io.RawIOBase):
    """Passes on what is written, and sums it up. It cannot seek, so that every byte is written once and counted."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sum = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self._sum.update(content)
        self._file.write(content)
        return len(memoryview(content).cast("B"))

    def digest(self) -> bytes:
        return self._sum.hexdigest().encode()


def write_state(file: BinaryIO, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a description, plain data for JSON, and arrays without objects."""
    summed = _Summed(file)
    entry = np.frombuffer(json.dumps(description).encode(), np.uint8)
    np.savez(summed, allow_pickle=False, **{_DESCRIPTION: entry, **arrays})
    file.write(summed.digest())


def read_state(content: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read what `write_state` wrote.

    Raises:
        UnusableStateError: if a single bit of it is another, or there is less of it.
    """
    held, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
    if hashlib.sha256(held).hexdigest().encode() != digest:
        raise UnusableStateError("is damaged")
    try:
        with np.load(io.BytesIO(held), allow_pickle=False) as found:
            arrays = dict(found)
        description = json.loads(arrays.pop(_DESCRIPTION).tobytes())
    except Exception as error:  # its checksum is right, so that something else has written it
        raise UnusableStateError("is none of this program's") from error
    return description, arrays


def is_state(beginning: bytes) -> bool:
    """Whether a file that begins so may be a state, damaged or not, rather than something else."""
    return beginning[:2] == b"PK" and _DESCRIPTION.encode() in beginning[:_FIRST_BYTES]
