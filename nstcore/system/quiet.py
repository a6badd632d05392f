"""Keeps a terminal readable: for commands, not for the library."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator

from nstcore.keras_settings.home import pass_over_unreadable_settings
from nstcore.keras_settings.start import start_keras

_SILENT = "3"


def quiet_tensorflow() -> None:
    """Silence what TensorFlow logs while it runs, unless the environment asks. Call before Keras is imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", _SILENT)


def quiet_matplotlib() -> None:
    """Silence what Matplotlib warns of, such as a home folder in which it cannot keep its list of fonts."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)


def import_keras_quietly() -> None:
    """Import Keras with its backend, and nothing on the terminal but what goes wrong.

    Raises:
        ConfigError: as `nstcore.keras_settings.start.start_keras`.
    """
    pass_over_unreadable_settings()
    with _quiet_stderr():
        start_keras(frozen=True)


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Discard what compiled libraries write to stderr while they are imported; exceptions come through.

    TensorFlow 2.21 logs before it looks at TF_CPP_MIN_LOG_LEVEL. What a loader says before it ends the process is
    lost too: another TF_CPP_MIN_LOG_LEVEL in the environment (0) shows everything.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") != _SILENT or sys.stderr is None:
        yield
        return
    sys.stderr.flush()
    stderr = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


@contextlib.contextmanager
def quiet_warnings() -> Iterator[None]:
    """Ignore Python's warnings, which are for developers, unless -W or PYTHONWARNINGS ask for them."""
    with warnings.catch_warnings():
        if not sys.warnoptions:
            warnings.simplefilter("ignore")
        yield
