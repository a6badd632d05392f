"""What does a grid of 10,000 cells cost, apart from the transfers? Luigi's part, with every transfer a stub.

Stubs leave fake targets, cells, measures and plots; plan, table, gallery and page are real. A large grid is made that
way, task by task without a scheduler; then fresh processes recognise the finished grid, as a second `luigi` command
would. First runs through Luigi, with the same stubs, are timed on smaller grids, to see how they grow. Weights of VGG19
and of the judges must be in the cache, where `make grid` leaves them; nothing is computed with them.

What grows is `luigi.scheduler.Scheduler.get_work`: for each task that it hands out it prunes all that are known, and
sorts and counts all that are pending, with the steps of each. No setting changes that: with a local scheduler `luigi`
itself switches pruning on. So a cell's share grows with the number of tasks, and a grid should have few for each cell.

How long a first run takes until its first cell begins is timed with the same stubs, on the large grid itself.

    python -m benchmarks.grid_scheduling [--side 100 --first-sides 10,20,40]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common.measure import run_module
from benchmarks.common.problem import numbers
from benchmarks.common.report import Report, add_results_option, progress, seconds
from nstcore.system.quiet import import_keras_quietly, quiet_tensorflow

_SIZE = 32


def main() -> None:
    options = _options()
    if options.step:
        print(json.dumps(_STEPS[options.step](options.folder)))
        return
    report = Report("grid_scheduling", "A large grid without its transfers", options.results)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _finished_grid(options.side, folder / "finished", options.turns, report)
        _until_first_cell(options.side, folder / "until", options.turns, report)
        _first_runs(options.first_sides, folder, report)
    report.write()


def _finished_grid(side: int, folder: Path, turns: int, report: Report) -> None:
    progress(f"making {side**2} cells")
    _write_pictures(folder, side)
    _step("make", folder)
    taken: dict[str, list[float]] = {"complete": [], "build": []}
    for turn in range(turns):
        progress(f"finished grid, turn {turn + 1} of {turns}")
        for step, times in taken.items():
            times.append(_step(step, folder)["seconds"])
    report.table(
        (f"finished grid of {side**2} cells", "s"),
        [
            ("`FullGrid.complete()`", seconds(statistics.median(taken["complete"]))),
            ("`luigi.build` of it again", seconds(statistics.median(taken["build"]))),
        ],
    )
    report.say(f"Medians of {turns} fresh processes, imports not counted.")


def _until_first_cell(side: int, folder: Path, turns: int, report: Report) -> None:
    _write_pictures(folder, side)
    times = []
    for turn in range(turns):
        progress(f"until the first cell, turn {turn + 1} of {turns}")
        shutil.rmtree(folder / "outputs", ignore_errors=True)
        times.append(_step("until", folder))
    report.table(
        (f"first run of {side**2} cells", "s"),
        [
            ("until the first cell begins", seconds(statistics.median(each["seconds"] for each in times))),
            ("processor time of that", seconds(statistics.median(each["processor"] for each in times))),
        ],
    )


def _first_runs(sides: list[int], folder: Path, report: Report) -> None:
    rows = []
    for side in sides:
        progress(f"first run of {side**2} cells")
        _write_pictures(folder / f"first-{side}", side)
        found = _step("first", folder / f"first-{side}")
        outside = found["seconds"] - found["tasks"]
        rows.append((side**2, seconds(found["seconds"]), seconds(outside), f"{1000 * outside / side**2:.1f}"))
    if rows:
        report.table(("cells, first run with stubs", "s", "s outside of tasks", "ms of that per cell"), rows)
        report.say(
            "What grows is Luigi's scheduler's part: it looks at all known tasks each time that it is asked for work."
        )


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
    )


def _complete(folder: Path) -> dict[str, float]:
    grid = _grid(folder)
    start = time.perf_counter()
    if not grid.complete():
        raise RuntimeError("the grid is not complete")
    return {"seconds": time.perf_counter() - start}


def _tell_nobody(message: str) -> None:
    """What tasks tell a worker; here there is none."""


def _build_again(folder: Path) -> dict[str, float]:
    return {"seconds": _build(_grid(folder))}


def _make(folder: Path) -> dict[str, float]:
    """Everything that a finished grid has, each task after those it requires."""
    import luigi

    quiet_tensorflow()
    import_keras_quietly()  # manifests name its version
    _stub_transfers()

    def make(task: Any) -> None:
        if not all(output.exists() for output in luigi.task.flatten(task.output())):
            for step in task.deps():
                make(step)
            task.set_status_message = _tell_nobody
            task.run()

    make(_grid(folder).planned_report())
    return {}


def _first(folder: Path) -> dict[str, float]:
    quiet_tensorflow()
    import_keras_quietly()  # manifests name its version
    from benchmarks.common.luigi_times import task_seconds

    grid = _grid(folder)
    _stub_transfers()
    with task_seconds() as inside:
        taken = _build(grid)
    return {"seconds": taken, "tasks": sum(inside.values())}


def _until(folder: Path) -> dict[str, float]:
    """The first cell ends the run."""
    quiet_tensorflow()
    import_keras_quietly()  # not timed: a grid imports it in its first targets
    from tasks import Transfer

    grid = _grid(folder)
    _stub_transfers()
    begun: list[tuple[float, float]] = []

    def end(task: Transfer) -> None:
        begun.append((time.perf_counter(), time.process_time()))
        raise KeyboardInterrupt

    Transfer.run = end
    start, processor = time.perf_counter(), time.process_time()
    with contextlib.suppress(KeyboardInterrupt):
        _build(grid)
    return {"seconds": begun[0][0] - start, "processor": begun[0][1] - processor}


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
    from nstcore.networks.weights import locate
    from nstcore.targets import Targets
    from pipeline import storage
    from pipeline.grid.manifest import manifest
    from pipeline.measures.names import MEASURES
    from tasks import (
        ComputeContentTarget,
        ComputeStyleTarget,
        ImageGrid,
        LossPlot,
        MeasureCell,
        SummaryPlot,
        TermsPlot,
        TimePlot,
        Transfer,
    )

    trace = Trace(tuple(Iterate(step, step + 1, 0.0, 1.0, 1.0, 1.0, 1.0) for step in range(2)))
    picture = np.zeros((_SIZE, _SIZE, 3), np.uint8)
    weights = locate("vgg19", "imagenet")

    def leave_targets(task: Any) -> None:
        task.output().dump(Targets({}))

    def leave_figure(task: Any) -> None:
        for path in task.output().paths():
            storage.write(path, b"a figure")

    def leave_cell(task: Transfer) -> None:
        result = TransferResult(picture, trace, task.cell.config, weights, "a stub", 0.0)
        task.output().dump(result, manifest(task.cell, result))

    def leave_measures(task: MeasureCell) -> None:
        task.output().dump({"measures": {measure.name: 0.5 for measure in MEASURES}, "unmeasured": {}})

    MeasureCell.work = leave_measures
    for computing in (ComputeContentTarget, ComputeStyleTarget):
        computing.work = leave_targets
    for drawing in (LossPlot, TermsPlot, TimePlot, SummaryPlot, ImageGrid):
        drawing.draw = leave_figure
    Transfer.run = leave_cell


def _write_pictures(folder: Path, side: int) -> None:
    """As many contents and as many styles, all different."""
    import numpy as np

    from nstcore.pictures.images import write_picture

    random = np.random.default_rng(0)
    for kind in ("content", "style"):
        (folder / kind).mkdir(parents=True)
        for number in range(side):
            write_picture(folder / kind / f"{number:03d}.png", random.integers(0, 256, (_SIZE, _SIZE, 3), np.uint8))


_STEPS = {"make": _make, "complete": _complete, "build": _build_again, "first": _first, "until": _until}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time the scheduling of a large grid.")
    add_results_option(parser)
    parser.add_argument("--side", type=int, default=100, help="pictures of each kind of the finished grid")
    parser.add_argument("--first-sides", type=numbers, default=[10, 20, 40], help="the same of the first runs")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--step", choices=sorted(_STEPS), help="do one step here and print JSON")
    parser.add_argument("--folder", type=Path, help="of the grid, with --step")
    return parser.parse_args()


if __name__ == "__main__":
    main()
