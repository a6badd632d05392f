"""One side of `benchmarks.against_commit`: measures the checkout that PYTHONPATH names, and prints a line of JSON.

Then it answers each number that it reads with the seconds of so many evaluations.

It is run as a file, by either checkout's name, so it imports nothing of the benchmarks, and of the project only what
both have: `build_objective`, `style_transfer` and `TransferConfig`; but for batches, which have changed their face.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_BEGAN = time.perf_counter()
# In bfloat16 the last of them is in float32, and then every function has been used.
_WARM_UP = 3


def main() -> None:
    options = _options()
    import nstcore

    if options.tree not in Path(nstcore.__file__).resolve().parents:
        raise SystemExit(f"nstcore was to be imported from {options.tree}, and came from {nstcore.__file__}")
    if options.batch:
        print(json.dumps(_batch(options)))
        return
    figures, evaluate = _single(options)
    print(json.dumps(figures), flush=True)
    for line in sys.stdin:
        print(json.dumps([_seconds(evaluate) for _ in range(int(line))]), flush=True)


def _config(options: argparse.Namespace, iterations: int) -> Any:
    from nstcore import TransferConfig

    return TransferConfig(
        backbone=options.backbone,
        size=options.size,
        coarse_sizes=(),
        iterations=iterations,
        optimizer=options.optimizer,
        precision=options.precision,
        weights=options.weights,
    )


def _single(options: argparse.Namespace) -> tuple[dict[str, float], Callable[[], object]]:
    """The figures of one picture, and an evaluation that is ready to be timed."""
    from nstcore import build_objective, style_transfer

    pictures = options.content, options.style
    iterates: list[float] = []
    style_transfer(*pictures, _config(options, _WARM_UP), lambda _: iterates.append(time.perf_counter()))
    start = time.perf_counter()
    result = style_transfer(*pictures, _config(options, options.iterations))
    run = time.perf_counter() - start
    objective = build_objective(*pictures, _config(options, options.iterations))
    for _ in range(2):  # what only a first call does; libraries may still choose algorithms in the second
        objective(objective.x0)
    figures = {
        "start-up, s": iterates[0] - _BEGAN,
        "run, s": run,
        "evaluations": result.trace[-1].evaluations,
        "final loss": result.trace[-1].total,
    }
    return figures, lambda: objective(objective.x0)


def _batch(options: argparse.Namespace) -> dict[str, float]:
    """A run of several pictures together, targets included; each content is shifted, and goes its own way."""
    import numpy as np

    try:
        from nstcore.loading import load_picture
    except ImportError:  # the engine before its pictures had a room
        from nstcore.images import load_picture  # type: ignore[import-not-found, no-redef]

    config = _config(options, options.iterations)
    content, style = load_picture(options.content, config), load_picture(options.style, config)
    contents = [np.roll(content, 16 * row, axis=1) for row in range(options.batch)]
    transfer = _transfer_of_batch()
    transfer(contents, style, _config(options, _WARM_UP))
    start = time.perf_counter()
    results = transfer(contents, style, config)
    seconds = time.perf_counter() - start
    for result in results:
        if isinstance(result, Exception):
            raise result
    return {
        "run, s a picture": seconds / len(contents),
        "evaluations": sum(result.trace[-1].evaluations for result in results),
        "final loss": statistics.mean(result.trace[-1].total for result in results),
    }


def _transfer_of_batch() -> Callable[[list[Any], Any, Any], list[Any]]:
    """(contents, style, settings) -> results, by what the checkout has for batches."""
    try:
        from nstcore.scene import Scene, Style
        from nstcore.transfer import transfer
    except ImportError:
        return _transfer_batch
    return lambda contents, style, config: transfer([Scene(content, (Style(style),)) for content in contents], config)


def _transfer_batch(contents: list[Any], style: Any, config: Any) -> list[Any]:
    """The same where `nstcore.batch` has it."""
    from nstcore.batch import Pair, transfer_batch

    from nstcore.targets import content_target, style_target, target_network

    config = config.resolved()
    extractor = target_network(config)
    pairs = [
        Pair(content, style, content_target(content, extractor, config), style_target(style, extractor, config))
        for content in contents
    ]
    return list(transfer_batch(pairs, config))


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure one checkout.")
    parser.add_argument("--tree", type=Path, required=True, help="the checkout, as it must be imported")
    parser.add_argument("--content", required=True)
    parser.add_argument("--style", required=True)
    for name in ("backbone", "optimizer", "precision", "weights"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("size", "iterations", "batch"):
        parser.add_argument(f"--{name}", type=int, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
