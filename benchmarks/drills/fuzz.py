"""Hostile and damaged input for as long as there is time: the examples of `tests/test_fuzz.py`, others in each round.

A fault is shown as hypothesis tells it, made as small as it can be, and ends the drill with status 1.

    python -m benchmarks.drills.fuzz [--minutes 30 --examples 200 --only picture]
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

_ROOT = Path(__file__).parents[2]
# A round of 200 examples takes minutes on a busy machine; one that takes this long hangs.
_SECONDS_OF_AN_EXAMPLE = 60.0


def main() -> int:
    """Run rounds until the time is up, and return the exit status."""
    options = _options()
    end = time.monotonic() + 60.0 * options.minutes
    rounds = 0
    while time.monotonic() < end:
        seed = secrets.randbelow(2**32)
        command = [sys.executable, "-X", "faulthandler", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-x"]
        command += ["--show-capture=no", "--tb=short", f"--hypothesis-seed={seed}", "tests/test_fuzz.py"]
        command += ["-k", options.only] if options.only else []
        environment = {**os.environ, "NST_FUZZ_EXAMPLES": str(options.examples)}
        ended = subprocess.run(
            command, cwd=_ROOT, env=environment, timeout=_SECONDS_OF_AN_EXAMPLE * options.examples, check=False
        )
        if ended.returncode:
            print(f"round {rounds + 1} found a fault; the seed was {seed}", flush=True)
            return 1
        rounds += 1
        print(f"round {rounds}: {options.examples} examples of each kind, none went wrong", flush=True)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--examples", type=int, default=200, help="of each kind of input in a round")
    parser.add_argument("--only", default="", help="tests whose name has this word, as of pytest's -k")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
