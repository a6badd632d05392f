"""Run as a program by the fixture `ask`: several probes in one process, on the backend that KERAS_BACKEND names.

`python every_probe.py FOLDER NAME ...` has each `NAME_probe.py` write what it found to `FOLDER/NAME.npz`.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import keras
import numpy as np


def main(folder: str, *names: str) -> None:
    for name in names:
        found = importlib.import_module(f"{name}_probe").answers()  # beside this file
        np.savez(Path(folder) / f"{name}.npz", backend=keras.backend.backend(), **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
