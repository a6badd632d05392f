"""A trained network as a file that other programs run: TensorFlow Lite, or ONNX.

Both take and give RGB, float32 (1, H, W, 3), 0 to 255, as the network itself. An ONNX file takes pictures of any size,
and so does a TensorFlow Lite file of a network that enlarges by transposed convolutions. Of one that repeats pixels it
takes a single size: with open sizes the converter (TensorFlow 2.21) needs operations that most runtimes lack.
"""

from __future__ import annotations

import importlib.util
import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from nstcore import backend
from nstcore.errors import ConfigError, NetworkFileError
from nstcore.feedforward.export_formats import require_export
from nstcore.feedforward.network_file import TrainedNetwork
from nstcore.keras_settings.numerics import own_numerics
from nstcore.networks.weights.failures import one_line

#: How far a file may be from its network, of 255; beyond that it is not kept.
_TOLERANCE = 1e-3
# A side that no stride divides, for files that take any size.
_ANY_SIDES = (65, 83)


@dataclass(frozen=True)
class Exported:
    """A file that was made.

    Attributes:
        content: its bytes.
        difference: how far it is from its network at most, of 255, for a picture of noise; None if it was not run.
    """

    content: bytes
    difference: float | None


@own_numerics()
def export(network: TrainedNetwork, suffix: str, height: int | None, width: int | None) -> Exported:
    """Make a file of a network, and run it where that is possible.

    Args:
        network: as `load_network` gives it.
        suffix: ".tflite" or ".onnx".
        height, width: of the pictures that it takes; None for any size, which not all can.

    Raises:
        ConfigError: there is no such format, or what makes it is not installed.
        NetworkFileError: what was made gives something else than the network, and so is no use.
    """
    require_export(suffix, height, width, network.settings)
    sides = (height or _ANY_SIDES[0], width or _ANY_SIDES[1])
    noise = np.random.RandomState(0).uniform(0, 255, (1, *sides, 3)).astype(np.float32)
    if suffix == ".tflite":
        content = backend.to_tflite(network.model, (1, height, width, 3))
        given = backend.run_tflite(content, noise)
    else:
        content = _onnx(network.model, height, width)
        given = _run_onnx(content, noise)
    if given is None:
        return Exported(content, None)
    difference = float(np.abs(given - backend.to_host(network.model(noise, training=False))).max()) / 255
    if not difference <= _TOLERANCE:  # NaN is not
        raise NetworkFileError(f"the {suffix} file that was made is of no use: it differs by {difference:.2g} of 255")
    return Exported(content, difference)


def _onnx(model: keras.Model, height: int | None, width: int | None) -> bytes:
    if backend.backend_name() != "tensorflow":
        raise ConfigError(
            "ONNX files are made by way of TensorFlow; set KERAS_BACKEND=tensorflow. "
            f"Received: {backend.backend_name()}"
        )
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    signature = [keras.InputSpec(shape=(1, height, width, 3), dtype="float32", name="picture")]
    with tempfile.TemporaryDirectory(prefix="nstcore-") as folder:
        place = Path(folder) / "network.onnx"
        try:
            model.export(str(place), format="onnx", input_signature=signature, verbose=False)
        except ImportError as error:
            raise ConfigError(f"ONNX files need a package that cannot be imported ({one_line(error)})") from error
        return place.read_bytes()


def _run_onnx(content: bytes, pictures: np.ndarray) -> np.ndarray | None:
    if importlib.util.find_spec("onnxruntime") is None:
        return None
    import onnxruntime  # type: ignore[import-not-found,unused-ignore]

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    given: np.ndarray = session.run(None, {session.get_inputs()[0].name: pictures})[0]
    return given
