"""Pictures one after the other, as a file that moves."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
from PIL import Image

from nstcore.errors import ConfigError, PictureError
from nstcore.pictures.images import Picture

#: Endings of files that can be written, and what Pillow calls them; "" is imageio's ffmpeg.
_FORMATS = {".gif": "GIF", ".webp": "WEBP", ".mp4": ""}
# Frames in a second, and how much longer than the others the last is seen.
_RATE, _LAST = 10, 15


def film_suffix(path: str | os.PathLike[str]) -> str:
    """The suffix of a path, lower case, once it is known that such a film can be written here.

    Raises:
        PictureError: if it cannot.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise PictureError(
            f"{os.fspath(path)} has no suffix of a film that can be written; end it in {', '.join(_FORMATS)}"
        )
    if suffix == ".mp4":
        try:
            import imageio_ffmpeg  # noqa: F401
        except ImportError:
            raise PictureError(
                f"{os.fspath(path)}: MP4 needs the package imageio-ffmpeg (pip install 'nst-grid[film]'); or end it in "
                ".gif or .webp"
            ) from None
    return suffix


def encode_film(frames: Sequence[Picture], suffix: str) -> bytes:
    """A film of ten frames a second, whose last one is seen for longer.

    Args:
        frames: one or more pictures of one size, uint8 (H, W, 3).
        suffix: one that `film_suffix` gave.
    """
    if not frames or len({frame.shape for frame in frames}) != 1:
        raise ConfigError("a film has one or more frames of one size")
    if suffix == ".mp4":
        height, width = (side - side % 2 for side in frames[0].shape[:2])  # which its colors are sampled at
        still = [*frames, *[frames[-1]] * (_LAST - 1)]
        film = np.stack([frame[:height, :width] for frame in still])
        return bytes(imageio.imwrite("<bytes>", film, extension=".mp4", fps=_RATE, macro_block_size=1))
    pictures = [Image.fromarray(frame) for frame in frames]
    durations = [1000 // _RATE] * (len(pictures) - 1) + [_LAST * 1000 // _RATE]
    file = io.BytesIO()
    pictures[0].save(
        file,
        _FORMATS[suffix],
        save_all=True,
        append_images=pictures[1:],
        duration=durations if len(pictures) > 1 else durations[0],
        loop=0,
        **({"lossless": False, "quality": 90} if suffix == ".webp" else {}),
    )
    return file.getvalue()
