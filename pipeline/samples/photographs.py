"""Photographs to train networks on: all that the installed packages carry, those of the default grid held apart."""

from __future__ import annotations

from pathlib import Path

from nstcore.errors import PictureError
from nstcore.feedforward.photographs import HELD_OUT
from pipeline.samples.catalog import CC0, SAMPLES, Sample, choose
from pipeline.samples.fill import fill_with, has_pictures


def _further(name: str, title: str, author: str, license: str, file: str, package: str = "scikit-image") -> Sample:
    return Sample(name, "content", title, author, license, package, file)


_NO_RIGHTS = "no known copyright restrictions"
_NONE_STATED = "none stated by the package"
_MIDDLEBURY = "Middlebury College (Scharstein et al. 2014, stereo benchmark)"

#: Photographs beside those of `SAMPLES`. They are grey, flat or alike, so that they are no contents of a grid.
FURTHER: tuple[Sample, ...] = (
    _further(
        "motorcycle-left", "A motorcycle, seen by the left eye", _MIDDLEBURY, _NONE_STATED, "data/motorcycle_left.png"
    ),
    _further("motorcycle-right", "The same, seen by the right", _MIDDLEBURY, _NONE_STATED, "data/motorcycle_right.png"),
    _further(
        "grace-hopper",
        "Grace Hopper",
        "James S. Davis, United States Navy",
        "public domain, as a work of the government of the United States",
        "mpl-data/sample_data/grace_hopper.jpg",
        "matplotlib",
    ),
    _further("camera", "A photographer and his camera", "Lav Varshney", CC0, "data/camera.png"),
    _further("coins", "Coins from Pompeii", "Brooklyn Museum", _NO_RIGHTS, "data/coins.png"),
    _further("moon", "The surface of the moon", "not named by the package", _NONE_STATED, "data/moon.png"),
    _further("brick", "A brick wall", "CC0Textures, Bricks25", CC0, "data/brick.png"),
    _further("grass", "Grass", "linolafett (DeviantArt)", CC0, "data/grass.png"),
    _further("gravel", "Gravel", "CC0Textures, Gravel04", CC0, "data/gravel.png"),
)


def photographs() -> tuple[list[Sample], list[Sample]]:
    """The photographs that this machine has: to train on, and the contents of the default grid, held apart."""
    held_out = choose("content")
    every = [sample for sample in (*SAMPLES, *FURTHER) if sample.package and sample.available]
    return [sample for sample in every if sample not in held_out], held_out


def fill_photographs(folder: Path) -> list[Path]:
    """Write all photographs and their attribution, unless the folder has pictures already.

    Those that are held apart lie in its folder "held-out", where training finds them.

    Returns:
        The pictures written; none if the folder was left alone.

    Raises:
        PictureError: if there are none, or the folder cannot be filled.
    """
    training, held_out = photographs()
    if not training or not held_out:
        raise PictureError(f"no sample photographs for {folder}; install scikit-image or put photographs there")
    if has_pictures(folder):
        return []
    return [*fill_with(folder / HELD_OUT, held_out), *fill_with(folder, training)]
