"""The files of leases: made by one of several at once, rewritten whole, and read with their age.

On this machine a file is made exclusively, and who replaces that of a dead process is settled by another, the claim. In
object storage the server settles both: it writes an object only if there is none, or only in the place of the one that
was read.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import NamedTuple

from nstcore.errors import OutputError, StyleTransferError
from pipeline.storage.clock import age, storage_time
from pipeline.storage.places import remote


class Found(NamedTuple):
    """What a file holds.

    Attributes:
        text: its bytes.
        silent: seconds since it was written, by the clock of the storage; None where that cannot be read.
        tag: what tells this content of an object from any other; "" for a file of this machine.
    """

    text: bytes
    silent: float | None
    tag: str = ""


def find(path: PurePath) -> Found | None:
    """What a file holds; None if there is none.

    Raises:
        InputError: if object storage does not say.
    """
    if there := remote(path):
        from pipeline.storage import objects

        try:
            found = objects.read(there)
        except FileNotFoundError:
            return None
        return Found(found.content, found.age, found.tag)
    try:
        with open(path, "rb") as file:  # opened before it is looked at: network file systems ask their server then
            text, written = file.read(), os.fstat(file.fileno()).st_mtime
    except OSError:
        return None
    try:
        return Found(text, storage_time(path.parent) - written)
    except OutputError:
        return Found(text, None)


def create(path: PurePath, content: bytes) -> bool:
    """Write a file that is not there yet, and tell whether it was so. Of several at once one succeeds."""
    if there := remote(path):
        from pipeline.storage import object_conditions

        return object_conditions.create(there, content)
    try:
        with open(path, "xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


def rewrite(path: PurePath, content: bytes, tag: str) -> bool:
    """Rewrite a file of one's own, so that whoever reads it finds the old or the new; it need not survive a power cut.

    Args:
        tag: of what was read there.

    Returns:
        Whether it was still there, as far as the storage can tell.
    """
    if there := remote(path):
        from pipeline.storage import object_conditions

        return object_conditions.replace(there, content, tag)
    part = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        Path(part).write_bytes(content)
        os.replace(part, path)
    finally:
        with contextlib.suppress(OSError):
            Path(part).unlink(missing_ok=True)
    return True


def touch(path: PurePath) -> None:
    """Give a file the present time without writing it, which takes no room."""
    if not remote(path):
        with contextlib.suppress(OSError):
            os.utime(path)


def remove(path: PurePath) -> None:
    """Remove a file, if that can be."""
    with contextlib.suppress(OSError):
        if there := remote(path):
            from pipeline.storage import objects

            objects.remove([there])
        else:
            Path(path).unlink()


def take_over(
    path: PurePath, content: bytes, tag: str, token: str, is_still_dead: Callable[[], bool], seconds_to_live: float
) -> bool:
    """Take the place of the file of a dead process, and tell whether that was so: several may want to, one succeeds.

    Args:
        tag, token: of what was read there.
        is_still_dead: whether it is still what was read.
        seconds_to_live: after which the claim of a process that died meanwhile counts no more.
    """
    if remote(path):
        return rewrite(path, content, tag)
    with _claimed(Path(path), token, seconds_to_live) as first:
        if not first or not is_still_dead():
            return False
        rewrite(path, content, tag)
    return True


@contextlib.contextmanager
def _claimed(path: Path, token: str, seconds_to_live: float) -> Iterator[bool]:
    """Be the only one who may replace a dead lease, if nobody else is."""
    claim = path.with_name(f".{path.name}.{token[:32] or 'unread'}.claim")
    with contextlib.suppress(OSError, StyleTransferError):
        if age(claim) > seconds_to_live:  # whoever made it died within the few lines above
            claim.unlink()
    mine = create(claim, b"")
    try:
        yield mine
    finally:
        if mine:
            with contextlib.suppress(OSError):
                claim.unlink()
