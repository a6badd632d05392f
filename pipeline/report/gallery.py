"""The pictures in a report's folder: everything its page shows, so that the folder can be moved as it is.

Files are named after digests, because the pictures' own names may be anything, and a name that holds for every file
system and URL is one that says nothing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args

from PIL import Image

from nstcore import PictureError
from nstcore.pictures.images import write_picture
from nstcore.system.files import link_or_copy, whole_or_absent
from nstcore.system.places import make_folder
from pipeline.grid.cell import Cell, Kind
from pipeline.report.cell import PagePicture, ReportCell, lookup

#: By a cell's digest: its picture ("result") and those of `Kind` that could be read, as paths in the report's folder.
Index = dict[str, dict[str, str]]

_FOLDERS = ("pictures", "originals", "thumbs")
# Twice the 190 or so CSS pixels that the page gives most of them: sharp on dense screens, and 2,000 are some 40 MB.
_THUMBNAIL_SIDE = 384


def result_file(digest: str) -> str:
    """Where the picture of a cell lies in a report's folder."""
    return f"pictures/{digest}.png"


def original_file(cell: Cell, kind: Kind) -> str:
    """Where the content or style picture of a cell lies, at the size that its network saw."""
    side = cell.config.size if kind == "content" else cell.config.style_side()
    identity = f"{cell.sha256(kind)} {side}"
    return f"originals/{hashlib.sha256(identity.encode()).hexdigest()[:16]}.png"


def thumbnail_file(picture: str) -> str:
    """Where the small version of a picture lies."""
    return f"thumbs/{Path(picture).stem}.webp"


def fill(folder: Path, finished: Iterable[tuple[Cell, Path]]) -> Index:
    """Bring the pictures of a report's folder up to date: those missing or changed are made, stale ones removed.

    Args:
        folder: of the report.
        finished: the cells to show, each with its picture.

    Returns:
        What lies there now. A content or style picture that is not what it was when the grid was planned is left out.
    """
    for name in _FOLDERS:
        make_folder(folder / name)
    index: Index = {}
    for cell, picture in finished:
        shown = {"result": result_file(cell.digest)}
        if _place(picture, folder / shown["result"]):
            (folder / thumbnail_file(shown["result"])).unlink(missing_ok=True)
        shown |= {kind: original_file(cell, kind) for kind in get_args(Kind) if _original(cell, kind, folder)}
        for path in shown.values():
            _shrink(folder / path, folder / thumbnail_file(path))
        index[cell.digest] = shown
    for stale in _present(folder) - _listed(index):
        (folder / stale).unlink()
    return index


def is_whole(folder: Path, index: Index) -> bool:
    """Whether everything that an index lists is there."""
    return _listed(index) <= _present(folder)


def illustrated(cells: Iterable[ReportCell], index: Mapping[str, Mapping[str, str]]) -> list[ReportCell]:
    """Cells with the pictures that a report's folder holds of them."""
    return [_illustrated(cell, index.get(lookup(cell, "", "digest"), {})) for cell in cells]


def _illustrated(cell: ReportCell, shown: Mapping[str, str]) -> ReportCell:
    if not shown:
        return cell
    content, style = (
        PagePicture(shown[kind], thumbnail_file(shown[kind])) if kind in shown else None for kind in get_args(Kind)
    )
    result = shown["result"]
    return replace(cell, picture=result, thumbnail=thumbnail_file(result), content_picture=content, style_picture=style)


def _listed(index: Mapping[str, Mapping[str, str]]) -> set[str]:
    pictures = {path for shown in index.values() for path in shown.values()}
    return pictures | {thumbnail_file(path) for path in pictures}


def _present(folder: Path) -> set[str]:
    return {f"{name}/{file}" for name in _FOLDERS if (folder / name).is_dir() for file in os.listdir(folder / name)}


def _place(source: Path, target: Path) -> bool:
    """Have a file in the report's folder without a second copy of its bytes, where the file system can.

    Returns:
        Whether it was not there yet.
    """
    if target.exists() and _is_version_of(source, target):
        return False
    with whole_or_absent(target) as part:
        link_or_copy(source, part)
    return True


def _is_version_of(source: Path, target: Path) -> bool:
    ours, theirs = source.stat(), target.stat()
    return os.path.samestat(ours, theirs) or (ours.st_size, ours.st_mtime_ns) == (theirs.st_size, theirs.st_mtime_ns)


def _original(cell: Cell, kind: Kind, folder: Path) -> bool:
    """Write a content or style picture unless it is there, and tell whether it is."""
    target = folder / original_file(cell, kind)
    if not target.exists():
        try:
            write_picture(target, cell.load_picture(kind))
        except PictureError:  # it changed since, and the page must not show another than the cell saw
            return False
    return True


def _shrink(picture: Path, target: Path) -> None:
    if target.exists() and target.stat().st_mtime_ns >= picture.stat().st_mtime_ns:
        return
    with Image.open(picture) as image, whole_or_absent(target) as part:
        small = image.convert("RGB")
        small.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
        small.save(part, quality=80)
