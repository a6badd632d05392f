"""What one machine gives each of its workers: a device, and a share of its cores."""

from __future__ import annotations

import os
import shutil
import subprocess

from nstcore import ConfigError
from nstcore.checks import expected

# What reads how many threads it may start: OpenMP (torch, oneDNN), OpenBLAS, TensorFlow, and XLA on processors.
_THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    *("NPROC",),
)

# That it keeps busy. Beyond, small pictures leave some of them idle.
_CORES_OF_A_WORKER = 4


def devices(processes: int | None, gpus: str | None) -> list[str | None]:
    """The device of each worker of this machine: a number or name as CUDA knows it; None where there is none.

    Args:
        processes: how many workers are asked for; None: one for each GPU, or one where there is none.
        gpus: the GPUs of the workers, separated by commas, one each; a GPU that two are to share is named twice.

    Raises:
        ConfigError: if both are given and do not fit, or two workers would share a GPU without having been told to.
    """
    if gpus is not None:
        named = [name.strip() for name in gpus.split(",")]
        if not all(named):
            raise ConfigError(expected("gpus", "numbers separated by commas, such as 0,1", gpus))
        if processes not in (None, len(named)):
            raise ConfigError(
                f"gpus={gpus!r} names one for each of {len(named)} processes. Received: processes={processes}; "
                "leave processes out, or name a GPU as often as there are processes to share it"
            )
        return list(named)
    found = _gpus()
    if not found:
        return [None] * (processes or 1)
    if processes is not None and processes > len(found):
        raise ConfigError(
            f"processes={processes} is more than the GPUs here ({','.join(found)}); "
            f"name one for each if some are to share: --gpus {','.join((found * processes)[:processes])}"
        )
    return list(found[: processes or len(found)])


def advice(workers: list[str | None]) -> str:
    """Why fewer workers would do as well here, in a line; "" where they may not.

    Measured on two cores, one turn each (24 cells through VGG19, as benchmarks/worker_processes.py makes them): two
    workers took 0.72 of one's time with pictures of 48 px and 0.93 with 256 px, in 1.8 times the memory. A transfer of
    such pictures keeps a few cores busy by itself.
    """
    cores, count = _cores(), len(workers)
    if count == 1 or any(device is not None for device in workers) or cores >= _CORES_OF_A_WORKER * count:
        return ""
    fewer = max(1, cores // _CORES_OF_A_WORKER)
    return (
        f"{count} processes share {cores} cores: with pictures of 256 px and more --processes {fewer} takes hardly "
        "longer, and less memory"
    )


def environment(device: str | None, workers: list[str | None]) -> dict[str, str]:
    """What a worker's environment says of its device and threads; each backend reads it when it is imported."""
    threads = str(max(1, _cores() // len(workers)))
    own = {name: os.environ.get(name, threads) for name in _THREADS} if len(workers) > 1 else {}
    if device is not None:
        own["CUDA_VISIBLE_DEVICES"] = device
        if (sharing := workers.count(device)) > 1:
            # Of its own accord a backend takes all the memory of a GPU.
            own |= {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_MEM_FRACTION": f"{0.9 / sharing:.2f}"}
    return own


def _cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _gpus() -> list[str]:
    """The GPUs of this machine, or those of them that are shown to this process."""
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    if shown is not None:
        return [name.strip() for name in shown.split(",") if name.strip() and name.strip() != "-1"]
    if shutil.which("nvidia-smi") is None:
        return []
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(number) for number, line in enumerate(listed.splitlines()) if line.startswith("GPU ")]
