"""Every file of an output folder, read to the last bit and compared with what was noted of it when it was written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from nstcore.errors import ConfigError, InputError, PictureError
from nstcore.pictures.images import read_picture
from nstcore.system.files import encodable
from pipeline import storage
from pipeline.grid.paths import nights_folder, plan_file
from pipeline.nights.archive import NightArchive
from pipeline.outputs.cell_files import CELL_FILES, MANIFEST, PICTURE, differing, look, noted_files
from pipeline.outputs.damaged import set_aside
from pipeline.outputs.made import RECORDS, MadeRecord
from pipeline.outputs.network_store import NETWORK_FILES, NetworkStore
from pipeline.outputs.stores import GridStore, JsonStore, MeasuresStore, TargetsStore
from pipeline.storage.folders import folders_in, is_folder
from pipeline.storage.places import require_known
from pipeline.storage.sealed import FileRecord, damage


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was written.

    Attributes:
        line: what it is and how it differs.
        mend: takes it out of the way, so that the next run makes it anew, and says in a few words what it did.
    """

    line: str
    mend: Callable[[], str]


def check(output: PurePath, nights: Iterable[PurePath] = ()) -> Iterator[Finding]:
    """Look at all that the runs of an output folder have left. Nothing is changed.

    Args:
        nights: folders of nights besides the one in the output folder.

    Raises:
        ConfigError: if it is no output folder.
    """
    require_known(output)
    if not is_folder(output):
        raise ConfigError(f"{encodable(os.fspath(output))}: no such folder; name the output folder of a grid")
    yield from _cells(output / "cells")
    yield from _networks(output / "networks")
    yield from _stores(output / "targets", ".npz", TargetsStore)
    yield from _stores(output / "measures", ".json", MeasuresStore)
    for kind in ("reports", "papers"):
        for folder in _folders(output / kind):
            yield from _report(folder)
    for folder in (nights_folder(output), *nights):
        yield from _nights(NightArchive(folder), output)


def _cells(folder: PurePath) -> Iterator[Finding]:
    for path in storage.walk(folder):
        if path.name == MANIFEST:
            cell = path.parent
            found = look(cell).damage or differing(cell, noted_files(cell)) or _undecodable(cell / PICTURE)
            if found:
                yield Finding(f"{cell}: {found}", _setting_aside(cell, CELL_FILES))


def _networks(folder: PurePath) -> Iterator[Finding]:
    for path in storage.walk(folder):
        if path.name == MANIFEST and (found := NetworkStore(path.parent).damage(to_the_bit=True)):
            yield Finding(f"{path.parent}: {found}", _setting_aside(path.parent, NETWORK_FILES))


def _undecodable(picture: PurePath) -> str:
    try:
        with storage.at_hand(picture) as path:
            read_picture(path)
    except PictureError as error:
        return str(error).replace(str(path), str(picture))
    return ""


def _stores(folder: PurePath, suffix: str, store: Callable[[PurePath], Any]) -> Iterator[Finding]:
    for path in storage.walk(folder):
        if path.suffix == suffix and not path.name.endswith(".failure.json"):
            try:
                store(path).require_whole()
            except InputError as error:
                yield Finding(str(error), _setting_aside(path))


def _report(folder: PurePath) -> Iterator[Finding]:
    """A grid's report or the pages of papers: the plan, and everything that a record stands beside."""
    plan = GridStore(plan_file(folder))
    if found := plan.damage():
        yield Finding(found, _removing(plan))
    for path in storage.walk(folder / RECORDS):
        record = MadeRecord(folder, path.relative_to(folder / RECORDS).with_suffix("").as_posix())
        for damaged, how in record.damaged(to_the_bit=True).items():
            yield Finding(f"{damaged}: {how}", _removing(JsonStore(path)))


def _nights(archive: NightArchive, output: PurePath) -> Iterator[Finding]:
    """Nights are frozen: of their files only what is still to be had elsewhere, to the last bit, is put back."""
    for date in archive.dates():
        night = archive.path(date)
        if found := archive.damage(date):
            yield Finding(found, _setting_aside(night))
            continue
        for name, record in archive.records(date).items():
            if found := damage(night / name, record):
                yield Finding(f"{night / name}: {found}", _putting_back(night, name, record, output))


def _putting_back(night: PurePath, name: str, record: FileRecord, output: PurePath) -> Callable[[], str]:
    def put_back() -> str:
        for kind in ("reports", "nights"):
            for folder in _folders(output / kind):
                if not damage(folder / name, record):
                    storage.link(folder / name, night / name)
                    return f"put back as it is in {folder}"
        return "there is no other like it, and a night is not made again: left as it is"

    return put_back


def _folders(folder: PurePath) -> Iterable[PurePath]:
    return folders_in(folder)


def _setting_aside(place: PurePath, names: Iterable[str] = ()) -> Callable[[], str]:
    return lambda: f"set aside in {set_aside(place, names)}"


def _removing(store: JsonStore) -> Callable[[], str]:
    def remove() -> str:
        store.remove()
        return "its record is removed"

    return remove
