"""Kill -9 at random moments over a grid of cells long enough to be hit inside; some while a file is being written.

A grid of 24 cells (four kinds of transfer) is made undisturbed, and once more by processes that are killed again and
again. Afterwards every cell is whole, no cell that was whole was made again, no kill cost more of a cell's work than
the seconds between two states and one step, and every trace and picture equals the undisturbed one's. `.part` files of
the killed are counted, and swept as a start two days later would (`pipeline.upkeep.sweeping`).

    python -m benchmarks.drills.kills [--kills 200 --every 1 --iterations 2500 --seed 0]
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.report import Report, add_results_option, progress
from benchmarks.drills.watched import LOG
from nstcore.pictures.images import read_picture, write_picture
from nstcore.system.files import PART_PATTERN
from pipeline.outputs.states import STATE_NAME
from pipeline.upkeep.sweeping import sweep_outputs

_ROOT = Path(__file__).parents[2]
_STUDY = """
title = "Kills"
content_dir = "{folder}/content"
style_dir = "{folder}/style"
backbones = ["vgg16"]

[settings]
size = 48
iterations = {iterations}
weights = "random"
content_layers = ["block1_conv2"]
style_layers = ["block1_conv1", "block2_conv1"]
style_weight = 1e4

[[cases]]
name = "coarse to fine"
coarse_sizes = [40]

[[cases]]
name = "frequencies, begun anew"
parametrization = "fourier"
optimizer_settings = {{ restart_every = 100 }}

[[cases]]
name = "SciPy"
optimizer = "lbfgs"
iterations = {fewer}

[[cases]]
name = "Adam in bfloat16"
optimizer = "adam"
precision = "bfloat16"
"""
# A state of SciPy's holds all its answers, and takes the longer to write the more there are.
_SCIPYS_MOST = 500
#: What is told, and the number of it.
_Told = list[tuple[str, object]]
# What is younger than a day may be in use.
_TWO_DAYS = 2 * 86_400


def main() -> int:
    options = _options()
    report = Report("kills", "Kills at random moments, 24 cells", options.results)
    with tempfile.TemporaryDirectory(prefix="nst-kills-") as temporary:
        folder = Path(options.folder or temporary)
        _write_inputs(folder, options.iterations)
        progress("undisturbed")
        undisturbed = _Grid(folder, "undisturbed", options.every)
        _require(undisturbed.start().wait() == 0, "the undisturbed grid could not be made")
        killed = _Grid(folder, "killed", options.every)
        told: _Told = []
        faults = _kill(killed, options.kills, random.Random(options.seed), told)
        progress("the last start")
        status = killed.start().wait()
        _require(status == 0, f"the last start ended with {status}")
        faults += [*_compare(killed, undisturbed, told), *_work_lost(killed, options.every, told)]
        faults += _left_over(killed, told)
    report.table(("", ""), told)
    for fault in faults:
        print(f"FAULT: {fault}")
    if faults:
        print(f"{len(faults)} faults")
        return 1
    report.say("All that must hold holds: no cell that was whole was made again, no trace or picture is another.")
    report.write()
    return 0


class _Grid:
    """A grid in a folder of its own, and the log of all processes that work on it."""

    def __init__(self, folder: Path, name: str, every: int) -> None:
        self.outputs, self.log, self.output_of_luigi = folder / name, folder / f"{name}.jsonl", folder / f"{name}.log"
        self._words = ["--module", "benchmarks.drills.watched", "Sweep", "--config", str(folder / "study.toml")]
        self._words += ["--output-dir", str(self.outputs), "--state-every", str(every), "--local-scheduler"]

    def start(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, LOG: str(self.log), "PYTHONPATH": str(_ROOT)}
        with self.output_of_luigi.open("ab") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "luigi", *self._words], stdout=said, stderr=said, env=environment
            )

    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def cells(self) -> list[Path]:
        """The folders of the cells that are whole."""
        return sorted(path.parent for path in self.outputs.glob("cells/*/*/*/manifest.json"))

    def parts(self) -> list[Path]:
        return [path for path in self.outputs.rglob(PART_PATTERN) if path.is_file()]


def _kill(grid: _Grid, kills: int, chance: random.Random, told: _Told) -> list[str]:
    """Kill the grid's processes: most while a cell is being made, some early, some while a file is being written."""
    faults: list[str] = []
    whole: dict[Path, tuple[int, int]] = {}
    killed = 0
    for number in range(kills):
        process = grid.start()
        how = chance.choices(("in a cell", "early", "in writing"), (6, 2, 2))[0]
        if how == "early":
            _wait(process, chance.uniform(0.0, 8.0))
        else:
            known = grid.log.stat().st_size if grid.log.exists() else 0
            while process.poll() is None and (not grid.log.exists() or grid.log.stat().st_size == known):
                time.sleep(0.02)
            _wait(process, chance.uniform(0.0, 6.0))
            parts = set(grid.parts())
            until = time.monotonic() + 10.0
            while how == "in writing" and process.poll() is None and time.monotonic() < until:
                if set(grid.parts()) - parts:
                    break
        ended_by_itself = process.poll() is not None
        process.kill()
        process.wait()
        killed += 1
        now = {cell: _version(cell / "manifest.json") for cell in grid.cells()}
        faults += [f"{cell.name} was made again after kill {number}" for cell in whole if now.get(cell) != whole[cell]]
        whole = now
        progress(f"kill {number + 1} of {kills}, {how}: {len(whole)} cells whole, {len(grid.parts())} .part files")
        if ended_by_itself:
            faults.append(f"the grid was done after {number} kills: give it more iterations")
            break
    told.append(("kills (`kill -9`): in a cell, early, while a file was written", killed))
    return faults


def _compare(grid: _Grid, undisturbed: _Grid, told: _Told) -> Iterator[str]:
    """Traces (but for the seconds), pictures and coarse runs."""
    names = [{str(cell.relative_to(each.outputs)) for cell in each.cells()} for each in (grid, undisturbed)]
    if names[0] != names[1] or len(names[1]) != 24:
        yield f"{len(names[0])} of {len(names[1])} cells are whole, of 24"
    taken_up = 0
    for name in sorted(names[0] & names[1]):
        one, other = grid.outputs / name, undisturbed.outputs / name
        if _rows(one) != _rows(other):
            yield f"{name}: the trace is another"
        if not np.array_equal(read_picture(one / "result.png"), read_picture(other / "result.png")):
            yield f"{name}: the picture is another"
        records = [json.loads((each / "manifest.json").read_text(encoding="utf-8")) for each in (one, other)]
        if records[0]["result"]["coarse_runs"] != records[1]["result"]["coarse_runs"]:
            yield f"{name}: the coarse runs are others"
        places = records[0].get("resumed_at", [])
        taken_up += len(places)
        if any("note" in place for place in places):
            yield f"{name}: {places}"
    told += [("cells whole after the last start, of 24", len(names[0])), ("taken up inside", taken_up)]


def _rows(cell: Path) -> list[dict[str, str]]:
    with (cell / "trace.csv").open(newline="", encoding="utf-8") as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def _work_lost(grid: _Grid, every: float, told: _Told) -> Iterator[str]:
    """By the clock of each cell's work, which goes on where it was taken up.

    What a process reports again, to the digit, it has taken up; the first that is new is where its own work begins,
    after it has loaded the network and compiled. Lost is what it did after the last that the next process takes up. One
    that is killed while it reports again has not shown how much that is: the one after it does.
    """
    known: dict[str, dict[tuple[int, int], float]] = {}
    own: dict[str, list[float]] = {}  # of the latest process at each cell, in order, since the state it began with
    longest, whose = 0.0, {}
    losses: dict[str, list[tuple[list[float], list[float]]]] = {}  # by cell: what was done, and what was taken up of it
    for entry in grid.entries():
        if "wrote" in entry:
            longest = max(longest, entry["wrote"])
            continue
        cell, place, seconds = entry["cell"], (entry["size"], entry["iteration"]), entry["seconds"]
        seen, done = known.setdefault(cell, {}), own.setdefault(cell, [])
        if whose.get(cell) not in (None, entry["process"]):
            if done:
                losses.setdefault(cell, []).append((done, []))
                own[cell] = done = []
            elif cell in losses:
                losses[cell][-1][1].clear()
        whose[cell] = entry["process"]
        if seen.get(place) == seconds:
            if cell in losses:
                losses[cell][-1][1].append(seconds)
        else:
            seen[place] = seconds
            done.append(seconds)
    worst = 0.0
    for cell, (done, taken_up) in ((cell, each) for cell, of_cell in losses.items() for each in of_cell):
        lost = done[-1] - max([done[0], *taken_up[-1:]])
        step = max((after - before for before, after in itertools.pairwise(done)), default=0.0)
        worst = max(worst, lost)
        # A state that takes long to write is written less often: a fiftieth of the time.
        if lost > max(every, 50 * longest) + step + 0.1:
            yield f"{cell}: {lost:.2f} s of work lost by one kill (longest step {step:.2f} s)"
    told.append((f"the most work lost by one kill, s (a state every {every:g} s, and a step)", f"{worst:.2f}"))
    told.append(("the longest writing of a state, s", f"{longest:.3f}"))


def _left_over(grid: _Grid, told: _Told) -> Iterator[str]:
    states = list(grid.outputs.rglob(STATE_NAME))
    if states:
        told.append(("states of cells that were killed between their last file and the end", len(states)))
    parts = grid.parts()
    told.append(("`.part` files left by the killed, swept as by a start two days later", len(parts)))
    for path in parts:
        os.utime(path, (time.time() - _TWO_DAYS,) * 2)
    sweep_outputs(grid.outputs)
    if grid.parts():
        yield f"{len(grid.parts())} .part files are left"


def _version(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    until = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < until:
        time.sleep(0.005)


def _write_inputs(folder: Path, iterations: int) -> None:
    chance = np.random.default_rng(0)
    for kind, count in (("content", 2), ("style", 3)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            coarse = chance.integers(0, 256, (6, 6, 3), np.uint8)
            write_picture(folder / kind / f"{kind}{number}.png", coarse.repeat(8, axis=0).repeat(8, axis=1))
    study = _STUDY.format(folder=folder.as_posix(), iterations=iterations, fewer=min(iterations, _SCIPYS_MOST))
    (folder / "study.toml").write_text(study, encoding="utf-8")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        sys.exit(f"FAULT: {otherwise}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--every", type=int, default=1, help="seconds between two states")
    parser.add_argument("--iterations", type=int, default=2500, help="of a cell; 200 kills take some 2100")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", help="where to work, to look at what is left; default: a folder that is removed")
    add_results_option(parser)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
