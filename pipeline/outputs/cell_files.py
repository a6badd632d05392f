"""The files of a cell, and whether they are as they were written.

A cell is whole if its manifest is, and the picture, the trace, and the strip of one that has one, are those that the
manifest speaks of. Cells of before manifests spoke of files are whole if all three have the form of what they are.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from typing import Any

from nstcore.errors import InputError
from pipeline import storage
from pipeline.storage import Version
from pipeline.storage.sealed import SEAL, DamagedError, FileRecord, damage, read_sealed, record_of, sealed

PICTURE, TRACE, STRIP, MANIFEST = CELL_FILES = "result.png", "trace.csv", "strip.webp", "manifest.json"

_PNG_HEAD, _PNG_TAIL = b"\x89PNG\r\n\x1a\n", b"\0\0\0\0IEND\xaeB\x60\x82"
_COUNTED = "iteration,evaluations,seconds,total,content,style,total_variation"
# What reports look into, each a dictionary.
_SECTIONS = ("content", "style", "config", "weights", "result")


@dataclass(frozen=True)
class CellState:
    """What a glance at a cell's folder shows.

    Attributes:
        damage: which file is not as it was written, and how; "" for a whole cell, and for one that is not made yet.
        is_whole: whether the cell is made.
    """

    is_whole: bool
    damage: str = ""


@dataclass(frozen=True)
class _Noted:
    """What a manifest says of its cell: the other files, or what is wrong with itself."""

    files: Mapping[str, FileRecord] | None = None
    damage: str = ""


def look(folder: PurePath) -> CellState:
    """Look at a cell, as each question whether it is made does.

    That takes a few calls to the system; files are read once per version, and the picture only if it was touched after
    the manifest was written.
    """
    place = os.fspath(folder)
    written = storage.version(f"{place}/{MANIFEST}")
    if written is None:
        return CellState(False)
    noted = _noted(place, written)
    if noted.damage:
        return CellState(False, noted.damage)
    try:
        found = _compared(place, noted.files, written) if noted.files else _form(place)
    except InputError as error:
        found = str(error)
    return CellState(not found, found)


def noted_files(folder: PurePath) -> dict[str, FileRecord]:
    """What the manifest of a cell says of the other files; nothing, if it is one of before they did."""
    written = storage.version(folder / MANIFEST)
    return dict((_noted(os.fspath(folder), written).files if written else None) or {})


def require_noted(folder: PurePath, name: str) -> None:
    """See, before a file of a cell is used, that it is to the last bit what was written.

    Raises:
        DamagedError: if it is not.
    """
    record = noted_files(folder).get(name)
    if found := damage(folder / name, record) if record else "":
        raise DamagedError(f"{folder / name}: {found}; run again, and it is made anew")


def differing(folder: PurePath, files: Mapping[str, FileRecord]) -> str:
    """Which file in a folder is not to the last bit what is noted of it, and how; "" if all are."""
    for name, record in files.items():
        if found := damage(folder / name, record):
            return f"{name} {found}"
    return ""


def with_files(manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """A manifest that speaks of the files of its cell, sealed."""
    return sealed({**manifest, "files": {name: record_of(content) for name, content in files.items()}})


def read_manifest(folder: PurePath) -> dict[str, Any]:
    """What the manifest of a cell says.

    Raises:
        InputError: if it cannot be read; `DamagedError`, if it is not as it was written.
    """
    return read_sealed(folder / MANIFEST)


def _compared(place: str, files: Mapping[str, FileRecord], written: Version) -> str:
    for name, record in files.items():
        # A trace is small enough to be read whole.
        found = damage(f"{place}/{name}", record, None if name == TRACE else written)
        if found:
            return f"{name} {found}"
    return ""


@lru_cache(maxsize=200_000)
def _noted(place: str, _: Version) -> _Noted:
    try:
        manifest = read_sealed(f"{place}/{MANIFEST}")
    except DamagedError as error:
        return _Noted(damage=f"{MANIFEST}{str(error).partition(MANIFEST + ':')[2]}")
    digest = manifest.get("digest")
    if digest is not None and not place.endswith(f"-{digest}"):
        return _Noted(damage=f"{MANIFEST} is that of another cell")
    files = manifest.get("files")
    if manifest.get(SEAL) and isinstance(files, dict) and {PICTURE, TRACE} <= files.keys():
        return _Noted(files=files)
    if manifest.get(SEAL) or files is not None:
        return _Noted(damage=f"{MANIFEST} was changed since it was written")
    whole = digest is not None and all(isinstance(manifest.get(name), dict) for name in _SECTIONS)
    return _Noted() if whole else _Noted(damage=f"{MANIFEST} lacks what a manifest says")


def _form(place: str) -> str:
    return _form_of(place, storage.version(f"{place}/{PICTURE}"), storage.version(f"{place}/{TRACE}"))


@lru_cache(maxsize=200_000)
def _form_of(place: str, picture: Version | None, trace: Version | None) -> str:
    """What is wrong with the form of a picture and a trace that no record vouches for."""
    for name, seen in ((PICTURE, picture), (TRACE, trace)):
        if seen is None:
            return f"{name} is missing"
        if not seen.size:
            return f"{name} is empty"
    if storage.ends(f"{place}/{PICTURE}", len(_PNG_HEAD), len(_PNG_TAIL)) != (_PNG_HEAD, _PNG_TAIL):
        return f"{PICTURE} is no whole PNG"
    return "" if _is_trace(storage.read(f"{place}/{TRACE}")) else f"{TRACE} is no whole trace"


def _is_trace(content: bytes) -> bool:
    """Whether `Trace.from_csv` would read it, and find a row. Faster, because it is asked of every cell."""
    try:
        header, *rows = content.decode().splitlines()
        columns = header.count(",")
        return (
            header.startswith(_COUNTED)
            and bool(rows)
            and content.endswith(b"\n")
            and all(row.count(",") == columns and [*map(float, row.split(","))] and _counts(row) for row in rows)
        )
    except ValueError:
        return False


def _counts(row: str) -> bool:
    first, second, _ = row.split(",", 2)
    return int(first) >= 0 <= int(second)
