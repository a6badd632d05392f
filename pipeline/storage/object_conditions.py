"""Writes on a condition, which the server of object storage decides: what leases need.

That there is no such object (If-None-Match), or that it still is the one that was read (If-Match, by its ETag).
"""

from __future__ import annotations

import contextlib
import os
import uuid

from nstcore.errors import OutputError
from pipeline.storage.object_errors import code_of, told
from pipeline.storage.objects import call, do, read, remove
from pipeline.storage.places import RemotePath, require_known

_TAKEN = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409", "OperationAborted"}

# By process, scheme and bucket: its server keeps conditions, as was tried.
_found_writable: set[tuple[int, str, str]] = set()


def create(place: RemotePath, content: bytes) -> bool:
    """Write an object that is not there yet, and tell whether it was so. Of several at once one succeeds."""
    return _written_if(place, content, IfNoneMatch="*")


def replace(place: RemotePath, content: bytes, tag: str) -> bool:
    """Write an object in the place of one of this ETag, and tell whether it was still there."""
    return _written_if(place, content, IfMatch=tag)


def _written_if(place: RemotePath, content: bytes, **condition: str) -> bool:
    try:
        with told(place, "written"):
            try:
                do(lambda storage: call(storage, "put_object", place, Key=place.key, Body=content, **condition))
            except Exception as error:
                if code_of(error) not in _TAKEN and not isinstance(error, FileExistsError):
                    raise
                # Where an answer was lost the request was sent again, and the second one found what the first wrote.
                return _holds(place, content)
    except FileNotFoundError:  # what was to be replaced is gone
        return False
    return True


def _holds(place: RemotePath, content: bytes) -> bool:
    try:
        return read(place).content == content and bool(content)
    except FileNotFoundError:
        return False


def require_writable(folder: RemotePath) -> None:
    """See that objects can be written there, under the conditions that leases need; nothing is left there.

    It is tried once by a process for each bucket: its server keeps conditions or does not.

    Raises:
        ConfigError: if it is no address of S3.
        OutputError: if they cannot.
    """
    require_known(folder)
    key = (os.getpid(), folder.parts[0], folder.bucket)
    if key in _found_writable:
        return
    trial, content = folder / f".{uuid.uuid4().hex}.part", uuid.uuid4().bytes
    try:
        if not create(trial, content):
            raise OutputError(f"{trial}: cannot be written (it is there already)")
        tag = read(trial).tag
        kept = not create(trial, b"1") and not replace(trial, b"2", '"00000000000000000000000000000000"')
        if not (kept and replace(trial, b"3", tag)):
            raise OutputError(
                f"{folder}: its server does not keep the conditions If-None-Match and If-Match of a write, without "
                "which two processes could make the same; choose one that does, or a folder"
            )
    except FileNotFoundError as error:
        raise OutputError(f"{folder}: what is written there cannot be read; check that storage") from error
    finally:
        with contextlib.suppress(OSError):  # what kept it from being written is told already
            remove([trial])
    _found_writable.add(key)
