"""How much of the machine's memory is free, as Linux tells it; without Keras, so that it can be asked at once."""

from __future__ import annotations

from pathlib import Path


def free_main_memory() -> int | None:
    """Bytes that this process may still take: what Linux says is available, or what the control group's limit leaves.

    None where neither is told.
    """
    free = [_available(Path("/proc/meminfo")), _left_in_group(Path("/sys/fs/cgroup"))]
    return min((one for one in free if one is not None), default=None)


def binary_size(size: int) -> str:
    """Bytes as people read them."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"


def _available(meminfo: Path) -> int | None:
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    kibibytes = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    return kibibytes[0] * 2**10 if kibibytes else None


def _left_in_group(group: Path) -> int | None:
    """The room under a version-2 control group's limit; pages of files that it can drop count as free."""
    try:
        limit = (group / "memory.max").read_text(encoding="ascii").strip()
        used = int((group / "memory.current").read_text(encoding="ascii"))
        statistics = (group / "memory.stat").read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return None
    if limit == "max":
        return None
    droppable = sum(int(line.split()[1]) for line in statistics if line.startswith("inactive_file "))
    return int(limit) - used + droppable
