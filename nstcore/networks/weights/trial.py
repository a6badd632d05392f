"""A weights file tried out by a process of its own: a damaged one can keep HDF5 busy for ever, or end its process.

Random changes of 1 to 3 fields of small files made HDF5 1.14 read on without end about once in a few thousand times.
Nothing in this process could stop that. So the names and shapes of a file are read by a child first, which may use so
much time of the processor and so much memory, and only then here. Arrays need no trial: those that are read are plain.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

from nstcore.networks.weights.failures import SourceError

#: Time of the processor, which a busy machine does not use up, and of the clock, for storage that does not answer.
_CPU_SECONDS, _SECONDS = 5, 300.0
_MEMORY = 3 * 2**29
_TOO_LARGE = 3

_ROOT = Path(__file__).resolve().parents[3]


def try_out(path: Path) -> None:
    """See that a file can be looked at. What is wrong with one that can, whoever looks finds out.

    Raises:
        SourceError: it kept the child busy for too long, or took too much memory, or ended it.
    """
    # Not a path that an option could be taken for, and none that is seen from another folder.
    command = [sys.executable, "-m", "nstcore.networks.weights.trial", str(path.absolute())]
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    try:
        ended = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SourceError(
            f"looking at it took more than {_SECONDS:g} s; try again, or copy it to this machine"
        ) from None
    if ended.returncode < 0:
        raise SourceError("it is damaged: looking at it does not end, or ends the process that does; get a whole copy")
    if ended.returncode == _TOO_LARGE:
        raise SourceError("it is damaged: its names take more than 1.5 GiB of memory; get a whole copy")


def _limit() -> None:
    for kind, limit in ((resource.RLIMIT_CPU, _CPU_SECONDS), (resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CORE, 0)):
        most = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (limit if most < 0 else min(limit, most), most))


def main(path: str) -> int:
    """Look at a file, and return the exit status: 0 if there is an end to it, whatever it holds."""
    from nstcore.networks.weights.keras_files import opened

    _limit()
    try:
        with opened(Path(path)):
            return 0
    except MemoryError:
        return _TOO_LARGE
    except (SourceError, OSError):
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
