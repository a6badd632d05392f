"""One side of `benchmarks.cells_against_commit`: makes a grid of the checkout that PYTHONPATH names, cell by cell.

It prints an empty list of JSON when the first cell is about to start. Then each line that it reads lets one cell run,
and is answered by the seconds of it: from the start of its task, when what it depends on is there, to its end. One line
more lets it make the reports, and is answered by the evaluations of all cells.

It is run as a file, by either checkout's name, so it imports nothing of the benchmarks, and of the project only what
both have: `FullGrid` and `Transfer`.
"""

from __future__ import annotations

import argparse
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
    )
    if not luigi.build([grid], local_scheduler=True, workers=1, log_level="WARNING"):
        raise SystemExit("the grid failed")
    traces = (path.read_text().splitlines() for path in options.output.glob("cells/*/*/*/trace.csv"))
    print(json.dumps(sum(_evaluations(*trace) for trace in traces)), flush=True)


def _answer(answer: object) -> None:
    """Print it and wait for leave to go on, or what comes next here would disturb the other side's cell.

    Without anybody to give leave the process ends: Luigi passes over whatever an event handler raises.
    """
    print(json.dumps(answer), flush=True)
    if not sys.stdin.readline():
        os._exit(1)


def _evaluations(*trace: str) -> int:
    """Of a cell's trace: its first line names the columns, its last is the end."""
    return int(trace[-1].split(",")[trace[0].split(",").index("evaluations")])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make a grid of one checkout, cell by cell.")
    parser.add_argument("--tree", type=Path, required=True, help="the checkout, as it must be imported")
    parser.add_argument("--folder", type=Path, required=True, help="with the folders content and style")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--backbone", required=True)
    for name in ("size", "iterations"):
        parser.add_argument(f"--{name}", type=int, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
