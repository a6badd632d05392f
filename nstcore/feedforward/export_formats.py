"""The files that a network can become for other programs, and what each needs; importing this imports no Keras."""

from __future__ import annotations

import importlib.util

from nstcore.checks import choice, whole_number
from nstcore.errors import ConfigError
from nstcore.feedforward.settings import NetworkSettings

#: What their names end in.
EXPORT_SUFFIXES = (".tflite", ".onnx")


def require_export(suffix: str, height: int | None, width: int | None, settings: NetworkSettings) -> None:
    """See that such a file can be made of a network here.

    Args:
        suffix: of the file.
        height, width: of the pictures that it is to take; None for any.
        settings: of the network.

    Raises:
        ConfigError: it cannot; what is missing and how to have it.
    """
    choice("format", suffix, EXPORT_SUFFIXES)
    if suffix == ".tflite" and settings.upsampling == "nearest" and None in (height, width):
        raise ConfigError("a .tflite file of this network takes pictures of one size; say which, as in --size 512x384")
    for name, side in (("width", width), ("height", height)):
        if side is not None:
            whole_number(name, side, settings.smallest_side)
    if suffix == ".onnx" and importlib.util.find_spec("tf2onnx") is None:
        raise ConfigError("ONNX files need the package tf2onnx; pip install 'nst-grid[onnx]'")
