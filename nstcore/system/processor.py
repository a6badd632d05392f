"""What this machine computes well, found without importing Keras here."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import Literal

from threadpoolctl import ThreadpoolController

from nstcore.keras_settings.start import chosen_backend

# Instructions that multiply bfloat16 matrices: Intel and AMD, and Arm's "bf16" (Linux, Documentation/arch).
_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
# Longest time for starting a backend in a process of its own, in seconds.
_SECONDS = 60.0


@lru_cache(maxsize=1)
def best_precision() -> Literal["float32", "bfloat16"]:
    """What the setting precision="auto" means here: "bfloat16" where the device does it well, else "float32".

    On processors with bfloat16 instructions that is with TensorFlow, as measured on one with AVX512_BF16: of float32's
    time for an evaluation, 256 px, VGG19, ResNet50 and InceptionV3 took 0.58, 0.97 and 0.91, and runs ended within 1 %
    (benchmarks/precision.py). With JAX they took 1.02, 0.94 and 1.2 (processor seconds of a busy machine). With torch
    evaluations are faster too, but where runs end was not measured.

    On GPUs and TPUs by specification, not measured: where the backend computes on one that has matrix units for it
    (`nstcore.backend.multiplies_bfloat16`). Where there may be one the backend itself is asked, so that one that it
    was not built for, or is not shown, does not count: in a process of its own unless Keras is loaded already, so that
    whoever only plans stays free to fork. That takes the seconds of an import, once.
    """
    answer = _accelerator_multiplies_bfloat16() if _may_have_accelerator() else None
    if answer is None:
        answer = chosen_backend().name == "tensorflow" and bool(_flags() & _BFLOAT16_FLAGS)
    return "bfloat16" if answer else "float32"


class _SingleThreadedBlas:
    """One limit for all the runs of a process: the first sets it, the last lifts it, in whatever order they end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs = 0
        self._limit = contextlib.ExitStack()

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if self._runs == 0:
                self._limit.enter_context(ThreadpoolController().select(internal_api="openblas").limit(limits=1))
            self._runs += 1
        try:
            yield
        finally:
            with self._lock:
                self._runs -= 1
                if self._runs == 0:
                    self._limit.close()


_blas = _SingleThreadedBlas()


def single_threaded_blas() -> AbstractContextManager[None]:
    """Keep OpenBLAS, which NumPy and SciPy compute with, to one thread while the context lasts.

    Its helper threads spin for a while after every product of vectors, on the cores that the network needs next: on two
    cores an evaluation of VGG19 in bfloat16, 256 px, took 1.5 times as long. Contexts of several threads may overlap.
    """
    return _blas()


def _may_have_accelerator() -> bool:
    """Whether something here belongs to one: the command of NVIDIA's driver, or the library of TPUs."""
    return shutil.which("nvidia-smi") is not None or importlib.util.find_spec("libtpu") is not None


def _accelerator_multiplies_bfloat16() -> bool | None:
    """What `nstcore.backend.multiplies_bfloat16` says; None too if the backend does not start, which a run tells."""
    if "keras" in sys.modules:
        from nstcore.backend import multiplies_bfloat16

        return multiplies_bfloat16()
    root = str(Path(__file__).resolve().parents[2])
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])]),
        "MPLBACKEND": "",  # Keras imports Matplotlib, which may not find what is named there
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # JAX would take most of a GPU that others may be using
    }
    code = "from nstcore.backend import multiplies_bfloat16; print(multiplies_bfloat16())"
    try:
        child = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return {"True": True, "False": False}.get((child.stdout.split() or [""])[-1])


def _flags() -> set[str]:
    """The processor's instruction sets, as Linux names them; nothing where they are not told."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return {flag for line in file if line.startswith(("flags", "Features")) for flag in line.split()}
    except OSError:
        return set()
