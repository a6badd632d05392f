"""A program that runs another for as long as its own standard input is open: `python tether.py FOLDER COMMAND…`.

Whoever starts it holds the other end of that pipe, and when that process is gone, however it went, the command is
killed with all that it started, and its folder removed. It is run as a file, with nothing but Python's own modules.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading


def main(folder: str, *command: str) -> int:
    """Run a command, without any input, and return its exit status. It may be found in a session of its own."""
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    except OSError as error:
        print(f"ERROR: {command[0]} does not start: {error.strerror}", file=sys.stderr)
        return 127
    threading.Thread(target=_end_when_let_go, args=(folder,), daemon=True).start()
    return process.wait()


def _end_when_let_go(folder: str) -> None:
    while os.read(0, 1):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
