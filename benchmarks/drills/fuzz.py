"""Hostile and damaged input for as long as there is time: the examples of `tests/test_fuzz.py`, others in each round.

Files made to ask for too much (`tests/test_bombs.py`) come first as they are, and damaged in each round. A fault is
shown as hypothesis tells it, made as small as it can be, and ends the drill with status 1: any end but a named error of
one line, more than 10 s for an example, a file outside the output folder, or a process of more than 2 GiB.

    python -m benchmarks.drills.fuzz [--minutes 30 --examples 200 --only picture]
"""

from __future__ import annotations

import argparse
import os
import resource
import secrets
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.common.report import Report, add_results_option

_ROOT = Path(__file__).parents[2]
# A round of 200 examples takes minutes on a busy machine; one that takes this long hangs.
_SECONDS_OF_AN_EXAMPLE = 60.0
_MOST_MIB = 2048


def main() -> int:
    """Run rounds until the time is up, and return the exit status."""
    options = _options()
    report = Report("fuzz", "Hostile and damaged input", options.results)
    began = time.monotonic()
    fault = "" if options.only else _fault(["tests/test_bombs.py"], options)
    rounds = 0
    while not fault and time.monotonic() < began + 60.0 * options.minutes:
        seed = secrets.randbelow(2**32)
        words = [f"--hypothesis-seed={seed}", "tests/test_fuzz.py", *(["-k", options.only] if options.only else [])]
        if fault := _fault(words, options):
            print(f"the seed of round {rounds + 1} was {seed}", flush=True)
        else:
            rounds += 1
            print(f"round {rounds}: {options.examples} examples of each kind, none went wrong", flush=True)
    if fault:
        print(f"fuzz: DOES NOT HOLD: {fault}", flush=True)
        return 1
    minutes = (time.monotonic() - began) / 60
    report.say(
        f"{rounds} rounds of {options.examples} examples of each kind in {minutes:.0f} minutes: nothing but the named "
        f"errors, nothing over 10 s; the largest process had {_peak_mib():.0f} MiB, of {_MOST_MIB} that are allowed."
    )
    report.write()
    return 0


def _fault(words: list[str], options: argparse.Namespace) -> str:
    """Run tests in a process of their own; what is wrong, or nothing."""
    command = [sys.executable, "-X", "faulthandler", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-x"]
    command += ["--show-capture=no", "--tb=short", *words]
    environment = {**os.environ, "NST_FUZZ_EXAMPLES": str(options.examples)}
    limit = _SECONDS_OF_AN_EXAMPLE * max(options.examples, 10)
    try:
        ended = subprocess.run(command, cwd=_ROOT, env=environment, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return f"a round takes more than {limit:.0f} s"
    if ended.returncode:
        return f"{words[-1]} ended with {ended.returncode}"
    return f"a process had {_peak_mib():.0f} MiB" if _peak_mib() > _MOST_MIB else ""


def _peak_mib() -> float:
    """The largest resident size of any process that was started here and has ended."""
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--examples", type=int, default=200, help="of each kind of input in a round")
    parser.add_argument("--only", default="", help="tests whose name has this word, as of pytest's -k")
    add_results_option(parser)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
