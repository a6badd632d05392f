"""What this machine computes well, found without importing Keras."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Literal

from threadpoolctl import ThreadpoolController

# Instructions that multiply bfloat16 matrices: Intel and AMD, and Arm's "bf16" (Linux, Documentation/arch).
_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}


@lru_cache(maxsize=1)
def best_precision() -> Literal["float32", "bfloat16"]:
    """What the setting precision="auto" means here: "bfloat16" where it was measured to be faster, else "float32".

    That is TensorFlow on a processor with bfloat16 instructions (benchmarks/precision.py). JAX and torch on processors,
    and GPUs, are not measured yet; a GPU beside such a processor counts as the processor does.
    """
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        return "float32"
    return "bfloat16" if _flags() & _BFLOAT16_FLAGS else "float32"


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


def _flags() -> set[str]:
    """The processor's instruction sets, as Linux names them; nothing where they are not told."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return {flag for line in file if line.startswith(("flags", "Features")) for flag in line.split()}
    except OSError:
        return set()
