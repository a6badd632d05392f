"""Problems whose minimum is known, and what the Keras backends answer to the probes, asked once for all files."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

TERMS = ("total", "content", "style", "total_variation")


class Valley:
    """Σ slopes · (x − bottom)² + offset of each picture: what optimisers see of a problem, without a network."""

    variable = "pixels"
    refined_from = 0.8
    is_another = False

    def __init__(
        self, slopes: np.ndarray, bottom: float | np.ndarray, offset: Any = 0.0, better: Valley | None = None
    ) -> None:
        """Take slopes (B, H, W, 3), a bottom of that shape or a number, and an offset per picture or for all.

        `better` is the loss itself, if this one is to approximate it.
        """
        self.shape = slopes.shape
        self.terms = TERMS
        self.arguments = (
            ops.convert_to_tensor(slopes.astype(np.float32)),
            ops.convert_to_tensor(np.broadcast_to(np.float32(bottom), slopes.shape)),
            ops.convert_to_tensor(np.broadcast_to(np.float32(offset), slopes.shape[:1])),
        )
        self.function = _valley
        self._better = better

    def refined(self) -> Valley | None:
        return self._better

    def pictures(self, z: Any) -> Any:
        return z

    def at(self, pictures: np.ndarray) -> np.ndarray:
        return pictures

    def of(self, problem: Any) -> Any:
        return problem

    def calibrate(self, slopes: np.ndarray, gradient: Any) -> None:
        pass

    def state_dict(self) -> dict[str, np.ndarray]:
        return {}

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        pass


def _valley(x: Any, arguments: Any) -> tuple[Any, Any]:
    slopes, bottom, offset = arguments
    totals = ops.sum(slopes * ops.square(x - bottom), axis=(1, 2, 3)) + offset
    return totals, ops.stack([totals, totals, 0.0 * totals, 0.0 * totals], axis=1)


@pytest.fixture(scope="session")
def valley() -> Callable[..., Valley]:
    return Valley


@pytest.fixture(scope="session")
def to_numpy() -> Callable[[Any], np.ndarray]:
    return lambda tensor: np.asarray(keras.ops.convert_to_numpy(tensor))


EVERY_PROBE = Path(__file__).with_name("every_probe.py")

PROBES = (
    "feedforward_memory",  # the first, while the process has done nothing else
    *("targets", "backend", "lbfgs_device", "extending", "regions", "losses", "networks", "neighbors", "resumption"),
    *("options", "tracing", "feedforward", "training"),
    "numerics",  # the last, which changes what the process is set to
)


@pytest.fixture(scope="session")
def ask(
    made_once: Callable[[str, Callable[[Path], None]], Path], run_on_backend: Callable[..., str]
) -> Callable[[str, str], dict[str, np.ndarray]]:
    """Probe, backend -> what `<probe>_probe.py` found on it. One process per backend answers every probe, once."""

    def ask(probe: str, backend: str) -> dict[str, np.ndarray]:
        if importlib.util.find_spec(backend) is None:
            pytest.skip(f"{backend} is not installed; pip install '.[{backend}]' to compare it")
        folder = made_once(backend, lambda folder: run_on_backend(backend, EVERY_PROBE, folder, *PROBES))
        with np.load(folder / f"{probe}.npz") as found:
            assert str(found["backend"]) == backend
            return dict(found)

    return ask
