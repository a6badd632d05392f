"""What the Keras backends answer to the probes, each asked in one process for all files of tests."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

EVERY_PROBE = Path(__file__).with_name("every_probe.py")

#: What a probe needs besides the backend.
PROBES: dict[str, dict[str, list[str]]] = {"targets": {}, "backend": {}, "device_lbfgs": {"jax": ["optax"]}}


def _missing(probe: str, backend: str) -> list[str]:
    return [name for name in (backend, *PROBES[probe].get(backend, [])) if importlib.util.find_spec(name) is None]


@pytest.fixture(scope="session")
def ask(
    made_once: Callable[[str, Callable[[Path], None]], Path], run_on_backend: Callable[..., None]
) -> Callable[[str, str], dict[str, np.ndarray]]:
    """Probe, backend -> what `<probe>_probe.py` found on it. One process per backend answers every probe, once."""

    def ask(probe: str, backend: str) -> dict[str, np.ndarray]:
        if missing := _missing(probe, backend):
            pytest.skip(f"{' and '.join(missing)} not installed; pip install '.[{backend}]' to compare it")
        possible = [name for name in PROBES if not _missing(name, backend)]
        folder = made_once(backend, lambda folder: run_on_backend(backend, EVERY_PROBE, folder, *possible))
        with np.load(folder / f"{probe}.npz") as found:
            assert str(found["backend"]) == backend
            return dict(found)

    return ask
