"""Keras' own weights, from its cache or its download host, by way of a child process that can be ended."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from nstcore.networks.weights.arrays import Arrays
from nstcore.networks.weights.clients import run_client
from nstcore.system.npz import read_npz

#: Name for people of this source.
SOURCE = "keras.applications imagenet"
#: Longest time for starting Keras and downloading 95 MB, in seconds.
_SECONDS = 1800.0

_ROOT = Path(__file__).resolve().parents[3]


def fetch(application: str) -> Arrays:
    """Weights of a network of `keras.applications` for ImageNet, named as `Backbone.build` names them.

    The child is told Keras' own name of the network: it does not know the backbones that a program has registered.

    Raises:
        SourceError: they are not in Keras' cache and its host does not answer, or what it sends is no good.
    """
    environment = {
        "PYTHONPATH": os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYTHONWARNINGS": "ignore",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        # This process may hold the whole memory of an accelerator; the child needs none.
        "CUDA_VISIBLE_DEVICES": "-1",
        "JAX_PLATFORMS": "cpu",
    }
    with tempfile.TemporaryDirectory(prefix="nstcore-") as folder:
        path = Path(folder) / "weights.npz"
        command = [sys.executable, "-m", "nstcore.networks.weights.keras_child", application, str(path)]
        run_client(command, client="Keras", folder=Path(folder), environment=environment, seconds=_SECONDS)
        return read_npz(path)
