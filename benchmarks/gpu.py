"""VGG19 on an accelerator, or smaller on a processor: evaluations, iterations, the limit, and plain torch.

    KERAS_BACKEND=jax python -m benchmarks.gpu [--sizes 512,1024 --weights random]
    KERAS_BACKEND=torch python -m benchmarks.gpu

An evaluation is what SciPy sees: a NumPy vector in, loss and NumPy gradient out. An iteration is that of a whole run,
alone or in a batch, per optimiser; "lbfgs-device" keeps its vectors on the device. The limit is the number of
operations at the rate of the best bfloat16 matrix product of the same library, whatever the precision of the line. The
time of a batch is divided by its pictures. Plain torch is the same loss, written by hand, eager, float32 (where torch
is installed).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import time
from typing import Any

import numpy as np

from benchmarks.common.matrix_rate import best_rate
from benchmarks.common.measure import run_module
from benchmarks.common.problem import add_picture_options, cut_pair, numbers, pastiche_config
from benchmarks.common.report import Report, add_results_option, progress, seconds
from benchmarks.common.runs import Counts, Prepared, prepare
from nstcore import TransferConfig
from nstcore.system.quiet import import_keras_quietly, quiet_tensorflow

_PRECISIONS = ("float32", "bfloat16")
_BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")


def main() -> None:
    options = _options()
    if options.one:
        print(json.dumps(_MEASUREMENTS[options.one](options)))
        return
    report = Report(f"gpu-{_BACKEND}", f"VGG19 on {_BACKEND}", options.results)
    rate, _ = best_rate("bfloat16", (_BACKEND,), options.matrices)
    report.say(f"Best bfloat16 matrix product: {rate / 1e12:.3g} · 10¹² operations per second.")
    rows = [row for size in options.sizes for row in _rows_of_size(size, rate, options)]
    report.table(("VGG19", "pixels", "precision", "s", "of the limit"), rows)
    report.write()


def _rows_of_size(size: int, rate: float, options: argparse.Namespace) -> list[tuple[str, ...]]:
    pixels = f"{size} × {size * 3 // 4}"
    count, _ = run_module("benchmarks.common.operations", ["--size", size])
    rows = []

    def add(what: str, precision: str, taken: float) -> None:
        rows.append((what, pixels, precision, seconds(taken), f"{100 * count / rate / taken:.1f} %"))

    for precision in _PRECISIONS:
        progress(f"{size} px, {precision}: evaluations")
        add("evaluation", precision, _one("evaluation", size, precision, options)["seconds"])
        in_batch = f"one of a batch of {options.batch}"
        progress(f"{size} px, {precision}: a batch of {options.batch}")
        add(f"evaluation, {in_batch}", precision, _one("batch", size, precision, options)["seconds"])
        for optimizer in options.optimizers.split(","):
            for what, where in (("iteration", ""), ("batch iteration", f", {in_batch}")):
                progress(f"{size} px, {precision}: {what}, {optimizer}")
                found = _one(what, size, precision, options, optimizer)
                add(f"iteration, {optimizer}{where}", precision, found["seconds"])
    if importlib.util.find_spec("torch") is not None:
        progress(f"{size} px: plain torch")
        add("evaluation, plain torch", "float32", _one("torch", size, "float32", options)["seconds"])
    return rows


def _one(
    what: str, size: int, precision: str, options: argparse.Namespace, optimizer: str = TransferConfig.optimizer
) -> Any:
    """Measure in a fresh process, which has the device for itself."""
    words = ["--one", what, "--sizes", size, "--precision", precision, "--optimizers", optimizer]
    words += ["--repeats", options.repeats, "--iterations", options.iterations, "--weights", options.weights]
    words += ["--content", options.content, "--style", options.style, "--batch", options.batch]
    return run_module("benchmarks.gpu", words, {"KERAS_BACKEND": "torch"} if what == "torch" else None)[0]


def _config(options: argparse.Namespace) -> TransferConfig:
    (size,) = options.sizes
    return pastiche_config(
        size * 3 // 4,
        size,
        precision=options.precision,
        optimizer=options.optimizers,
        iterations=options.iterations,
        weights=options.weights,
    )


def _evaluation(options: argparse.Namespace) -> dict[str, float]:
    _start()
    from nstcore import build_objective

    objective = build_objective(*cut_pair(options, options.sizes[0]), _config(options))
    return _median_call(objective, objective.x0, options.repeats)


def _batch(options: argparse.Namespace) -> dict[str, float]:
    """Seconds for each picture of a batch, evaluated together, from NumPy pictures to NumPy gradients."""
    _start()
    from nstcore.backend import to_host

    prepared = _prepared_batch(options)

    def evaluate(pictures: np.ndarray) -> None:
        found = prepared.problem.evaluate(pictures)
        for tensor in (found.values, found.gradient):
            to_host(tensor)

    return {"seconds": _median_call(evaluate, prepared.x, options.repeats)["seconds"] / options.batch}


def _torch(options: argparse.Namespace) -> dict[str, float]:
    _start()
    from benchmarks.common.torch_peer import torch_loss

    content, style = cut_pair(options, options.sizes[0])
    evaluate = torch_loss(content, style, _config(options))
    return _median_call(evaluate, content.ravel(), options.repeats)


def _iteration(options: argparse.Namespace) -> dict[str, float]:
    """Seconds per iteration of a whole run, after a short one that compiles."""
    _start()
    content, style = cut_pair(options, options.sizes[0])
    return _seconds_of_iteration(prepare([content], style, _config(options)))


def _batch_iteration(options: argparse.Namespace) -> dict[str, float]:
    """The same of a batch, divided by its pictures."""
    _start()
    return _seconds_of_iteration(_prepared_batch(options))


def _prepared_batch(options: argparse.Namespace) -> Prepared:
    """Pictures that are shifted, so that each run goes its own way."""
    content, style = cut_pair(options, options.sizes[0])
    return prepare([np.roll(content, 16 * row, axis=1) for row in range(options.batch)], style, _config(options))


def _seconds_of_iteration(prepared: Prepared) -> dict[str, float]:
    counts = Counts()
    prepared.warm_up()
    return {"seconds": prepared.run(counts) / sum(counts.iterations.values())}


def _median_call(function: Any, x: Any, repeats: int) -> dict[str, float]:
    for _ in range(2):  # what only a first call does; libraries may still choose algorithms in the second
        function(x)
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(x)
        taken.append(time.perf_counter() - start)
    return {"seconds": statistics.median(taken)}


def _start() -> None:
    quiet_tensorflow()
    import_keras_quietly()


_MEASUREMENTS = {
    "batch": _batch,
    "batch iteration": _batch_iteration,
    "evaluation": _evaluation,
    "iteration": _iteration,
    "torch": _torch,
}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure VGG19 on an accelerator, or smaller on a processor.")
    add_picture_options(parser)
    add_results_option(parser)
    parser.add_argument("--sizes", type=numbers, default=[512, 1024])
    parser.add_argument("--weights", default="imagenet", help='"imagenet", or "random" where there are none')
    parser.add_argument("--repeats", type=int, default=20, help="evaluations")
    parser.add_argument("--iterations", type=int, default=50, help="of a run")
    parser.add_argument("--batch", type=int, default=8, help="pictures of a batch")
    parser.add_argument("--matrices", default="4096,8192,16384", help="sizes of the matrix products")
    parser.add_argument("--precision", choices=_PRECISIONS, default="float32", help="with --one")
    parser.add_argument("--optimizers", default="lbfgs,lbfgs-device", help="of the runs (default: %(default)s)")
    parser.add_argument("--one", choices=sorted(_MEASUREMENTS), help="take one measurement here and print JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
