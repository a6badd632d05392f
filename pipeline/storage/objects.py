"""Objects of S3-compatible storage: bytes under a key, whole or absent. Nothing here is imported for local outputs.

S3 shows an object when all of it has arrived, and never a part of it, so that no temporary names are needed. Ages are
told by the server's clock: each of its answers has the time (the header Date). What leases need beyond that is in
`pipeline.storage.object_conditions`.
"""

from __future__ import annotations

import asyncio
import datetime
import email.utils
import mimetypes
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from nstcore.errors import InputError, OutputError
from pipeline.storage.object_errors import code_of, told
from pipeline.storage.places import RemotePath

#: How many objects are read, copied or removed at a time.
AT_ONCE = 32
#: The most that one request of S3 removes.
_REMOVED_AT_ONCE = 1000
# What is larger is sent in parts, which the server puts together in the end.
_ONE_PUT = 64 * 2**20
# How long the server's time is carried on with this machine's monotonic clock.
_SECONDS_OF_A_READING = 5.0


class Object(NamedTuple):
    """An object as the server lists it.

    Attributes:
        place: its address.
        size: bytes.
        written: when it was written, in whole seconds since 1970, by the server's clock.
        tag: its ETag, which tells one content from another.
    """

    place: RemotePath
    size: int
    written: int
    tag: str


class Read(NamedTuple):
    """An object that was read, with the server's clock at the time."""

    content: bytes
    tag: str
    age: float


# The server's time: this machine's monotonic clock when it was told, and what it said.
_clock: list[tuple[float, float]] = []


@lru_cache(maxsize=1)
def _storage_of(process: int) -> Any:
    """The client of a process; a forked one has another, for it has no part in its parent's connections."""
    from s3fs import S3FileSystem

    return S3FileSystem(
        skip_instance_cache=True,
        use_listings_cache=False,
        # A lease has to beat every few seconds, so that nothing may hang for a minute.
        config_kwargs={"connect_timeout": 10, "read_timeout": 30, "max_pool_connections": AT_ONCE},
    )


def _storage() -> Any:
    return _storage_of(os.getpid())


def do(work: Callable[[Any], Awaitable[Any]]) -> Any:
    """Do something with the client in its own thread, and wait for it."""
    from fsspec.asyn import sync

    storage = _storage()

    async def working() -> Any:
        return await work(storage)

    return sync(storage.loop, working)


async def call(storage: Any, method: str, place: RemotePath, **arguments: Any) -> Any:
    """Ask the server of a bucket something, and hear what time it is there."""
    answer = await storage._call_s3(method, Bucket=place.bucket, **arguments)
    _hear_time(answer)
    return answer


def _hear_time(answer: Mapping[str, Any]) -> None:
    said = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    if said:
        _clock[:] = [(time.monotonic(), email.utils.parsedate_to_datetime(said).timestamp())]


def now(place: RemotePath) -> float:
    """What the server's clock says, seconds since 1970.

    Raises:
        InputError: if it does not answer.
    """
    if not _clock or time.monotonic() - _clock[0][0] > _SECONDS_OF_A_READING:
        with told(place, "looked at"):
            do(lambda storage: call(storage, "list_objects_v2", place, Prefix=place.key, MaxKeys=1))
    at, said = _clock[0] if _clock else (time.monotonic(), time.time())
    return said + time.monotonic() - at


def head(place: RemotePath) -> Object | None:
    """An object, or None if there is none.

    Raises:
        InputError: if the server does not say.
    """
    try:
        with told(place, "looked at"):
            answer = do(lambda storage: call(storage, "head_object", place, Key=place.key))
    except FileNotFoundError:
        return None
    return Object(place, answer["ContentLength"], _seconds(answer["LastModified"]), answer["ETag"])


def read(place: RemotePath) -> Read:
    """Read an object.

    Raises:
        FileNotFoundError: if there is none.
        InputError: if it cannot be read.
    """
    with told(place, "read"):
        found: Read = do(lambda storage: _read(storage, place))
    return found


async def _read(storage: Any, place: RemotePath, tries: int = 3) -> Read:
    from botocore.exceptions import HTTPClientError, IncompleteReadError, ResponseStreamingError

    while True:
        answer = await call(storage, "get_object", place, Key=place.key)
        said = _clock[0][1] if _clock else time.time()
        try:
            async with answer["Body"] as body:
                content = await body.read()
        except (HTTPClientError, IncompleteReadError, ResponseStreamingError):  # the line broke amid the answer
            tries -= 1
            if not tries:
                raise
            continue
        return Read(content, answer["ETag"], said - answer["LastModified"].timestamp())


def part(place: RemotePath, which: str) -> bytes:
    """Some of an object's bytes, as the header Range says them; none of an empty one.

    Raises:
        FileNotFoundError: if there is none.
        InputError: if it cannot be read.
    """
    try:
        with told(place, "read"):
            found: bytes = do(lambda storage: _read_part(storage, place, which))
    except InputError as error:
        if code_of(error) in ("InvalidRange", "416"):
            return b""
        raise
    return found


async def _read_part(storage: Any, place: RemotePath, which: str) -> bytes:
    answer = await call(storage, "get_object", place, Key=place.key, Range=which)
    async with answer["Body"] as body:
        content: bytes = await body.read()
    return content


def read_all(places: Iterable[RemotePath]) -> dict[RemotePath, bytes]:
    """Read many objects at a time; those that cannot be read are left out."""

    async def read_each(storage: Any) -> dict[RemotePath, bytes]:
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(place: RemotePath) -> tuple[RemotePath, bytes | None]:
            async with turns:
                try:
                    return place, (await _read(storage, place)).content
                except Exception:  # whoever needs it reads it again, and is told
                    return place, None

        found = await asyncio.gather(*map(one, places))
        return {place: content for place, content in found if content is not None}

    contents: dict[RemotePath, bytes] = do(read_each)
    return contents


def write(place: RemotePath, content: bytes) -> None:
    """Write an object, whole or absent.

    Raises:
        OutputError: if it cannot be written; one that was there before stays as it was.
    """
    with told(place, "written"):
        do(lambda storage: storage._pipe_file(_bare(place), content, **_kind_of(place)))


def upload(path: Path, place: RemotePath) -> None:
    """Write a file of this machine as an object, without holding all of it in memory.

    Raises:
        OutputError: if it cannot be written.
    """
    if path.stat().st_size <= _ONE_PUT:
        write(place, path.read_bytes())
        return
    with told(place, "written"):
        do(lambda storage: storage._put_file(os.fspath(path), _bare(place), **_kind_of(place)))


def copy(source: RemotePath, target: RemotePath) -> None:
    """Have an object under another name as well; the server copies it.

    Raises:
        OutputError: if that cannot be; FileNotFoundError, if there is none to copy.
    """
    with told(target, "written"):
        do(lambda storage: storage._cp_file(_bare(source), _bare(target)))


def remove(places: Iterable[RemotePath]) -> None:
    """Remove objects, those of them that there are.

    Raises:
        OutputError: naming the first that the server does not let go.
    """
    left = list(places)
    while left:
        some, left = left[:_REMOVED_AT_ONCE], left[_REMOVED_AT_ONCE:]
        first = some[0]
        if len(some) == 1:
            with told(first, "removed"):
                do(lambda storage, place=first: call(storage, "delete_object", place, Key=place.key))  # type: ignore[misc]
            continue
        named = {"Objects": [{"Key": place.key} for place in some], "Quiet": True}
        with told(first, "removed"):
            answer = do(
                lambda storage, place=first, named=named: call(storage, "delete_objects", place, Delete=named)  # type: ignore[misc]
            )
        for refused in answer.get("Errors", ()):
            raise OutputError(f"s3://{first.bucket}/{refused['Key']}: cannot be removed ({refused.get('Code')})")


def below(folder: RemotePath) -> Iterator[Object]:
    """Every object whose key begins with that of a folder, sorted by key; a request for each thousand.

    Raises:
        InputError: if the server does not list them.
    """
    for answer in _pages(folder):
        yield from _objects(folder, answer)


def right_in(folder: RemotePath) -> tuple[list[Object], list[str]]:
    """The objects right in a folder, and the names of the folders in it.

    Raises:
        InputError: if the server does not list them.
    """
    objects: list[Object] = []
    folders: list[str] = []
    for answer in _pages(folder, Delimiter="/"):
        objects += _objects(folder, answer)
        folders += [prefix["Prefix"].rstrip("/").rpartition("/")[2] for prefix in answer.get("CommonPrefixes", ())]
    return objects, folders


def is_folder(folder: RemotePath) -> bool:
    """Whether there is anything below; a bucket is a folder though it be empty.

    Raises:
        InputError: if the server does not say, or there is no such bucket.
    """
    with told(folder, "looked at"):
        answer = do(lambda storage: call(storage, "list_objects_v2", folder, Prefix=_prefix(folder), MaxKeys=1))
    return not folder.key or bool(answer.get("KeyCount", len(answer.get("Contents", ()))))


def _pages(folder: RemotePath, **arguments: Any) -> Iterator[Mapping[str, Any]]:
    more: dict[str, Any] = {}
    while True:
        asked = {"Prefix": _prefix(folder), **arguments, **more}
        with told(folder, "looked at"):
            answer = do(lambda storage, asked=asked: call(storage, "list_objects_v2", folder, **asked))  # type: ignore[misc]
        yield answer
        if not answer.get("IsTruncated"):
            return
        more = {"ContinuationToken": answer["NextContinuationToken"]}


def _objects(folder: RemotePath, answer: Mapping[str, Any]) -> Iterator[Object]:
    root = f"{folder.parts[0]}//{folder.bucket}/"
    for each in answer.get("Contents", ()):
        if not each["Key"].endswith("/"):  # which the web consoles make for a folder
            place = RemotePath(root + each["Key"])
            yield Object(place, each["Size"], _seconds(each["LastModified"]), each["ETag"])


def _seconds(moment: datetime.datetime) -> int:
    return int(moment.timestamp())


def _prefix(folder: RemotePath) -> str:
    return f"{folder.key}/" if folder.key else ""


def _bare(place: RemotePath) -> str:
    return f"{place.bucket}/{place.key}"


def _kind_of(place: RemotePath) -> dict[str, str]:
    """What a browser is told that an object is: the page can be looked at where it lies."""
    kind = mimetypes.guess_type(place.name)[0]
    return {"ContentType": f"{kind}; charset=utf-8" if kind == "text/html" else kind} if kind else {}
