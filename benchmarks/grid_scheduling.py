"""What does a grid of 10,000 cells cost, apart from the transfers? Luigi's part, with every transfer a stub.

The first run makes all files through Luigi: stubs leave fake targets, cells and plots, but schedule, plan, table and
page are real. Then fresh processes recognise the finished grid, as a second `luigi` command would. Nothing is computed,
so that the weights are random.

    python -m benchmarks.grid_scheduling [--contents 100 --styles 100]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.rooms.measure import run_module
from benchmarks.rooms.report import Report, add_results_option, progress, seconds
from nstcore.quiet import import_keras_quietly, quiet_tensorflow

_SIZE = 32


def main() -> None:
    options = _options()
    if options.step:
        print(json.dumps({"first": _first, "again": _again, "complete": _complete}[options.step](options.folder)))
        return
    report = Report("grid_scheduling", "A large grid without its transfers", options.results)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        progress("pictures")
        _write_pictures(folder / "content", options.contents, 0)
        _write_pictures(folder / "style", options.styles, options.contents)
        progress("first run")
        first = _step("first", folder)
        finished: dict[str, list[float]] = {"complete": [], "again": []}
        for turn in range(options.turns):
            progress(f"finished grid, turn {turn + 1} of {options.turns}")
            for step, taken in finished.items():
                taken.append(_step(step, folder)["seconds"])
    cells = options.contents * options.styles
    report.table(
        (f"{cells} cells", "s"),
        [
            ("`FullGrid.complete()` of the finished grid", seconds(statistics.median(finished["complete"]))),
            ("`luigi` on the finished grid", seconds(statistics.median(finished["again"]))),
            ("first run with stubs: in all", seconds(first["seconds"])),
            ("… of it inside tasks (stubs, table, page)", seconds(first["tasks"])),
            ("… of it Luigi's own and the checks of what is complete", seconds(first["seconds"] - first["tasks"])),
        ],
    )
    report.say(f"Fresh processes, without imports; medians of {options.turns}, the first run once.")
    report.write()


def _step(step: str, folder: Path) -> Any:
    return run_module("benchmarks.grid_scheduling", ["--step", step, "--folder", folder])[0]


def _grid(folder: Path) -> Any:
    from tasks import FullGrid

    return FullGrid(
        content_dir=str(folder / "content"),
        style_dir=str(folder / "style"),
        output_dir=str(folder / "outputs"),
        backbones="vgg19",
        size=_SIZE,
        weights="random",
    )


def _complete(folder: Path) -> dict[str, float]:
    grid = _grid(folder)
    start = time.perf_counter()
    if not grid.complete():
        raise RuntimeError("the grid is not complete")
    return {"seconds": time.perf_counter() - start}


def _again(folder: Path) -> dict[str, float]:
    return {"seconds": _build(_grid(folder))}


def _first(folder: Path) -> dict[str, float]:
    quiet_tensorflow()
    import_keras_quietly()  # manifests name its version
    from benchmarks.rooms.luigi_times import task_seconds

    grid = _grid(folder)
    _stub_transfers()
    with task_seconds() as inside:
        taken = _build(grid)
    return {"seconds": taken, "tasks": sum(inside.values())}


def _build(grid: Any) -> float:
    import luigi

    start = time.perf_counter()
    if not luigi.build([grid], local_scheduler=True, log_level="WARNING"):
        raise RuntimeError("the grid failed")
    return time.perf_counter() - start


def _stub_transfers() -> None:
    """From now on tasks that would compute or draw only leave a file, a cell's whole but for what it shows."""
    import numpy as np

    from nstcore import Iterate, Trace, TransferResult
    from nstcore.weights import locate
    from pipeline.manifest import manifest
    from tasks import ComputeContentTarget, ComputeStyleTarget, ImageGrid, LossPlot, Transfer

    trace = Trace(tuple(Iterate(step, step + 1, 0.0, 1.0, 1.0, 1.0, 1.0) for step in range(2)))
    picture = np.zeros((_SIZE, _SIZE, 3), np.uint8)
    weights = locate("vgg19", "random")

    def leave_file(task: Any) -> None:
        with task.output().written() as path:
            path.touch()

    def leave_cell(task: Transfer) -> None:
        result = TransferResult(picture, trace, task.cell.config, weights, "a stub", 0.0)
        task.output().dump(result, manifest(task.cell, result))

    for computing in (ComputeContentTarget, ComputeStyleTarget):
        computing.work = leave_file
    for drawing in (LossPlot, ImageGrid):
        drawing.run = leave_file
    Transfer.work = leave_cell


def _write_pictures(folder: Path, count: int, seed: int) -> None:
    import numpy as np

    from nstcore.images import write_picture

    folder.mkdir()
    random = np.random.default_rng(seed)
    for number in range(count):
        write_picture(folder / f"{number:03d}.png", random.integers(0, 256, (_SIZE, _SIZE, 3), np.uint8))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time the scheduling of a large grid.")
    add_results_option(parser)
    parser.add_argument("--contents", type=int, default=100)
    parser.add_argument("--styles", type=int, default=100)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--step", choices=["first", "again", "complete"], help="do one step here and print JSON")
    parser.add_argument("--folder", type=Path, help="of the grid, with --step")
    return parser.parse_args()


if __name__ == "__main__":
    main()
