"""Fills a folder with samples, and an ATTRIBUTION.md beside it that names authors and licences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nstcore.errors import PictureError
from nstcore.pictures.images import PICTURE_SUFFIXES
from nstcore.system.files import write_whole
from nstcore.system.refusals import refused
from pipeline.samples.catalog import Kind, Sample, choose

ATTRIBUTION = "ATTRIBUTION.md"


def has_pictures(folder: Path) -> bool:
    """Whether a folder exists and holds a file with a picture's suffix."""
    return folder.is_dir() and any(
        entry.suffix.lower() in PICTURE_SUFFIXES and entry.is_file() for entry in folder.iterdir()
    )


def fill(folder: Path, kind: Kind, *, every: bool = False) -> list[Path]:
    """Write sample pictures and their attribution, unless the folder has pictures already.

    Args:
        folder: made if missing.
        kind: which samples.
        every: all that this machine has and not only the default ones.

    Returns:
        The pictures written, in the order of `SAMPLES`; none if the folder was left alone.

    Raises:
        PictureError: if no sample is available, or the folder cannot be filled.
    """
    try:
        if has_pictures(folder):
            return []
    except OSError as error:
        raise PictureError(refused(error, folder, "filled")) from None
    samples = choose(kind, every=every)
    if not samples:
        raise PictureError(f"no sample pictures for {folder}; install scikit-image or put pictures there")
    return fill_with(folder, samples)


def fill_with(folder: Path, samples: Sequence[Sample]) -> list[Path]:
    """Write samples and their attribution, in whatever the folder holds.

    All pictures are made before the first is written, so that a failure in between leaves the folder as it was.

    Raises:
        PictureError: if the folder cannot be filled.
    """
    try:
        encoded = [sample.encoded() for sample in samples]
        folder.mkdir(parents=True, exist_ok=True)
        names = [name for name, _ in encoded]
        _attribute(folder, dict(zip(names, samples, strict=True)))
        for name, content in encoded:
            write_whole(folder / name, content)
    except OSError as error:
        raise PictureError(refused(error, folder, "filled")) from None
    return [folder / name for name in names]


def _attribute(folder: Path, pictures: dict[str, Sample]) -> None:
    """Add a folder's pictures to the ATTRIBUTION.md beside it, keeping what is there."""
    path = folder.parent / ATTRIBUTION
    text = path.read_text("utf-8") if path.exists() else "# Where the sample pictures come from\n"
    for name, sample in pictures.items():
        heading = f"## {folder.name}/{name}\n"
        if heading not in text:
            text = (
                f"{text.rstrip()}\n\n{heading}\n- Title: {sample.title}\n- Author: {sample.author}\n"
                f"- Licence: {sample.license}\n- Source: {sample.source}\n"
            )
    write_whole(path, text.encode())
