"""What does bfloat16 gain, and what does it cost? Per backbone: time per evaluation, time per run, and the final loss.

Evaluations in the two precisions alternate in one process; medians and their ratio are printed. The final losses are
both computed in float32, which the last fifth of a bfloat16 run is.

    python -m benchmarks.precision --content PICTURE --style PICTURE [--size 256 --iterations 150]
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

from nstcore import BACKBONES, TransferConfig
from nstcore.quiet import quiet_tensorflow


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare bfloat16 with float32.")
    parser.add_argument("--content", default="inputs/content/china.jpg")
    parser.add_argument("--style", default="inputs/style/brushwork.png")
    parser.add_argument("--backbones", default=",".join(BACKBONES))
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--iterations", type=int, default=150)
    parser.add_argument("--repeats", type=int, default=15, help="evaluations of each precision")
    options = parser.parse_args()
    quiet_tensorflow()

    from nstcore import build_objective, style_transfer

    print(f"{options.size} px, {options.iterations} iterations; ratios are bfloat16 / float32")
    print(f"{'backbone':12} {'evaluation, s':>22} {'ratio':>6} {'run, s':>16} {'ratio':>6}", end=" ")
    print(f"{'final loss':>20} {'ratio':>7}")
    for backbone in options.backbones.split(","):
        configs = [
            TransferConfig(backbone=backbone, size=options.size, iterations=options.iterations, precision=precision)
            for precision in ("float32", "bfloat16")
        ]
        objectives = [build_objective(options.content, options.style, config) for config in configs]
        x = objectives[0].x0 + np.random.default_rng(0).normal(scale=10, size=objectives[0].x0.shape)
        seconds: tuple[list[float], list[float]] = ([], [])
        for _ in range(options.repeats + 1):
            for objective, times in zip(objectives, seconds, strict=True):
                start = time.perf_counter()
                objective(x)
                times.append(time.perf_counter() - start)
        evaluation = [statistics.median(times[1:]) for times in seconds]  # the first one compiled
        exact, fast = (style_transfer(options.content, options.style, config) for config in configs)
        losses = (exact.trace[-1].total, fast.trace[-1].total)
        print(
            f"{backbone:12} {evaluation[0]:10.4f} -> {evaluation[1]:8.4f} {evaluation[1] / evaluation[0]:6.2f} "
            f"{exact.seconds:6.1f} -> {fast.seconds:6.1f} {fast.seconds / exact.seconds:6.2f} "
            f"{losses[0]:8.4f} -> {losses[1]:8.4f} {losses[1] / losses[0]:7.4f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
