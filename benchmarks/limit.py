"""How near is an evaluation to what the machine can do at all?

The limit is the number of operations of loss and gradient (`benchmarks.common.operations`) divided by the rate of the
best matrix product found here, of TensorFlow, NumPy and torch, in the same precision. A library may compute a
convolution with fewer operations than are counted (Winograd), so more than 100 % is possible.

    python -m benchmarks.limit [--backbones vgg19,resnet50 --sizes 256,512]
"""

from __future__ import annotations

import argparse

from benchmarks.common.matrix_rate import best_rate
from benchmarks.common.measure import run_module
from benchmarks.common.problem import add_picture_options, numbers
from benchmarks.common.report import Report, add_results_option, progress, seconds
from benchmarks.cost import cost
from nstcore import BACKBONES


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare evaluations with the machine's limit.")
    add_picture_options(parser)
    add_results_option(parser)
    parser.add_argument("--backbones", default=",".join(BACKBONES))
    parser.add_argument("--sizes", type=numbers, default=[256])
    parser.add_argument("--precisions", default="float32,bfloat16")
    parser.add_argument("--iterations", type=int, default=8)
    options = parser.parse_args()
    report = Report("limit", "The machine's limit", options.results)
    rows = []
    for precision in options.precisions.split(","):
        progress(f"matrix products in {precision}")
        rate, library = best_rate(precision, ("tensorflow", "numpy", "torch"))
        report.say(f"Best matrix product in {precision}: {rate / 1e9:.0f} · 10⁹ operations per second, with {library}.")
        for backbone in options.backbones.split(","):
            for size in options.sizes:
                progress(f"{backbone}, {size} px, {precision}")
                found = cost(backbone, size, precision, options.iterations, options.content, options.style)
                count, _ = run_module("benchmarks.common.operations", ["--backbone", backbone, "--size", size])
                share = f"{100 * count / rate / found.evaluation:.0f} %"
                times = (seconds(count / rate), seconds(found.evaluation))
                rows.append((backbone, f"{size} × {size * 3 // 4}", precision, f"{count / 1e9:.1f}", *times, share))
    report.table(("backbone", "pixels", "precision", "10⁹ operations", "limit, s", "measured, s", "of the limit"), rows)
    report.write()


if __name__ == "__main__":
    main()
