"""Free memory goes back to the system, where the C library can do that."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import pytest

from nstcore.system import returned_memory
from nstcore.system.returned_memory import return_memory

STATM = Path("/proc/self/statm")


@pytest.mark.skipif(returned_memory._trim() is None or not STATM.exists(), reason="another C library, or no Linux")
def test_what_lies_between_blocks_in_use_is_given_back() -> None:
    library = ctypes.CDLL(None)
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    # Small enough to come from the heap. Every second one is freed, and so the rest keeps the heap as long as it is.
    blocks = [library.malloc(2**16) for _ in range(2000)]
    for block in blocks:
        ctypes.memset(block, 1, 2**16)
    for block in blocks[::2]:
        library.free(block)
    held = resident()
    return_memory()
    assert held - resident() > 40 * 2**20
    for block in blocks[1::2]:
        library.free(block)
    return_memory()


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(returned_memory, "_trim", lambda: None)
    return_memory()


def resident() -> int:
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
