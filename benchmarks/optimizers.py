"""One optimiser against another: time of whole runs, and the loss they end at.

SciPy's L-BFGS against the one that keeps its vectors on the device, unless others are named.

Runs of the two alternate in one process, pair by pair, after a short one of each that compiles; the pairs are every
content picture with every style picture. Evaluations are counted over all runs, those of coarse ones too.

    python -m benchmarks.optimizers --content PICTURE … --style PICTURE … [--sizes 256,512 --iterations 100]
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import replace
from itertools import product

from benchmarks.common.measure import median_ratio
from benchmarks.common.problem import CONTENT, STYLE, numbers, require_pictures
from benchmarks.common.report import Report, add_results_option, progress
from nstcore import BACKBONES, TransferConfig, TransferResult
from nstcore.system.quiet import quiet_tensorflow


def main() -> None:
    options = _options()
    quiet_tensorflow()
    report = Report(f"optimizers_{options.precision}", f"Optimisers, {options.precision}", options.results)
    rows = []
    for backbone, size in product(options.backbones.split(","), options.sizes):
        progress(f"{backbone}, {size} px")
        config = TransferConfig(
            backbone=backbone, size=size, iterations=options.iterations, precision=options.precision
        )
        rows.append((backbone, size, *_compared(config, options)))
    columns = [f"{what}, {of}" for what in ("s", "evaluations") for of in options.optimizers]
    report.table(("backbone", "px", *columns, "s, ratio", "final loss, ratio", "ratios from", "to"), rows)
    pairs = len(options.content) * len(options.style)
    report.say(
        f"Runs of {options.iterations} iterations, the coarse ones of large pictures besides, of {pairs} pairs of "
        "pictures: median seconds, sum of evaluations, median ratios of the time and of the final loss of neighbouring "
        "runs, and the least and the greatest ratio of the loss."
    )
    report.write()


def _compared(config: TransferConfig, options: argparse.Namespace) -> tuple[str, ...]:
    """The cells of a row; ratios are the second optimiser's by the first's."""
    from nstcore import style_transfer

    configs = [replace(config, optimizer=optimizer) for optimizer in options.optimizers]
    for one in configs:
        style_transfer(options.content[0], options.style[0], replace(one, iterations=5))
    runs: list[list[TransferResult]] = [[], []]
    for content, style in product(options.content, options.style):
        for made, one in zip(runs, configs, strict=True):
            made.append(style_transfer(content, style, one))
    taken = [[result.seconds for result in made] for made in runs]
    evaluations = [sum(_evaluations(result) for result in made) for made in runs]
    losses = [[result.trace[-1].total for result in made] for made in runs]
    ratios = [second / first for first, second in zip(*losses, strict=True)]
    return (
        *(f"{statistics.median(seconds):.2f}" for seconds in taken),
        *map(str, evaluations),
        f"{median_ratio(taken[1], taken[0]):.3f}",
        *(f"{value:.4f}" for value in (statistics.median(ratios), min(ratios), max(ratios))),
    )


def _evaluations(result: TransferResult) -> int:
    return sum(trace[-1].evaluations for trace in (*(run.trace for run in result.coarse), result.trace))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare the optimisers.")
    parser.add_argument("--content", nargs="+", default=[CONTENT], help="pictures")
    parser.add_argument("--style", nargs="+", default=[STYLE], help="pictures")
    add_results_option(parser)
    parser.add_argument("--backbones", default=",".join(BACKBONES))
    parser.add_argument("--sizes", type=numbers, default=[256, 512])
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--optimizers", default="lbfgs,lbfgs-device", help="two (default: %(default)s)")
    options = parser.parse_args()
    require_pictures(parser, *options.content, *options.style)
    options.optimizers = options.optimizers.split(",")
    if len(options.optimizers) != 2:
        parser.error("--optimizers takes two names, separated by a comma")
    return options


if __name__ == "__main__":
    main()
