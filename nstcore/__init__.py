"""Neural style transfer as a symbolic loss on Keras 3 backends.

`style_transfer` and `build_objective` import Keras when first used; settings, presets and errors never do.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from nstcore.config import TransferConfig
from nstcore.errors import (
    ConfigError,
    DivergenceError,
    InputError,
    MemoryShortageError,
    OutputError,
    PictureError,
    StyleTransferError,
    WeightsError,
)
from nstcore.keras_settings.start import start_keras
from nstcore.networks.backbones import BACKBONES
from nstcore.result import Iterate, Trace, TransferResult
from nstcore.version import __version__

if TYPE_CHECKING:
    from nstcore.mixture import StyleSource
    from nstcore.objective import Objective, build_objective
    from nstcore.transfer import style_transfer

__all__ = [
    "BACKBONES",
    "ConfigError",
    "DivergenceError",
    "InputError",
    "Iterate",
    "MemoryShortageError",
    "Objective",
    "OutputError",
    "PictureError",
    "StyleSource",
    "StyleTransferError",
    "Trace",
    "TransferConfig",
    "TransferResult",
    "WeightsError",
    "__version__",
    "build_objective",
    "style_transfer",
]

_NEEDS_KERAS = {"Objective": "objective", "build_objective": "objective", "style_transfer": "transfer"}


def __getattr__(name: str) -> Any:
    if name == "StyleSource":  # which imports what reads pictures, and that takes as long as all of this
        return importlib.import_module("nstcore.mixture").StyleSource
    if name in _NEEDS_KERAS:
        start_keras()
        return getattr(importlib.import_module(f"nstcore.{_NEEDS_KERAS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
