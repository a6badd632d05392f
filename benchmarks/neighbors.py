"""What do losses that look for neighbors cost? One evaluation against that of the Gram loss of the same layers.

For each size all are timed alternately in one process, on the objective that SciPy calls. The network's pass is in
every figure. Peaks are those of processes of their own, which evaluate a few times.

    python -m benchmarks.neighbors [--sizes 256,512 --repeats 15 --layers block3_conv1,block4_conv1]
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.common.measure import alternately, median_ratio, run_module
from benchmarks.common.problem import add_picture_options, cut_pair, numbers
from benchmarks.common.report import Report, add_results_option, progress, seconds
from nstcore import TransferConfig
from nstcore.system.quiet import quiet_tensorflow

# What is measured: a loss and its settings, beside layers.
_CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "gram": ("gram", {}),
    "patches, stride 1": ("patches", {"stride": 1}),
    "patches, stride 2": ("patches", {"stride": 2}),
    "nearest_neighbors, fixed": ("nearest_neighbors", {}),
    "nearest_neighbors, anew": ("nearest_neighbors", {"fixed": False}),
    "layer_neighbors": ("layer_neighbors", {}),
    "layer_neighbors, quarter turns": ("layer_neighbors", {"rotations": (90.0, 180.0, -90.0)}),
    "earth_movers": ("earth_movers", {}),
}
# Of processes whose peak is measured.
_EVALUATIONS = 3


def main() -> None:
    options = _options()
    if options.one:
        print(json.dumps(_measured(options)))
        return
    layers = ", ".join(options.layers.split(","))
    report = Report("neighbors", f"Losses that look for neighbors: {options.backbone}, {layers}", options.results)
    rows = []
    for size in options.sizes:
        progress(f"{size} px")
        taken, _ = _run(options, size, ",".join(_CASES).replace(", ", " "), options.repeats)
        for case in _CASES:
            progress(f"{size} px, {case}: peak")
            needed, process = _run(options, size, case.replace(", ", " "), _EVALUATIONS)
            ratio = median_ratio(taken[case]["seconds"], taken["gram"]["seconds"])
            median = statistics.median(taken[case]["seconds"])
            told = needed[case]["told"] / 2**20
            rows.append(
                (
                    case,
                    f"{size} × {size * 3 // 4}",
                    seconds(median),
                    f"{ratio:.2f}",
                    f"{process.peak_mib:.0f}",
                    f"{told:.0f}",
                )
            )
    report.table(("loss", "pixels", "s, median", "/ gram's", "peak MiB", "told before a run, MiB"), rows)
    report.say(
        "Ratios are medians of those of neighboring evaluations. Peaks are of the whole process, with Python and the "
        "network; what is told before a run is what it will take beside them."
    )
    report.write()


def _run(options: argparse.Namespace, size: int, cases: str, repeats: int) -> tuple[Any, Any]:
    words = ["--one", "--sizes", size, "--cases", cases, "--repeats", repeats, "--layers", options.layers]
    words += ["--backbone", options.backbone, "--content", options.content, "--style", options.style]
    return run_module("benchmarks.neighbors", words)


def _measured(options: argparse.Namespace) -> dict[str, Any]:
    """Of each case the seconds of its evaluations, and the bytes that a run is said to need."""
    quiet_tensorflow()
    from nstcore import build_objective
    from nstcore.memory import required_memory
    from nstcore.recipe import resolve

    (size,) = options.sizes
    content, style = cut_pair(options, size)
    wanted = {case: _CASES[case] for case in _CASES if case.replace(", ", " ") in options.cases.split(",")}
    layers = tuple(options.layers.split(","))
    configs = {case: _config(options.backbone, size, layers, name, more) for case, (name, more) in wanted.items()}
    objectives = {case: build_objective(content, style, config) for case, config in configs.items()}
    noise = np.random.default_rng(0).normal(scale=10.0, size=content.size)
    calls = {case: lambda one=one: one(one.x0 + noise) for case, one in objectives.items()}
    taken = alternately(calls, options.repeats)
    told = {case: required_memory(resolve(config), *content.shape[:2]) for case, config in configs.items()}
    return {case: {"seconds": taken[case], "told": told[case]} for case in wanted}


def _config(backbone: str, size: int, layers: tuple[str, ...], name: str, more: Mapping[str, Any]) -> TransferConfig:
    losses = {} if name == "gram" else {"gram": {"weight": 0.0}, name: {"layers": layers, **more}}
    # Content of the last of the layers: the network is as deep for all.
    return TransferConfig(backbone, style_layers=layers, content_layers=layers[-1:], size=size, losses=losses)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time and memory of losses that look for neighbors.")
    add_picture_options(parser)
    add_results_option(parser)
    parser.add_argument("--backbone", default="vgg19")
    parser.add_argument("--layers", default="block3_conv1,block4_conv1")
    parser.add_argument("--sizes", type=numbers, default=[256, 512])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--cases", default="", help=argparse.SUPPRESS)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
