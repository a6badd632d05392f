"""Machines whose clocks differ by an hour work on one folder: every run is right, and the one after does nothing.

    python -m benchmarks.drills.clocks [--results DIR]

Each run is a `luigi` command of its own, some under `faketime` (Debian: `apt-get install faketime`), which tells it a
time an hour ahead or behind; the files that it writes get the times that such a machine would give them. Before each of
those a cell is taken away, so that there is something to make. It says in a line a run what it saw, and ends with
status 1 where something did not hold.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.common.report import Report, add_results_option

_ROOT = Path(__file__).parents[2]
_SIZE, _STYLES = 48, ("ink", "oil", "chalk")


def main() -> int:
    """Run the drill; the exit status is 0 where everything held."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_results_option(parser)
    options = parser.parse_args()
    if shutil.which("faketime") is None:
        print("clocks: faketime is not installed (Debian: apt-get install faketime)", file=sys.stderr)
        return 2
    report = Report("clocks", "Clocks an hour ahead and behind", options.results)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _write_pictures(folder)
        held = [_run(report, folder, 0, "", making=set(_STYLES))]
        for hours, style in ((1, "ink"), (-1, "oil")):
            shutil.rmtree(folder / "outputs" / "cells" / "cat" / style)
            held.append(_run(report, folder, hours, f"after {style} was lost", making={style}))
            held.extend(_run(report, folder, after, "again", making=set()) for after in (hours, 0, -hours))
    if not all(held):
        return 1
    report.write()
    return 0


def _run(report: Report, folder: Path, hours: int, about: str, making: set[str]) -> bool:
    """Run the grid with a clock that many hours ahead, and see that it makes these cells, shows them, and no more."""
    before = _written(folder)
    command = [
        sys.executable,
        "-c",
        "from luigi.cmdline import luigi_run; luigi_run()",
        "--module",
        "tasks",
        "FullGrid",
    ]
    values = {"content-dir": folder / "content", "style-dir": folder / "style", "output-dir": folder / "outputs"}
    values |= {"backbones": "vgg16", "size": _SIZE, "iterations": 2, "weights": "random"}
    command += [word for name, value in values.items() for word in (f"--{name}", str(value))]
    # Monotonic time goes on as it is: waiting is no matter of what the clock says.
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
    clock = ["faketime", "-f", f"{hours:+d}h"] if hours else []
    finished = subprocess.run(clock + command, env=environment, capture_output=True, text=True, check=False)
    new = {name for name, written in _written(folder).items() if before.get(name) != written}
    for name in new:
        path = folder / "outputs" / name
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime + 3600 * hours))
    made = {name.split("/")[2] for name in new if name.startswith("cells/")}
    idle = not new and "Did not run any tasks" in finished.stdout + finished.stderr
    right = finished.returncode == 0 and made == making and (bool(making) or idle) and _is_shown(folder)
    clock_says = {0: "the right time", 1: "an hour ahead", -1: "an hour behind"}[hours]
    did = f"made {', '.join(sorted(made))} and {len(new)} files in all" if new else "did nothing"
    says = f"{clock_says}, {about or 'first'}: {did}, status {finished.returncode}"
    report.say(f"- {says}" if right else f"- DOES NOT HOLD: {says}")
    if not right:
        print(finished.stderr, file=sys.stderr)
    return right


def _is_shown(folder: Path) -> bool:
    """Whether the page's folder has the picture of every cell, and the table its loss."""
    (report,) = (folder / "outputs" / "reports").iterdir()
    table = (report / "grid.csv").read_text()
    for manifest in (folder / "outputs" / "cells").rglob("manifest.json"):
        picture = report / "pictures" / f"{manifest.parent.name.removeprefix('vgg16-')}.png"
        (total,) = re.findall(r'^    "total": (.+),$', manifest.read_text(), re.MULTILINE)
        if _sha256(picture) != _sha256(manifest.with_name("result.png")) or total not in table:
            return False
    return True


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _written(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file of the outputs, and which version of it is there."""
    root = folder / "outputs"
    seen = {str(path.relative_to(root)): path.stat() for path in sorted(root.rglob("*")) if path.is_file()}
    return {name: (status.st_ino, status.st_mtime_ns) for name, status in seen.items()}


def _write_pictures(folder: Path) -> None:
    random = np.random.default_rng(0)
    for name in ("content/cat", *(f"style/{style}" for style in _STYLES)):
        (folder / name).parent.mkdir(exist_ok=True)
        Image.fromarray(random.integers(0, 256, (60, 70, 3), np.uint8)).save(folder / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())
