"""The pictures that networks are measured on: always at hand, and the same on every machine.

The photographs that scikit-image, on which this project stands, carries: each whole and in detail; and six drawn ones
(`dead_leaves`). Compared with other photographs and drawn styles, with all four backbones: both together tell the mean
activations of channels better than either alone. On drawn ones alone up to a tenth of VGG's deep channels are silent.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from nstcore.errors import InputError
from nstcore.networks.dead_leaves import SIDE, dead_leaves
from nstcore.pictures.images import Picture, read_picture
from nstcore.pictures.resizing import resize_to

_PHOTOGRAPHS = (
    *("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"),
    *("hubble_deep_field.jpg", "ihc.png", "motorcycle_left.png", "retina.jpg"),
)
_DRAWN = 6
# Raise it when other pictures are drawn or cut: what was measured is then measured again.
_VERSION = 1

#: For provenance.
DESCRIPTION = (
    f"{len(_PHOTOGRAPHS)} photographs of scikit-image, whole and in detail, and {_DRAWN} dead leaves pictures, "
    f"{SIDE} x {SIDE}, version {_VERSION}"
)


def identity() -> str:
    """SHA-256 of what the pictures are made from, hex.

    Raises:
        InputError: as `pictures`.
    """
    made_from = hashlib.sha256(DESCRIPTION.encode())
    for path in _paths():
        made_from.update(path.read_bytes())
    return made_from.hexdigest()


def pictures() -> list[Picture]:
    """The pictures, uint8 (224, 224, 3), RGB.

    Raises:
        InputError: if this machine's scikit-image lacks one.
    """
    photographs = [cut for path in _paths() for cut in _whole_and_detail(read_picture(path))]
    return [*photographs, *dead_leaves(_DRAWN)]


def _whole_and_detail(picture: Picture) -> tuple[Picture, Picture]:
    """The largest square in the middle, reduced, and the middle as it is."""
    return resize_to(_middle(picture, min(picture.shape[:2])), SIDE, SIDE), _middle(picture, SIDE)


def _middle(picture: Picture, side: int) -> Picture:
    top, left = ((length - side) // 2 for length in picture.shape[:2])
    return np.ascontiguousarray(picture[top : top + side, left : left + side])


def _paths() -> list[Path]:
    # Found, not imported: that takes a second, and is not needed for a file.
    spec = find_spec("skimage")
    folders = [Path(folder) / "data" for folder in (spec.submodule_search_locations or ())] if spec else []
    found = [next((folder / name for folder in folders if (folder / name).is_file()), None) for name in _PHOTOGRAPHS]
    lacking = [name for name, path in zip(_PHOTOGRAPHS, found, strict=True) if path is None]
    if lacking:
        raise InputError(
            f"networks are measured on photographs that scikit-image carries, and its installation here lacks "
            f"{', '.join(lacking)}; install scikit-image again, or leave filters at 'trained' and pooling at another "
            "than 'avg-rescaled'"
        )
    return [path for path in found if path is not None]
