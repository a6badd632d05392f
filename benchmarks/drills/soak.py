"""Does a worker that makes cell after cell grow? Small cells of many sizes and losses, in one process.

Weights are random. After a warm-up, in which every size and loss comes once, the resident memory is fitted by a line
over the cells; descriptors and threads are to stay as they are.

    python -m benchmarks.drills.soak [--minutes 60 --sizes 48,56,64,72,80,96 --backbone vgg16]
"""

from __future__ import annotations

import argparse
import gc
import itertools
import os
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.common.report import Report, add_results_option, progress
from nstcore.system.quiet import import_keras_quietly, quiet_tensorflow

_LOSSES = ("gram", "mean_variance", "wasserstein", "histogram", "sliced_wasserstein")
_STYLE_LAYERS = ("block1_conv1", "block2_conv1")


class Seen(NamedTuple):
    """The process after a cell."""

    cell: int
    minutes: float
    mebibytes: float
    descriptors: int
    threads: int


def main() -> None:
    options = _options()
    quiet_tensorflow()
    import_keras_quietly()
    from nstcore import TransferConfig
    from nstcore.recipe import resolve
    from nstcore.scene import Scene, Style
    from nstcore.transfer import transfer

    random = np.random.default_rng(0)
    sizes = [int(size) for size in options.sizes.split(",")]
    kinds = list(itertools.product(sizes, _LOSSES))
    end = time.monotonic() + 60.0 * options.minutes
    start, seen = time.monotonic(), []
    for cell in itertools.count():
        size, loss = kinds[cell % len(kinds)]
        both = {"content": {}, loss: {} if loss == "gram" else {"layers": list(_STYLE_LAYERS)}}
        config = TransferConfig(
            backbone=options.backbone,
            weights="random",
            size=size,
            iterations=options.iterations,
            content_layers=("block3_conv1",),
            style_layers=_STYLE_LAYERS,
            losses=both,
        )
        height = size - 8 * (cell // len(kinds) % 3)  # more shapes than the caches keep
        pictures = [random.integers(0, 256, (height, size, 3), np.uint8) for _ in range(2)]
        (outcome,) = transfer([Scene(pictures[0], (Style(pictures[1]),))], resolve(config))
        if isinstance(outcome, Exception):
            raise outcome
        seen.append(_look(cell, start))
        if cell % len(kinds) == 0:
            progress(f"{seen[-1]}")
        if time.monotonic() > end:
            break
    report = Report("soak", "A worker that makes cell after cell", options.results)
    _tell(report, seen, warm_up=min(3 * len(kinds), len(seen) // 2))
    report.write()


def _look(cell: int, start: float) -> Seen:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    threads = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else threading.active_count()
    mebibytes = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return Seen(cell, (time.monotonic() - start) / 60.0, mebibytes, len(os.listdir("/proc/self/fd")), threads)


def _tell(report: Report, seen: list[Seen], warm_up: int) -> None:
    shown = [*seen[:1], *(seen[warm_up + place * (len(seen) - 1 - warm_up) // 6] for place in range(7))]
    report.table(
        ("cells", "minutes", "memory, MiB", "descriptors", "threads"),
        [(one.cell + 1, f"{one.minutes:.1f}", f"{one.mebibytes:.0f}", one.descriptors, one.threads) for one in shown],
    )
    cells, memory = np.array([(one.cell, one.mebibytes) for one in seen[warm_up:]]).T
    slope, _ = np.polyfit(cells, memory, 1)
    half = len(cells) // 2
    late, _ = np.polyfit(cells[half:], memory[half:], 1)
    descriptors, threads = (_range([one[place] for one in seen[warm_up:]]) for place in (3, 4))
    report.say(
        f"After {warm_up} cells of warm-up memory grows by {1000 * slope:.0f} MiB in 1000 cells "
        f"(in the second half by {1000 * late:.0f}); descriptors: {descriptors}; "
        f"threads: {threads}."
    )


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
    main()
