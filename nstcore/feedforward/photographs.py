"""The photographs that a network is trained on, and those that are held out; importing this imports no Keras."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nstcore.checks import number
from nstcore.errors import PictureError
from nstcore.pictures.picture_files import PICTURE_SUFFIXES
from nstcore.pictures.region_map import is_region_map
from nstcore.system.files import encodable
from nstcore.system.refusals import refused

#: A folder of this name among the photographs holds those that are held out.
HELD_OUT = "held-out"
#: Of photographs without such a folder, the share that is held out.
HELD_OUT_SHARE = 0.1
# One to train on and one to judge by; nothing less can tell whether a network has learned anything.
_LEAST = 2


@dataclass(frozen=True)
class Photographs:
    """Which photographs a network learns from, and which it never sees.

    Attributes:
        training: their files, one or more.
        held_out: files of photographs that only the held-out loss looks at, one or more.

    Raises:
        PictureError: when built without either, or with one file in both.
    """

    training: tuple[Path, ...]
    held_out: tuple[Path, ...]

    def __post_init__(self) -> None:
        if not self.training or not self.held_out:
            raise PictureError(
                "training takes at least one photograph to learn from and one that is held out. "
                f"Received: {len(self.training)} and {len(self.held_out)}"
            )
        if twice := {path.resolve() for path in self.training} & {path.resolve() for path in self.held_out}:
            name = encodable(sorted(map(str, twice))[0])
            raise PictureError(f"{name} is held out and trained on; take it out of one of the two")

    def made_from(self) -> list[list[object]]:
        """What a training depends on of them, plain data for JSON: names and bytes, training ones first.

        Their contents are not read: a collection may have a hundred thousand.

        Raises:
            PictureError: if one is gone.
        """
        return [[path.name, _bytes(path), path in self.held_out] for path in (*self.training, *self.held_out)]


def find_photographs(
    folder: str | os.PathLike[str],
    held_out: str | os.PathLike[str] | None = None,
    *,
    share: float = HELD_OUT_SHARE,
    seed: int = 0,
) -> Photographs:
    """Look through a folder of photographs, but not through those in it; nothing is opened.

    Args:
        folder: of the photographs.
        held_out: a folder of those that are held out; None takes the folder "held-out" in `folder`, or where there is
            none holds out a share.
        share: of the photographs, above 0 and below 1; at least one is held out and one is not.
        seed: which ones that are.

    Raises:
        PictureError: for a folder that does not exist or cannot be read, or with fewer than two photographs.
        ConfigError: for a share that is none.
    """
    number("held-out share", share, above=0.0, below=1.0)
    found = _pictures(folder)
    if held_out is None and (Path(folder) / HELD_OUT).is_dir():
        held_out = Path(folder) / HELD_OUT
    if held_out is not None:
        apart = _pictures(held_out)
        _require(len(found), 1, folder, "to train on")
        _require(len(apart), 1, held_out, "that are held out")
        return Photographs(found, apart)
    _require(len(found), _LEAST, folder, "to train on, one of which is held out")
    count = min(len(found) - 1, max(1, round(share * len(found))))
    chosen = set(np.random.default_rng(seed).permutation(len(found))[:count].tolist())
    return Photographs(
        tuple(path for place, path in enumerate(found) if place not in chosen),
        tuple(path for place, path in enumerate(found) if place in chosen),
    )


def _pictures(folder: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Files of a folder that are named as pictures, in the order of their names."""
    folder, name = Path(folder), encodable(os.fspath(folder))
    try:
        if not folder.is_dir():
            what = "is no folder" if folder.exists() else "no such folder"
            raise PictureError(f"{name}: {what}; name one that holds photographs")
        return tuple(sorted(path for path in folder.iterdir() if _is_picture(path)))
    except OSError as error:
        raise PictureError(refused(error, name, "read")) from error


def _is_picture(path: Path) -> bool:
    named = path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".") and not is_region_map(path.name)
    return named and path.is_file()


def _require(count: int, least: int, folder: str | os.PathLike[str], what: str) -> None:
    if count < least:
        suffixes = ", ".join(PICTURE_SUFFIXES)
        name = encodable(os.fspath(folder))
        there = "none" if not count else f"{count}"
        raise PictureError(f"{name}: {there} of the photographs {what}; put {least} or more there ({suffixes})")


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise PictureError(refused(error, encodable(str(path)), "read")) from error


def in_words(photographs: Photographs, passed_over: Sequence[str] = ()) -> str:
    """How many there are, for a person."""
    text = f"{len(photographs.training)} photographs, {len(photographs.held_out)} held out"
    return f"{text}, passed over: {'; '.join(passed_over)}" if passed_over else text
