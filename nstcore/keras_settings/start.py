"""Starting Keras for this project, whatever else a person has set it up for; importing this module imports no Keras."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from nstcore.errors import ConfigError

#: The backends that there are adapters for.
BACKENDS = ("tensorflow", "jax", "torch")

_CHOOSE = f"set KERAS_BACKEND to one of {', '.join(BACKENDS)}"
# Packages of which an import fails when a backend does.
_PACKAGES_OF = {"tensorflow": {"tensorflow"}, "jax": {"jax", "jaxlib"}, "torch": {"torch"}}


@dataclass(frozen=True)
class Backend:
    """The Keras backend of this process.

    Attributes:
        name: as Keras knows it; it need not exist.
        place: where it was chosen, for people.
    """

    name: str
    place: str


def chosen_backend() -> Backend:
    """The backend that Keras runs on or, where it is not imported yet, that it would start with.

    Keras asks the environment first, then its settings file.
    """
    keras = sys.modules.get("keras")
    if keras is not None and hasattr(keras, "backend"):
        return Backend(keras.backend.backend(), "Keras, which is running already")
    from_environment = os.environ.get("KERAS_BACKEND")
    if from_environment:
        return Backend(from_environment, "the environment variable KERAS_BACKEND")
    file = settings_file()
    with contextlib.suppress(OSError, ValueError, RecursionError):
        settings = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(settings, dict) and "backend" in settings:
            return Backend(str(settings["backend"]), str(file))
    return Backend("tensorflow", "the default")


def settings_file() -> Path:
    """Where Keras reads its settings from: `keras.json` in `$KERAS_HOME` or `~/.keras`, or in /tmp without a home."""
    folder = os.environ.get("KERAS_HOME")
    if folder is None:
        home = os.path.expanduser("~")
        folder = os.path.join(home if os.access(home, os.W_OK) else "/tmp", ".keras")
    return Path(os.path.expanduser(folder)) / "keras.json"


def start_keras(*, frozen: bool = False) -> None:
    """Import Keras with its backend, if it is not there.

    Args:
        frozen: keep Python's garbage collector from looking at what this process has loaded by then, for as long as it
            runs. For commands: a library does not know whose objects these are.

    Raises:
        ConfigError: if there is no such backend, or an import fails: which one, why, and what chose it.
    """
    backend = chosen_backend()
    if backend.name not in BACKENDS:
        raise ConfigError(f"there is no backend {backend.name!r} here, which {backend.place} chooses; {_CHOOSE}")
    try:
        if "keras" not in sys.modules:
            with any_plot_backend(), _no_collections():
                import keras  # noqa: F401

                if frozen:
                    gc.freeze()
    except Exception as error:
        raise ConfigError(_why_not(error, backend)) from error


@contextlib.contextmanager
def _no_collections() -> Iterator[None]:
    """Let Python collect no garbage while something large is imported.

    Almost all that an import makes stays, and the collector would go through it again and again: for Keras a fifth of
    the time. Afterwards it is with the old objects, or the next collection of the young ones would go through it.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # or what is frozen, by a command or by whoever imports this, would thaw
            gc.freeze()
            gc.unfreeze()  # puts all of it into the oldest generation
        gc.enable()


@contextlib.contextmanager
def any_plot_backend() -> Iterator[None]:
    """Let Matplotlib be imported, which Keras does too, whatever backend MPLBACKEND names for its windows.

    A notebook sets the variable for every command that is started in one of its cells, and Matplotlib ends its own
    import where there is no such module. This project draws without windows, so that the name does not matter to it.
    One that Matplotlib knows holds afterwards, as it would have, for whatever else is drawn in this process.
    """
    chosen = os.environ.pop("MPLBACKEND", None)
    was_there = "matplotlib" in sys.modules
    try:
        yield
    finally:
        if chosen is not None:
            os.environ["MPLBACKEND"] = chosen
            matplotlib = sys.modules.get("matplotlib")
            if chosen and not was_there and hasattr(matplotlib, "rcParams"):
                with contextlib.suppress(ValueError):
                    matplotlib.rcParams["backend"] = chosen  # type: ignore[union-attr]


def _why_not(error: Exception, backend: Backend) -> str:
    """What failed while Keras was imported, in one line: the backend, the settings file, or another package."""
    reason = f"{type(error).__name__}: {error}"
    missing = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    modules = _modules_of(error.__traceback__)
    if missing in _PACKAGES_OF[backend.name]:
        return (
            f"the backend {backend.name!r}, which {backend.place} chooses, is not installed; install it, or {_CHOOSE}"
        )
    if missing:
        return f"{missing} is not installed, but {modules[-1].partition('.')[0]} needs it; install it"
    if modules[-1] == "keras.src.backend.config":
        return f"Keras cannot read its settings, {settings_file()} or the variables KERAS_*: {reason}"
    package = modules[-1].partition(".")[0]
    if package in _PACKAGES_OF[backend.name]:
        return f"the backend {backend.name!r}, which {backend.place} chooses, does not start ({reason}); {_CHOOSE}"
    return f"{package} cannot be imported, which Keras needs: {reason}"


def _modules_of(trace: TracebackType | None) -> list[str]:
    """The modules that an error went through, outermost first, without those of Python itself."""
    names = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(trace)]
    return [name for name in names if name.partition(".")[0] not in sys.stdlib_module_names] or [""]
