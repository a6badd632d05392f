"""This checkout of the project against another one, such as a `git worktree` of the commit before a change.

The two are measured in turns, every time in a fresh process that imports one of them. Start-up is from the first import
to the first iterate, the initial picture, compilation included. A run is a second `style_transfer` in the process,
without coarse runs, targets included. An evaluation is what SciPy sees, a NumPy vector in, loss and NumPy gradient out;
both processes of a turn are asked for a few at a time, one after the other. With `--batch` as many pictures are
optimised together, too.

    git worktree add /tmp/before HEAD~1
    python -m benchmarks.against_commit /tmp/before [--backbones vgg19 --sizes 256 --iterations 100 --turns 3]
        [--backends tensorflow,jax,torch --optimizers lbfgs-device,lbfgs --batch 8]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from itertools import product
from pathlib import Path
from typing import NamedTuple

from benchmarks.common.checkouts import add_other_option, both, commit, start
from benchmarks.common.measure import AnsweringProcess, median_ratio
from benchmarks.common.problem import add_picture_options, numbers, write_pair
from benchmarks.common.report import Report, add_results_option, progress, seconds
from nstcore import BACKBONES, TransferConfig

_CHILD = Path(__file__).parent / "common" / "one_tree.py"
_EVALUATION, _PEAK = "evaluation, s", "peak MiB"
#: Evaluations of one side at a time.
_ROUND = 8


class Case(NamedTuple):
    """What is measured of both checkouts.

    Attributes:
        batch: how many pictures are optimised together; 0 for one that is not in a batch.
    """

    backend: str
    backbone: str
    size: int
    optimizer: str
    batch: int

    @property
    def cells(self) -> tuple[str, ...]:
        """Its first cells in a row of the table."""
        together = f", batch of {self.batch}" if self.batch else ""
        return self.backend, self.backbone, f"{self.size} × {self.size * 3 // 4}", self.optimizer + together


#: For each turn the figures of a checkout, by their names.
Turns = list[dict[str, float]]


def main() -> None:
    options = _options()
    trees = both(options.other)
    title = f"This checkout ({commit(trees['this'])}) against another ({commit(trees['other'])}), {options.precision}"
    report = Report("against_commit", title, options.results)
    grid = product(options.backends, options.backbones, options.sizes, options.optimizers)
    cases = [Case(*case, batch) for case in grid for batch in dict.fromkeys((0, options.batch))]
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory() as temporary:
        pairs = {size: write_pair(options, size, Path(temporary)) for size in options.sizes}
        for case in cases:
            found = _in_turns(case, trees, pairs[case.size], options)
            rows += [(*case.cells, *cells) for cells in _figures(found["other"], found["this"])]
    report.table(("backend", "backbone", "pixels", "optimizer", "figure", "other", "this", "this / other"), rows)
    report.say(
        f"Medians of {options.turns} turns, and the median of their ratios; the peaks are those of whole processes. "
        f"Runs are of {options.iterations} iterations. Evaluations: {options.rounds} rounds of {_ROUND} by each "
        "in a turn."
    )
    report.write()


def _in_turns(
    case: Case, trees: dict[str, Path], pictures: tuple[Path, Path], options: argparse.Namespace
) -> dict[str, Turns]:
    found: dict[str, Turns] = {side: [] for side in trees}
    for turn in range(options.turns):
        progress(f"{', '.join(case.cells)}: turn {turn + 1} of {options.turns}")
        processes = {
            side: _start(case, trees[side], pictures, options)
            for side in sorted(trees, reverse=bool(turn % 2))  # neither is always the one that comes after the other
        }
        figures: dict[str, dict[str, float]] = {side: process.first for side, process in processes.items()}
        if not case.batch:
            for side, taken in _evaluations(processes, options.rounds).items():
                figures[side][_EVALUATION] = statistics.median(taken)
        for side, process in processes.items():
            found[side].append({**figures[side], _PEAK: process.end()})
    return found


def _evaluations(processes: dict[str, AnsweringProcess], rounds: int) -> dict[str, list[float]]:
    """Seconds of evaluations, for each side's process."""
    taken: dict[str, list[float]] = {side: [] for side in processes}
    for turn in range(rounds):
        for side in sorted(processes, reverse=bool(turn % 2)):
            taken[side] += processes[side].ask(_ROUND)
    return taken


def _start(case: Case, tree: Path, pictures: tuple[Path, Path], options: argparse.Namespace) -> AnsweringProcess:
    """What measures a checkout, in a process of its own."""
    words = {
        "content": pictures[0],
        "style": pictures[1],
        "backbone": case.backbone,
        "size": case.size,
        "optimizer": case.optimizer,
        "batch": case.batch,
        "precision": options.precision,
        "weights": options.weights,
        "iterations": options.iterations,
    }
    return start(_CHILD, tree, words, case.backend)


def _figures(other: Turns, this: Turns) -> list[tuple[str, str, str, str]]:
    """For each figure its name, both medians, and the ratio."""
    rows = []
    for name in this[0]:
        sides = [[turn[name] for turn in turns] for turns in (other, this)]
        medians = [_text(name, statistics.median(side)) for side in sides]
        rows.append((name, *medians, f"{median_ratio(sides[1], sides[0]):.3f}"))
    return rows


def _text(name: str, value: float) -> str:
    if name in (_PEAK, "evaluations"):
        return f"{value:.0f}"
    return f"{value:.5g}" if name == "final loss" else seconds(value)


def _options() -> argparse.Namespace:
    def words(text: str) -> list[str]:
        return text.split(",")

    parser = argparse.ArgumentParser(description="Compare this checkout with another one.")
    add_other_option(parser)
    add_picture_options(parser)
    add_results_option(parser)
    parser.add_argument("--backbones", type=words, default=list(BACKBONES))
    parser.add_argument("--sizes", type=numbers, default=[256])
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=10, help=f"of {_ROUND} evaluations of each in a turn")
    parser.add_argument("--backends", type=words, default=[os.environ.get("KERAS_BACKEND", "tensorflow")])
    parser.add_argument("--optimizers", type=words, default=[TransferConfig.optimizer])
    parser.add_argument("--batch", type=int, default=0, help="pictures optimised together, too; 0 for none")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--weights", default="imagenet", help='"imagenet", or "random" where there are none')
    return parser.parse_args()


if __name__ == "__main__":
    main()
