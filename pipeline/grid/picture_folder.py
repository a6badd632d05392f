"""The pictures in a folder, and what else lies there."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nstcore.errors import PictureError
from nstcore.mixture import MIXTURE_SUFFIX
from nstcore.pictures.images import PICTURE_SUFFIXES
from nstcore.pictures.region_map import REGIONS_SUFFIX, is_region_map
from nstcore.system.files import encodable
from nstcore.system.refusals import refused
from pipeline.grid.paths import picture_name

_MOST_IN_A_LINE = 10

_NO_FILES = {
    stat.S_ISDIR: "a folder",
    stat.S_ISFIFO: "a pipe",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}


@dataclass(frozen=True)
class PictureFolder:
    """What a folder holds.

    Attributes:
        path: of the folder.
        pictures: files and links to files, by the name they have in paths and reports. Two files of one name collide;
            names that differ only in case collide too, as they do on the file systems of macOS and Windows.
        passed_over: what is no picture, each as "name (reason)". Hidden files are none of anybody's business.
    """

    path: Path
    pictures: Mapping[str, list[Path]]
    passed_over: tuple[str, ...]


def find_pictures(folder: str | os.PathLike[str], *, mixtures: bool = False) -> PictureFolder:
    """Look through a folder, but not through those in it. Nothing is opened, so nothing there can make it wait.

    A map of regions, NAME.regions.png, belongs to the picture NAME and is none of its own.

    Args:
        mixtures: take files that mix styles (.toml) for pictures too.

    Raises:
        PictureError: if the folder does not exist, may not be read or holds no pictures.
    """
    folder = Path(folder)
    name_of_folder = encodable(str(folder))
    try:
        if not folder.is_dir():
            what = "is no folder" if folder.exists() else "no such folder"
            raise PictureError(f"{name_of_folder}: {what}; name one that holds pictures")
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise PictureError(refused(error, name_of_folder, "read")) from error
    known = {path.stem.casefold() for path in paths if not is_region_map(path.name) and not _no_picture(path, mixtures)}
    found: dict[str, list[Path]] = {}
    names: dict[str, str] = {}
    passed_over = []
    for path in paths:
        if path.name.startswith(".") or (is_region_map(path.name) and _name_of_map(path) in known):
            continue
        reason = "a map of regions without its picture" if is_region_map(path.name) else _no_picture(path, mixtures)
        if reason:
            passed_over.append(f"{encodable(path.name)} ({reason})")
            continue
        name = picture_name(path)
        found.setdefault(names.setdefault(name.casefold(), name), []).append(path)
    if not found:
        there = f"; passed over: {in_short(passed_over)}" if passed_over else ""
        suffixes = ", ".join(PICTURE_SUFFIXES)
        raise PictureError(f"{name_of_folder}: no pictures in this folder; put some there ({suffixes}){there}")
    return PictureFolder(folder, found, tuple(passed_over))


def in_short(lines: Sequence[str]) -> str:
    """Some of many, for a line of a log."""
    more = len(lines) - _MOST_IN_A_LINE
    return ", ".join(lines[:_MOST_IN_A_LINE]) + (f" and {more} more" if more > 0 else "")


def _name_of_map(path: Path) -> str:
    return path.name[: -len(REGIONS_SUFFIX)].casefold()


def _no_picture(path: Path, mixtures: bool) -> str:
    """Why something in a folder is not regarded as a picture; "" if it is."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return "a link to nothing" if path.is_symlink() else f"cannot be looked at: {error.strerror}"
    if not stat.S_ISREG(mode):
        return next((what for is_kind, what in _NO_FILES.items() if is_kind(mode)), "no file")
    suffixes = (*PICTURE_SUFFIXES, MIXTURE_SUFFIX) if mixtures else PICTURE_SUFFIXES
    return "" if path.suffix.lower() in suffixes else "not named as a picture"
