"""Does a worker that makes cell after cell grow? Small cells of many sizes and losses, by one process of `nst-workers`.

The worker stays; study after study is asked for, each with its page, as people do over weeks. A study has every size
and every loss, and a content picture of another shape than the one before. After a warm-up, in which each of them came
once, the worker's resident memory is fitted by a line over its cells; descriptors and threads are told. Weights are
random. With 1000 cells or more the drill ends with 1 where the second half of them grows by more than 50 MiB in 1000.

    python -m benchmarks.drills.soak [--minutes 60 --sizes 48,56,64,72,80,96 --backbone vgg16]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from benchmarks.common.ports import free_port
from benchmarks.common.report import Report, add_results_option, progress
from benchmarks.drills.place import ROOT, leave_when_terminated, wait_for
from benchmarks.drills.sampled import LOG

_MODULE = "benchmarks.drills.sampled"
_LOSSES = ("gram", "mean_variance", "wasserstein", "histogram", "sliced_wasserstein")
#: Shapes of the content pictures: heights for a width of 96.
_HEIGHTS = (96, 84, 72)
_STUDY = """title = "Soak"
content_dir = "content"
style_dir = "style"
contents = ["c{content}"]
backbones = ["{backbone}"]
[settings]
weights = "random"
iterations = {iterations}
content_layers = ["block3_conv1"]
style_layers = ["block1_conv1", "block2_conv1"]
style_weight = {style_weight}
[sweep]
size = {sizes}
losses = [{losses}]
"""
#: MiB in 1000 cells that count as flat, and how many cells tell that: it goes up and down by some 50 MiB.
_FLAT, _ENOUGH = 50, 1000
_LAYERS = 'layers = ["block1_conv1", "block2_conv1"]'


class Seen(NamedTuple):
    """The worker after a cell."""

    minutes: float
    mebibytes: float
    descriptors: int
    threads: int


def main() -> int:
    options = _options()
    leave_when_terminated()
    sizes = [int(size) for size in options.sizes.split(",")]
    report = Report("soak", "A worker that makes cell after cell", options.results)
    with tempfile.TemporaryDirectory(prefix="nst-soak-") as temporary:
        folder = Path(temporary)
        studies = _work(folder, sizes, options)
        samples = _samples(folder)
    if len({sample["process"] for sample in samples}) != 1:
        print(f"soak: DOES NOT HOLD: {len({sample['process'] for sample in samples})} processes made cells", flush=True)
        return 1
    began = samples[0]["time"]
    seen = [
        Seen((each["time"] - began) / 60, each["mebibytes"], int(each["descriptors"]), int(each["threads"]))
        for each in samples
    ]
    kinds = len(sizes) * len(_LOSSES)
    slope = _tell(report, seen, warm_up=min(len(_HEIGHTS) * kinds, len(seen) // 2), studies=studies)
    if len(seen) >= _ENOUGH and slope > _FLAT:
        print(f"soak: DOES NOT HOLD: memory grows by {slope:.0f} MiB in 1000 cells", flush=True)
        return 1
    report.write()
    return 0


def _work(folder: Path, sizes: list[int], options: argparse.Namespace) -> int:
    """Have a worker make studies for as long as there is time; how many pages there are."""
    _write_pictures(folder)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), LOG: str(folder / "cells.jsonl")}
    environment["XDG_STATE_HOME"] = str(folder / "state")
    port = free_port()
    end = time.monotonic() + 60.0 * options.minutes
    with (folder / "said").open("wb") as said:
        common = {"cwd": folder, "env": environment, "stdout": said, "stderr": said, "stdin": subprocess.DEVNULL}
        words = [sys.executable, "-m", "tasks.workers.command", "--module", _MODULE, "--processes", "1"]
        workers = subprocess.Popen([*words, "--scheduler", f"127.0.0.1:{port}"], **common)  # type: ignore[call-overload]
        client = None
        try:
            wait_for(port)
            number = 0
            while time.monotonic() < end:
                _write_study(folder / "study.toml", number, sizes, options)
                words = [sys.executable, "-m", "luigi", "--module", _MODULE, "Sweep", "--config", "study.toml"]
                words += ["--scheduler-port", str(port), "--workers", "0"]
                client = subprocess.Popen(words, **common)  # type: ignore[call-overload]
                while client.poll() is None and time.monotonic() < end:
                    time.sleep(0.5)
                if client.poll() is not None and (client.returncode or workers.poll() is not None):
                    sys.exit(f"soak: DOES NOT HOLD: a study ended with {client.returncode}: {_last_words(folder)}")
                number += 1
                progress(f"study {number}: {len(_samples(folder))} cells")
        finally:
            for process, ending in ((client, signal.SIGINT), (workers, signal.SIGTERM)):
                if process is not None and process.poll() is None:
                    process.send_signal(ending)
                    process.wait(timeout=60)
    return len(list(folder.glob("outputs/reports/*/index.html")))


def _write_study(path: Path, number: int, sizes: list[int], options: argparse.Namespace) -> None:
    losses = (f"{{content = {{}}, {name} = {{{'' if name == 'gram' else _LAYERS}}}}}" for name in _LOSSES)
    path.write_text(
        _STUDY.format(
            content=number % len(_HEIGHTS),
            backbone=options.backbone,
            iterations=options.iterations,
            style_weight=10 + number,
            sizes=sizes,
            losses=", ".join(losses),
        )
    )


def _write_pictures(folder: Path) -> None:
    chance = np.random.default_rng(0)
    for name, height in {"style/s0": 90, **{f"content/c{at}": height for at, height in enumerate(_HEIGHTS)}}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        Image.fromarray(chance.integers(0, 256, (height, 96, 3), np.uint8)).save(folder / f"{name}.png")


def _samples(folder: Path) -> list[dict[str, float]]:
    log = folder / "cells.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def _last_words(folder: Path) -> str:
    return (folder / "said").read_text(errors="replace")[-2000:]


def _tell(report: Report, seen: list[Seen], warm_up: int, studies: int) -> float:
    """Say what was seen; by how many MiB memory grows in 1000 cells, in the second half."""
    places = [0, *(warm_up + place * (len(seen) - 1 - warm_up) // 6 for place in range(7))]
    report.table(
        ("cells", "minutes", "memory, MiB", "descriptors", "threads"),
        [(at + 1, f"{(one := seen[at]).minutes:.1f}", f"{one.mebibytes:.0f}", *one[2:]) for at in places],
    )
    memory = np.array([one.mebibytes for one in seen[warm_up:]])
    cells = np.arange(len(memory))
    slope, _ = np.polyfit(cells, memory, 1)
    half = len(cells) // 2
    late, _ = np.polyfit(cells[half:], memory[half:], 1)
    descriptors, threads = (_range([one[place] for one in seen[warm_up:]]) for place in (2, 3))
    report.say(
        f"One worker, {len(seen)} cells, {studies} pages. After {warm_up} cells of warm-up memory grows by "
        f"{1000 * slope:.0f} MiB in 1000 cells (in the second half by {1000 * late:.0f}), and stays between "
        f"{memory.min():.0f} and {memory.max():.0f}; descriptors: {descriptors}; threads: {threads}."
    )
    return float(1000 * late)


def _range(counts: list[int]) -> str:
    return str(counts[0]) if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--sizes", default="48,56,64,72,80,96", help="longest sides, pixels")
    parser.add_argument("--iterations", type=int, default=3)
    parser.add_argument("--backbone", default="vgg16")
    add_results_option(parser)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
