"""What does an evaluation cost? Time, the share spent outside the network, and peak memory, in real runs.

Every line is a run of `nstcore.run.Run` (pixels kept in range) in a process of its own. The network's share is what
the compiled loss and gradient take, until the scalars of the loss are on the host; they include the penalty that keeps
pixels in range, and with "lbfgs-device" the step along the line. The rest of the run's wall time is the optimiser's
vector work and bookkeeping. Assembly and compilation come before the clock.

    python -m benchmarks.cost [--backbones vgg19 --sizes 256,512 --precisions float32,bfloat16 --optimizers lbfgs]
"""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import dataclass
from itertools import product
from typing import Any

from benchmarks.common.measure import run_module
from benchmarks.common.metered import metered
from benchmarks.common.problem import CONTENT, STYLE, add_picture_options, cut_pair, numbers
from benchmarks.common.report import Report, add_results_option, progress, seconds
from benchmarks.common.runs import Counts, prepare
from nstcore import BACKBONES, TransferConfig
from nstcore.system.quiet import import_keras_quietly, quiet_tensorflow


@dataclass(frozen=True)
class Cost:
    """What one run took.

    Attributes:
        evaluation: median seconds of a call of the compiled function.
        wall: seconds of the run for each evaluation.
        outside: share of the run's wall time that no compiled function took.
        evaluations: of the run.
        peak_mib: the process's largest resident size.
    """

    evaluation: float
    wall: float
    outside: float
    evaluations: int
    peak_mib: float


def main() -> None:
    options = _options()
    if options.one:
        print(json.dumps(_run(options)))
        return
    report = Report("cost", "Cost of an evaluation", options.results)
    rows = []
    for backbone in options.backbones.split(","):
        for size in options.sizes:
            for precision, optimizer in product(options.precisions.split(","), options.optimizers.split(",")):
                progress(f"{backbone}, {size} px, {precision}, {optimizer}")
                iterations = max(1, options.iterations * 1024 // size)
                found = cost(backbone, size, precision, iterations, options.content, options.style, optimizer)
                rows.append(
                    (
                        backbone,
                        f"{size} × {size * 3 // 4}",
                        precision,
                        optimizer,
                        seconds(found.evaluation),
                        seconds(found.wall),
                        f"{100 * found.outside:.1f} %",
                        f"{found.peak_mib:.0f}",
                        found.evaluations,
                    )
                )
    report.table(
        (
            "backbone",
            "pixels",
            "precision",
            "optimizer",
            "s in the network",
            "s in all",
            "outside",
            "peak MiB",
            "evaluations",
        ),
        rows,
    )
    report.say(
        "Seconds are per evaluation of loss and gradient: the median inside the compiled function, and the run's wall "
        "time divided by its evaluations. A bfloat16 run ends in float32, which its wall time includes."
    )
    report.write()


def cost(
    backbone: str,
    size: int,
    precision: str,
    iterations: int,
    content: str = CONTENT,
    style: str = STYLE,
    optimizer: str = TransferConfig.optimizer,
) -> Cost:
    """Measure one run in a fresh process."""
    words = ["--one", "--backbones", backbone, "--sizes", size, "--precisions", precision, "--iterations", iterations]
    words += ["--optimizers", optimizer]
    found, process = run_module("benchmarks.cost", [*words, "--content", content, "--style", style])
    return Cost(**found, peak_mib=process.peak_mib)


def _run(options: argparse.Namespace) -> dict[str, Any]:
    quiet_tensorflow()
    import_keras_quietly()
    (size,) = options.sizes
    config = TransferConfig(
        backbone=options.backbones,
        size=size,
        precision=options.precisions,
        iterations=options.iterations,
        optimizer=options.optimizers,
    )
    content, style = cut_pair(options, size)
    prepared, counts = prepare([content], style, config), Counts()
    prepared.warm_up()
    with metered(config.optimizer) as meter:
        wall = prepared.run(counts)
    return {
        "evaluation": statistics.median(meter.first),
        "wall": wall / counts.evaluations[0],
        "outside": 1.0 - meter.total / wall,
        "evaluations": counts.evaluations[0],
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time, share outside the network and memory of an evaluation.")
    add_picture_options(parser)
    add_results_option(parser)
    parser.add_argument("--backbones", default=",".join(BACKBONES))
    parser.add_argument("--sizes", type=numbers, default=[256, 512, 1024])
    parser.add_argument("--precisions", default="float32,bfloat16")
    parser.add_argument("--optimizers", default="lbfgs,lbfgs-device")
    parser.add_argument("--iterations", type=int, default=4, help="at 1024 px; in proportion more at smaller sizes")
    parser.add_argument("--one", action="store_true", help="measure one combination here and print JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
