"""Luigi's lock tells runs apart by their command lines. It reads them as UTF-8, which a name in them need not be."""

from __future__ import annotations

from pathlib import Path

import luigi.lock

_read_as_utf8 = luigi.lock.getpcmd


def command_line(pid: int) -> str:
    """The command line of a process, as Luigi's lock reads it; bytes that are not UTF-8 are written out (\\xe9)."""
    try:
        return str(_read_as_utf8(pid))
    except UnicodeDecodeError:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "backslashreplace")
        return words.replace("\0", " ").rstrip()


def lock_by_any_command_line() -> None:
    """Have Luigi's lock read command lines so, in this process."""
    luigi.lock.getpcmd = command_line
