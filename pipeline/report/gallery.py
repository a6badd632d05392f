"""The pictures in a report's folder: everything its page shows, so that the folder can be moved as it is.

Files are named after digests, because the pictures' own names may be anything, and a name that holds for every file
system and URL is one that says nothing.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import get_args

from PIL import Image

from nstcore import PictureError
from nstcore.pictures.images import encode_png
from pipeline import storage
from pipeline.grid.cell import Cell, Kind
from pipeline.report.cell import PagePicture, ReportCell, lookup
from pipeline.storage.sealed import DamagedError, FileRecord, record_of, records_of

#: By a cell's digest: its picture ("result"), its "strip" if it has one, and those of `Kind` that could be read, all as
#: paths in the report's folder.
Index = dict[str, dict[str, str]]

_FOLDERS = ("pictures", "originals", "thumbs", "strips")
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
    return f"thumbs/{PurePath(picture).stem}.webp"


def strip_file(digest: str) -> str:
    """Where the strip of a cell lies."""
    return f"strips/{digest}.webp"


def fill(
    folder: PurePath,
    finished: Iterable[tuple[Cell, PurePath, str]],
    kept: Mapping[str, FileRecord] | None = None,
    strips: Mapping[str, tuple[PurePath, str]] | None = None,
) -> tuple[Index, dict[str, FileRecord]]:
    """Bring the pictures of a report's folder up to date: those missing or changed are made, stale ones removed.

    Args:
        folder: of the report.
        finished: the cells to show, each with its picture and the SHA-256 of that.
        kept: the files that are there as they were written, as the report's record says. Others are made anew.
        strips: of cells that have one, by their digests, likewise.

    Returns:
        What lies there now, and what is to be noted of every file. A content or style picture that is not what it was
        when the grid was planned is left out.

    Raises:
        DamagedError: if the picture or the strip of a cell is not the one that was made.
    """
    files = dict(kept or {})
    index: Index = {}
    for cell, picture, sha256 in finished:
        shown = {"result": result_file(cell.digest)}
        if _place(picture, sha256, folder, shown["result"], files):
            files.pop(thumbnail_file(shown["result"]), None)
        shown |= {kind: original_file(cell, kind) for kind in get_args(Kind) if _original(cell, kind, folder, files)}
        for path in shown.values():
            _shrink(folder, path, files)
        if strips and cell.digest in strips:
            shown["strip"] = strip_file(cell.digest)
            _place(*strips[cell.digest], folder, shown["strip"], files)
        index[cell.digest] = shown
    names = listed(index)
    for stale in _present(folder) - set(names):
        storage.remove(folder / stale)
    return index, {name: files[name] for name in names}


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
    return replace(
        cell,
        picture=result,
        thumbnail=thumbnail_file(result),
        content_picture=content,
        style_picture=style,
        strip=shown.get("strip", ""),
    )


def listed(index: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Every file that an index speaks of, small versions included, by its path in the report's folder."""
    pictures = sorted({path for shown in index.values() for name, path in shown.items() if name != "strip"})
    strips = sorted(shown["strip"] for shown in index.values() if "strip" in shown)
    return [*pictures, *map(thumbnail_file, pictures), *strips]


def _present(folder: PurePath) -> set[str]:
    return {f"{name}/{file}" for name in _FOLDERS for file in storage.names(folder / name)}


def _place(source: PurePath, sha256: str, folder: PurePath, name: str, files: dict[str, FileRecord]) -> bool:
    """Have a file of a cell in the report's folder, without a second copy of its bytes where that can be.

    Returns:
        Whether it was not there as it is.
    """
    if name in files and files[name]["sha256"] == sha256:
        return False
    if storage.sha256(source) != sha256:
        raise DamagedError(f"{source}: was changed since it was written; run again, and it is made anew")
    storage.link(source, folder / name)
    files |= records_of(folder, [name])
    return True


def _original(cell: Cell, kind: Kind, folder: PurePath, files: dict[str, FileRecord]) -> bool:
    """Write a content or style picture unless it is there, and tell whether it is."""
    name = original_file(cell, kind)
    if name not in files:
        files.pop(thumbnail_file(name), None)
        try:
            content = encode_png(cell.load_picture(kind))
        except PictureError:  # it changed since, and the page must not show another than the cell saw
            return False
        storage.write(folder / name, content)
        files[name] = record_of(content)  # other cells show it too
    return True


def _shrink(folder: PurePath, name: str, files: dict[str, FileRecord]) -> None:
    small_name = thumbnail_file(name)
    if small_name in files:
        return
    with storage.opened(folder / name) as file, Image.open(file) as image:
        small = image.convert("RGB")
    small.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    small.save(encoded, format="WEBP", quality=80)
    storage.write(folder / small_name, encoded.getvalue())
    files[small_name] = record_of(encoded.getvalue())
