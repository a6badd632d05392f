"""Which pictures a command is to make, from which, and how they are called."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nstcore.errors import ConfigError, OutputError, PictureError
from nstcore.pictures.encoding import Bits, writable_suffix
from nstcore.pictures.picture_files import PICTURE_SUFFIXES, file_name
from nstcore.pictures.region_map import is_region_map
from nstcore.system.places import require_folder, require_place
from nstcore.system.refusals import refused

_USUAL_SUFFIX = ".png"


@dataclass(frozen=True)
class Place:
    """A picture that is to be made.

    Attributes:
        content: the file that it is made from.
        output: the file that it becomes, whose suffix can be written.
    """

    content: Path
    output: Path


def places(
    contents: Sequence[str], output: str, *, format: str | None = None, bits: Bits = 8, opacity: bool = False
) -> list[Place]:
    """Say what becomes of pictures and of the pictures in folders.

    Args:
        contents: paths of pictures and folders. Folders are looked through, but not those in them.
        output: a folder, which need not be there; or for one picture a file.
        format: what files in a folder end in, without the dot; by itself what their contents' do, or "png" where that
            cannot be written so.
        bits, opacity: as `writable_suffix`.

    Raises:
        PictureError: a folder has no pictures or may not be read, or a file cannot be written so.
        OutputError: a picture would be written over a content, or over another, or cannot be written there.
        ConfigError: bits or format cannot be.
    """
    if format is not None:
        writable_suffix(f"--format .{format}", bits, opacity=opacity)
    is_file = Path(output).suffix.lower() in PICTURE_SUFFIXES and not Path(output).is_dir()
    if is_file:
        if len(contents) > 1 or Path(contents[0]).is_dir():
            raise OutputError(f"{file_name(output)}: several pictures need a folder; name one")
        if format is not None:
            raise ConfigError("--format is for a folder; a file's name says what it is")
        writable_suffix(output, bits, opacity=opacity)
        require_place(output)
        found = [Place(Path(contents[0]), Path(output))]
    else:
        require_folder(output)
        found = [
            Place(content, Path(output) / f"{content.stem}{_suffix(content, format, bits, opacity)}")
            for given in contents
            for content in (_pictures_in(Path(given)) if Path(given).is_dir() else [Path(given)])
        ]
    _require_apart(found)
    return list(dict.fromkeys(found))


def _suffix(content: Path, format: str | None, bits: Bits, opacity: bool) -> str:
    if format is not None:
        return f".{format}"
    try:
        return writable_suffix(content, bits, opacity=opacity)
    except PictureError:
        return _USUAL_SUFFIX


def _pictures_in(folder: Path) -> list[Path]:
    try:
        paths = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file())
    except OSError as error:
        raise PictureError(refused(error, file_name(folder), "read")) from error
    found = [path for path in paths if path.suffix.lower() in PICTURE_SUFFIXES and not is_region_map(path.name)]
    if not found:
        suffixes = ", ".join(PICTURE_SUFFIXES)
        raise PictureError(f"{file_name(folder)}: no pictures in this folder; put some there ({suffixes})")
    return found


def _require_apart(found: Sequence[Place]) -> None:
    contents = {_identity(place.content) for place in found}
    made: dict[str, Path] = {}
    for place in found:
        identity = _identity(place.output)
        if identity in contents:
            raise OutputError(f"{file_name(place.output)}: would overwrite that picture; name another folder or file")
        # File systems of macOS and Windows know no case.
        other = made.setdefault(identity.casefold(), place.content)
        if other != place.content:
            raise OutputError(
                f"{file_name(other)} and {file_name(place.content)} would both be {file_name(place.output)}; "
                "name them in two commands, with folders of their own"
            )


def _identity(path: Path) -> str:
    return os.path.realpath(path)
