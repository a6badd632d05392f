"""Keeps a terminal readable: for commands, not for the library."""

from __future__ import annotations

import os


def quiet_tensorflow() -> None:
    """Silence what TensorFlow logs while it loads, unless the environment asks. Call before Keras is imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
