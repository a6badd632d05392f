"""Several workers that stay against one: the same grid through `nst-workers`, in turns, with the memory of them all.

Every grid is made from nothing: the time is that of a command, with what its processes import, load and compile. Memory
is the proportional set size of the command and all that it starts, so that what processes share counts once (Linux).

    python -m benchmarks.worker_processes [--sizes 48,256 --iterations 100,15 --processes 1,2 --turns 1]
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.common.measure import median_ratio
from benchmarks.common.ports import free_port
from benchmarks.common.problem import numbers, write_cuts
from benchmarks.common.report import Report, add_results_option, progress, seconds

_SECONDS_BETWEEN_LOOKS = 1.0


def main() -> None:
    options = _options()
    report = Report("worker_processes", "Several workers against one", options.results)
    cells = options.contents * options.styles
    rows = []
    with tempfile.TemporaryDirectory(prefix="nst-workers-") as temporary:
        for size, iterations in zip(options.sizes, options.iterations, strict=True):
            folder = Path(temporary) / str(size)
            folder.mkdir()
            for kind, count in (("content", options.contents), ("style", options.styles)):
                write_cuts(folder / kind, f"inputs/{kind}", count, size)
            took: dict[int, list[float]] = {count: [] for count in options.processes}
            peaks: dict[int, list[float]] = {count: [] for count in options.processes}
            for turn, count in itertools.product(range(options.turns), options.processes):
                progress(f"{size} px, turn {turn + 1} of {options.turns}: {count} processes")
                wall, peak = _grid(folder, size, iterations, count, options.backbone, f"{turn}-{count}", cells)
                took[count].append(wall)
                peaks[count].append(peak)
            first = options.processes[0]
            rows += [
                (
                    f"{size} px, {iterations} iterations, {count}",
                    seconds(statistics.median(took[count])),
                    f"{median_ratio(took[count], took[first]):.2f}",
                    f"{statistics.median(peaks[count]):.0f}",
                )
                for count in options.processes
            ]
    report.table((f"{cells} cells, {options.backbone}; processes", "s", "ratio", "memory, MiB"), rows)
    report.say(f"Medians of {options.turns} turns; ratios to {options.processes[0]}.")
    report.write()


def _grid(
    folder: Path, size: int, iterations: int, processes: int, backbone: str, name: str, cells: int
) -> tuple[float, float]:
    """Seconds of the command and the most memory of all its processes, MiB."""
    outputs = folder / f"outputs-{name}"
    command = [sys.executable, "-m", "tasks.workers.command", "--processes", str(processes)]
    command += ["--scheduler", f"127.0.0.1:{free_port()}", "--", "FullGrid", "--backbones", backbone]
    command += ["--size", str(size), "--iterations", str(iterations), "--output-dir", str(outputs)]
    for kind in ("content", "style"):
        command += [f"--{kind}-dir", str(folder / kind)]
    peak, start = 0.0, time.perf_counter()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        while process.poll() is None:
            peak = max(peak, _memory(process.pid))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_SECONDS_BETWEEN_LOOKS)
    wall = time.perf_counter() - start
    made = len(list(outputs.glob("cells/*/*/*/manifest.json")))
    if process.returncode or made != cells:
        log_text = (folder / "log").read_text(encoding="utf-8")[-2000:]
        raise RuntimeError(f"{made} of {cells} cells, status {process.returncode}:\n{log_text}")
    return wall, peak


def _memory(process: int) -> float:
    """MiB of a process and of all that it started."""
    found = 0.0
    with contextlib.suppress(OSError):  # one that has ended meanwhile
        of_it = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
        if sizes := re.search(r"^Pss: +(\d+) kB", of_it, flags=re.MULTILINE):
            found = int(sizes[1]) / 1024
        children = [path.read_text(encoding="ascii") for path in Path(f"/proc/{process}/task").glob("*/children")]
        found += sum(_memory(int(child)) for child in " ".join(children).split())
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make a grid by one worker and by several.")
    parser.add_argument("--sizes", type=numbers, default=[48, 256], help="longest sides (default: 48,256)")
    parser.add_argument("--iterations", type=numbers, default=[100, 15], help="at each size (default: 100,15)")
    parser.add_argument("--processes", type=numbers, default=[1, 2], help="default: 1,2")
    parser.add_argument("--contents", type=int, default=8)
    parser.add_argument("--styles", type=int, default=3)
    parser.add_argument("--backbone", default="vgg19")
    parser.add_argument("--turns", type=int, default=1)
    add_results_option(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
