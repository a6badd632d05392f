"""`keras.ops`, imported when first used: the settings of a loss are checked where Keras must not be loaded."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    import keras

    return getattr(keras.ops, name)
