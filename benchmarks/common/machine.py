"""What the figures were measured on: the machine and the libraries, found without importing any of them."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess

_LIBRARIES = ("keras", "tensorflow", "jax", "jaxlib", "torch", "numpy", "scipy", "luigi", "optax")


def machine() -> str:
    """Processor, cores, memory and GPU, in one line."""
    parts = [_processor(), f"{_cores()} cores", f"{_memory_gib():.0f} GiB memory", *_gpus()]
    return ", ".join(parts)


def libraries() -> str:
    """Python and the libraries that compute, with their versions, in one line."""
    found = [f"Python {platform.python_version()}"]
    for library in _LIBRARIES:
        try:
            found.append(f"{library} {importlib.metadata.version(library)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(found)


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            fields = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in file)}
    except OSError:
        return platform.processor() or platform.machine()
    family = f" (family {fields['cpu family']}, model {fields['model']})" if "cpu family" in fields else ""
    return fields.get("model name", platform.machine()) + family


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory_gib() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


def _gpus() -> list[str]:
    if shutil.which("nvidia-smi") is None:
        return []
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    answer = subprocess.run(query, capture_output=True, text=True, check=False)
    return [f"GPU {line.strip()}" for line in answer.stdout.splitlines()] if answer.returncode == 0 else []
