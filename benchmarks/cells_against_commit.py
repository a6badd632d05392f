"""The cells of a grid of this checkout against those of another one, such as a `git worktree` of an earlier commit.

Each turn starts a grid in a fresh process of either checkout, and lets them run their cells in turns, one at a time, so
that both meet the same moments of the machine. Which process started first makes a difference, so each does in half of
the turns. The first cell, which compiles, stands apart. Targets, for which the network is loaded, and reports are not
counted.

Cells are those of `FullGrid` as each checkout has it. Where the defaults of a backbone differ, `--settings` makes this
checkout compute what the other does; the losses after one iteration tell whether it does.

    git worktree add /tmp/before HEAD~1
    python -m benchmarks.cells_against_commit /tmp/before [--backbone vgg19 --size 256 --iterations 30 --turns 10]
    python -m benchmarks.cells_against_commit /tmp/before --settings '{"parametrization": "pixels"}'
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.common.checkouts import add_other_option, both, commit, start
from benchmarks.common.measure import AnsweringProcess, median_ratio
from benchmarks.common.problem import write_cuts
from benchmarks.common.report import Report, add_results_option, progress, seconds

_CHILD = Path(__file__).parent / "common" / "one_tree_cells.py"
_SAME = 1e-3  # of the loss: float32 added in another order moves the first step by less, another problem by more
_COMPUTE = {True: "both compute the same", False: "**what they compute is not the same**, and neither is its cost"}
_SUBJECTS = {"content": "inputs/content", "style": "inputs/style"}


def main() -> None:
    options = _options()
    trees = both(options.other)
    title = f"Cells of this checkout ({commit(trees['this'])}) against another's ({commit(trees['other'])})"
    report = Report("cells_against_commit", title, options.results)
    turns: list[dict[str, list[float]]] = []
    evaluations: dict[str, int] = dict.fromkeys(trees, 0)
    losses: dict[str, list[float]] = {side: [] for side in trees}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for kind, source in _SUBJECTS.items():
            write_cuts(folder / kind, source, options.subjects, options.size)
        for turn in range(options.turns):
            progress(f"turn {turn + 1} of {options.turns}")
            processes = _start(turn, trees, folder, options)
            turns.append(_cells_in_turns(processes, options.subjects**2))
            for side, process in processes.items():
                of_cells, count = process.ask("")
                losses[side] += of_cells
                evaluations[side] += count
                process.end()
    report.table(
        (
            "turn",
            "first cell, other, s",
            "this, s",
            "this / other",
            "cells after it, other, s",
            "this, s",
            "this / other",
        ),
        [(str(number), *_row(turn)) for number, turn in enumerate(turns, 1)],
    )
    report.say(
        f"{options.backbone}, {options.size} px, {options.iterations} iterations, {options.subjects**2} cells a turn. "
        "A turn's figures are medians; its ratio is the median of the ratios of the same cell, which both make one "
        "after the other. " + _summary(turns, evaluations, losses)
    )
    if options.settings != "{}":
        report.say(f"Settings given to this checkout: `{options.settings}`.")
    report.write()


def _summary(turns: list[dict[str, list[float]]], evaluations: dict[str, int], losses: dict[str, list[float]]) -> str:
    """What all turns say together; the other checkout starts first in those of even index."""
    of_turns = [median_ratio(turn["this"][1:], turn["other"][1:]) for turn in turns]
    rest, other_first, this_first = _balanced(of_turns)
    first, *_ = _balanced([turn["this"][0] / turn["other"][0] for turn in turns])
    each = rest * evaluations["other"] / evaluations["this"]
    apart = float(np.max(np.abs(np.divide(losses["this"], losses["other"]) - 1)))  # NaN if one is
    return (
        f"**Cells after the first: {rest:.3f}**, from {other_first:.3f} and {this_first:.3f}, the medians of turns in "
        "which the other checkout's process started first and of those in which this one's did; turns reach from "
        f"{min(of_turns):.3f} to {max(of_turns):.3f}. First cells, by halves too: {first:.3f}. Evaluations: "
        f"{evaluations['other']} and {evaluations['this']} of all cells, which makes {each:.3f} for each. "
        f"After one iteration the losses of a cell differ by at most {apart:.1e} of them: {_COMPUTE[apart < _SAME]}."
    )


def _balanced(ratios: list[float]) -> tuple[float, float, float]:
    """The geometric mean of two medians, of the turns of even and of odd index from 0, and both."""
    even, odd = (statistics.median(ratios[first::2]) for first in (0, 1))
    return math.sqrt(even * odd), even, odd


def _start(
    number: int, trees: dict[str, Path], folder: Path, options: argparse.Namespace
) -> dict[str, AnsweringProcess]:
    """A grid of either side, about to make its first cell."""
    words = {"folder": folder, "backbone": options.backbone, "size": options.size, "iterations": options.iterations}
    of_side = {"this": {"settings": options.settings}, "other": {}}
    return {
        side: start(_CHILD, trees[side], {**words, **of_side[side], "output": folder / f"outputs-{side}-{number}"})
        for side in sorted(trees, reverse=bool(number % 2))  # neither is always the one that comes after the other
    }


def _cells_in_turns(processes: dict[str, AnsweringProcess], cells: int) -> dict[str, list[float]]:
    """Seconds of every cell of either side."""
    taken: dict[str, list[float]] = {side: [] for side in processes}
    for cell in range(cells):
        for side in list(processes)[:: -1 if cell % 2 else 1]:
            taken[side].append(processes[side].ask(""))
    return taken


def _row(turn: dict[str, list[float]]) -> list[str]:
    """The figures of a turn, as its row shows them."""
    other, this = turn["other"], turn["this"]
    return [
        *(seconds(cells[0]) for cells in (other, this)),
        f"{this[0] / other[0]:.3f}",
        *(seconds(statistics.median(cells[1:])) for cells in (other, this)),
        f"{median_ratio(this[1:], other[1:]):.3f}",
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare cells of this checkout with those of another one.")
    add_other_option(parser)
    add_results_option(parser)
    parser.add_argument("--backbone", default="vgg19")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--iterations", type=int, default=30, help="at least 1")
    parser.add_argument("--turns", type=_even, default=10)
    parser.add_argument(
        "--settings", default="{}", help="fields of TransferConfig, as JSON, for the cells of this checkout alone"
    )
    parser.add_argument("--subjects", type=int, default=2, help="contents, and styles")
    options = parser.parse_args()
    if options.iterations < 1:
        parser.error(f"--iterations has to be 1 or more. Received: {options.iterations}")
    return options


def _even(word: str) -> int:
    """A number of turns in which either checkout starts first as often as the other."""
    turns = int(word)
    if turns < 2 or turns % 2:
        raise argparse.ArgumentTypeError(f"turns have to be even, 2 or more. Received: {turns}")
    return turns


if __name__ == "__main__":
    main()
