"""One evaluation of loss and gradient against the same straight in torch, eager, with the same weights.

The sides run in processes of their own, in turns: the threads of two libraries in one process disturb each other.
Both must find the same loss (to 1e-4), or there is no result. A GPU is used where the libraries find one.

    python -m benchmarks.against_torch [--sizes 256,512 --turns 3 --repeats 10]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.common.measure import median_ratio, run_module
from benchmarks.common.problem import add_picture_options, cut_pair, numbers, pastiche_config
from benchmarks.common.report import Report, add_results_option, progress, seconds
from nstcore.system.quiet import import_keras_quietly, quiet_tensorflow

_SAME = 1e-4


def main() -> None:
    options = _options()
    if options.side:
        print(json.dumps(_measure(options)))
        return
    if importlib.util.find_spec("torch") is None:
        raise SystemExit("torch is not installed: pip install -e '.[torch]'")
    report = Report("against_torch", "An evaluation against plain torch, float32", options.results)
    rows = []
    for size in options.sizes:
        progress(f"{size} px")
        times, peaks, difference = compare(size, options)
        medians = {side: statistics.median(values) for side, values in times.items()}
        ratio = median_ratio(times["ours"], times["torch"])
        rows.append(
            (
                f"{size} × {size * 3 // 4}",
                seconds(medians["ours"]),
                seconds(medians["torch"]),
                f"{ratio:.3f}",
                f"{difference:.1e}",
                f"{peaks['ours']:.0f}",
                f"{peaks['torch']:.0f}",
            )
        )
    header = ("pixels", "ours, s", "torch, s", "ours / torch", "losses differ by", "ours, peak MiB", "torch, peak MiB")
    report.table(header, rows)
    report.write()


def compare(size: int, options: argparse.Namespace) -> tuple[dict[str, list[float]], dict[str, float], float]:
    """The median of each turn, the peaks, and the relative difference of the losses.

    Raises:
        RuntimeError: if the losses are not the same.
    """
    times: dict[str, list[float]] = {"ours": [], "torch": []}
    peaks, losses = {"ours": 0.0, "torch": 0.0}, {}
    for _ in range(options.turns):
        for side in times:
            found, process = run_side(side, size, options)
            times[side].append(found["seconds"])
            peaks[side] = max(peaks[side], process.peak_mib)
            losses[side] = found["loss"]
    difference = abs(losses["ours"] / losses["torch"] - 1.0)
    if not difference <= _SAME:
        raise RuntimeError(f"the losses differ: {losses}")
    return times, peaks, difference


def run_side(side: str, size: int, options: argparse.Namespace, precision: str = "float32") -> tuple[Any, Any]:
    """Measure one side in a fresh process. Torch's has Keras on torch too, for the weights alone."""
    words = ["--side", side, "--sizes", size, "--repeats", options.repeats, "--precision", precision]
    environment = {"KERAS_BACKEND": "torch"} if side == "torch" else None
    pictures = ["--content", options.content, "--style", options.style]
    return run_module("benchmarks.against_torch", [*words, *pictures], environment)


def _measure(options: argparse.Namespace) -> dict[str, float]:
    quiet_tensorflow()
    import_keras_quietly()
    (size,) = options.sizes
    content, style = cut_pair(options, size)
    evaluate = _side(options.side, content, style, options.precision)
    noise = np.random.default_rng(0).normal(scale=10, size=content.size)
    x = np.clip(content.ravel() + noise, 0, 255)
    loss, _ = evaluate(x)
    times = []
    for _ in range(options.repeats):
        start = time.perf_counter()
        evaluate(x)
        times.append(time.perf_counter() - start)
    return {"seconds": statistics.median(times), "loss": loss}


def _side(
    side: str, content: np.ndarray, style: np.ndarray, precision: str
) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    config = pastiche_config(*content.shape[:2], precision=precision)
    if side == "torch":
        from benchmarks.common.torch_peer import torch_loss

        return torch_loss(content, style, config)

    from nstcore import build_objective

    return build_objective(content, style, config)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare an evaluation with plain torch.")
    add_picture_options(parser)
    add_results_option(parser)
    parser.add_argument("--sizes", type=numbers, default=[256, 512])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=10, help="evaluations in each turn")
    parser.add_argument("--side", choices=["ours", "torch"], help="measure one side here and print JSON")
    parser.add_argument("--precision", default="float32", help="of our side, with --side")
    return parser.parse_args()


if __name__ == "__main__":
    main()
