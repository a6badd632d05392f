"""What does bfloat16 gain, and what does it cost? Per backbone: time per evaluation, time per run, and the final loss.

Evaluations in the two precisions alternate in one process. The final losses are both computed in float32,
which the last fifth of a bfloat16 run is.

    python -m benchmarks.precision --content PICTURE --style PICTURE [--size 256 --iterations 150]
"""

from __future__ import annotations

import argparse
import statistics

import numpy as np

from benchmarks.common.measure import alternately, median_ratio
from benchmarks.common.problem import add_picture_options
from benchmarks.common.report import Report, add_results_option, progress
from nstcore import BACKBONES, TransferConfig
from nstcore.system.quiet import quiet_tensorflow


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare bfloat16 with float32.")
    add_picture_options(parser)
    add_results_option(parser)
    parser.add_argument("--backbones", default=",".join(BACKBONES))
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--iterations", type=int, default=150)
    parser.add_argument("--repeats", type=int, default=15, help="evaluations of each precision")
    options = parser.parse_args()
    quiet_tensorflow()

    from nstcore import build_objective, style_transfer

    report = Report("precision", f"bfloat16 / float32, {options.size} px", options.results)
    rows = []
    for backbone in options.backbones.split(","):
        progress(backbone)
        exact, fast = (
            TransferConfig(backbone=backbone, size=options.size, iterations=options.iterations, precision=precision)
            for precision in ("float32", "bfloat16")
        )
        objectives = [build_objective(options.content, options.style, config) for config in (exact, fast)]
        x = objectives[0].x0 + np.random.default_rng(0).normal(scale=10, size=objectives[0].x0.shape)
        calls = {"float32": lambda: objectives[0](x), "bfloat16": lambda: objectives[1](x)}  # noqa: B023, called here
        seconds = alternately(calls, options.repeats)
        ratio = median_ratio(seconds["bfloat16"], seconds["float32"])
        medians = [statistics.median(taken) for taken in seconds.values()]
        runs = [style_transfer(options.content, options.style, config) for config in (exact, fast)]
        losses = [run.trace[-1].total for run in runs]
        rows.append(
            (
                backbone,
                *(f"{value:.4f}" for value in (*medians, ratio)),
                *(f"{value:.2f}" for value in (runs[0].seconds, runs[1].seconds, runs[1].seconds / runs[0].seconds)),
                *(f"{value:.4g}" for value in (*losses, losses[1] / losses[0])),
            )
        )
    columns = [f"{what}, {of}" for what in ("evaluation, s", "run, s", "final loss") for of in _COLUMNS]
    report.table(("backbone", *columns), rows)
    report.say(f"Evaluations: medians of {options.repeats}. Runs: one each, {options.iterations} iterations.")
    report.write()


_COLUMNS = ("float32", "bfloat16", "ratio")


if __name__ == "__main__":
    main()
