"""The most memory that a process has held."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from nstcore.system.peak_memory import _of_this_program, _since_the_start, peak_memory

_TELL = "from nstcore.system.peak_memory import peak_memory; print(peak_memory())"


def test_what_was_held_once_stays():
    before = peak_memory()
    held = np.ones(8 * 2**20)  # 64 MiB
    after = peak_memory()
    del held
    assert after >= before
    assert peak_memory() > after - 2**22  # the system counts in pieces of some pages
    assert after >= 64 * 2**20


def test_a_program_is_not_charged_with_what_started_it():
    """A child that does next to nothing, of a process that holds 256 MiB."""
    held = np.ones(32 * 2**20)
    child = subprocess.run([sys.executable, "-c", _TELL], capture_output=True, text=True, check=True)
    assert held.nbytes == 2**28
    assert int(child.stdout) < 2**27


def test_where_the_system_does_not_tell_the_older_call_does(tmp_path):
    assert _of_this_program(tmp_path / "absent") is None
    (tmp_path / "status").write_text("Name:\tpython\nVmRSS:\t  100 kB\n")
    assert _of_this_program(tmp_path / "status") is None
    assert _since_the_start() >= peak_memory() * 0.9
