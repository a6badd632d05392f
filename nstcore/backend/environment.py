"""What a run ran on: versions and device, for its record."""

from __future__ import annotations

import importlib.metadata
import platform

import keras

from nstcore.backend import device_name
from nstcore.version import __version__


def versions() -> dict[str, str]:
    """Versions of the project, Python, Keras, its backend (by name too), and what computes beside them."""
    backend = keras.backend.backend()
    packages = ("keras", backend, "numpy", "scipy")
    return {
        "nst": __version__,
        "python": platform.python_version(),
        "backend": backend,
        **{package: importlib.metadata.version(package) for package in packages},
    }


def device() -> str:
    """The device the network runs on: the GPU's name, or "cpu" and the processor's."""
    name = device_name()
    return name if name != "cpu" else f"cpu ({_processor()})"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names and names[0] else platform.processor() or platform.machine()
