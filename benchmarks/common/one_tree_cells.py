"""One side of `benchmarks.cells_against_commit`: makes a grid of the checkout that PYTHONPATH names, cell by cell.

It prints an empty list of JSON when the first cell is about to start. Then each line that it reads lets one cell run,
and is answered by the seconds of it: from the start of its task, when what it depends on is there, to its end. One line
more lets it make the reports, and is answered by the loss of each cell after its first iteration, in the order of their
names, and by the evaluations of all.

It is run as a file, by either checkout's name, so it imports nothing of the benchmarks, and of the project only what
both have: `FullGrid` and `Transfer`.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import time
from pathlib import Path

import luigi


def main() -> None:
    options = _options()
    import tasks
    from tasks import FullGrid
    from tasks.transfer import Transfer

    if options.tree not in Path(tasks.__file__).resolve().parents:
        raise SystemExit(f"tasks were to be imported from {options.tree}, and came from {tasks.__file__}")
    began: list[float] = []

    @Transfer.event_handler(luigi.Event.START)
    def begin(_: luigi.Task) -> None:
        if not began:
            _answer([])
        began.append(time.perf_counter())

    @Transfer.event_handler(luigi.Event.SUCCESS)
    def end(_: luigi.Task) -> None:
        _answer(time.perf_counter() - began[-1])

    grid = FullGrid(
        content_dir=str(options.folder / "content"),
        style_dir=str(options.folder / "style"),
        output_dir=str(options.output),
        backbones=options.backbone,
        size=options.size,
        iterations=options.iterations,
        settings=json.loads(options.settings),
    )
    if not luigi.build([grid], local_scheduler=True, workers=1, log_level="WARNING"):
        raise SystemExit("the grid failed")
    traces = [_trace(path) for path in sorted(options.output.glob("cells/*/*/*/trace.csv"))]
    losses = [float(trace[1]["total"]) for trace in traces]  # where it starts, at the content, that term is 0
    print(json.dumps([losses, sum(int(trace[-1]["evaluations"]) for trace in traces)]), flush=True)


def _answer(answer: object) -> None:
    """Print it and wait for leave to go on, or what comes next here would disturb the other side's cell.

    Without anybody to give leave the process ends: Luigi passes over whatever an event handler raises.
    """
    print(json.dumps(answer), flush=True)
    if not sys.stdin.readline():
        os._exit(1)


def _trace(path: Path) -> list[dict[str, str]]:
    """Rows of a cell's trace, of which the first is the start and each one after it an iteration."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make a grid of one checkout, cell by cell.")
    parser.add_argument("--tree", type=Path, required=True, help="the checkout, as it must be imported")
    parser.add_argument("--folder", type=Path, required=True, help="with the folders content and style")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--backbone", required=True)
    parser.add_argument("--settings", default="{}", help="fields of TransferConfig, as JSON")
    for name in ("size", "iterations"):
        parser.add_argument(f"--{name}", type=int, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
