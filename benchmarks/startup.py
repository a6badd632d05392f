"""What comes before the first step? Imports, network, weights, compilation; and what of it a second cell pays.

Each turn is a fresh process. Weights are taken from the cache, where `make grid` leaves them.

    python -m benchmarks.startup [--backbones vgg19,resnet50 --size 256 --turns 2]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.common.measure import run_module
from benchmarks.common.problem import add_picture_options, cut_pair
from benchmarks.common.report import Report, add_results_option, progress, seconds
from nstcore import BACKBONES, TransferConfig
from nstcore.system.quiet import import_keras_quietly, quiet_tensorflow

if TYPE_CHECKING:
    from nstcore.optimizers.protocol import Optimizer
    from nstcore.problem import Problem
    from nstcore.recipe import Recipe
    from nstcore.scene import Scene

_STEPS = ("import", "build", "weights", "targets", "problem", "first step", "step", "second cell")


def main() -> None:
    parser = argparse.ArgumentParser(description="Time what comes before the first step.")
    add_picture_options(parser)
    add_results_option(parser)
    parser.add_argument("--backbones", default=",".join(BACKBONES))
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--one", action="store_true", help="measure one backbone here and print JSON")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(_measure(options)))
        return
    report = Report("startup", f"Start-up, {options.size} px", options.results)
    backbones = options.backbones.split(",")
    turns: dict[str, list[dict[str, float]]] = {backbone: [] for backbone in backbones}
    for turn in range(options.turns):
        for backbone in backbones:
            progress(f"turn {turn + 1}, {backbone}")
            words = ["--one", "--backbones", backbone, "--size", options.size]
            found, _ = run_module(
                "benchmarks.startup", [*words, "--content", options.content, "--style", options.style]
            )
            turns[backbone].append(found)
    rows = [
        (backbone, *(seconds(statistics.median(turn[step] for turn in turns[backbone])) for step in _STEPS))
        for backbone in backbones
    ]
    report.table(("seconds", *_STEPS), rows)
    report.say(
        f"Medians of {options.turns} fresh processes. Targets: both pictures through the extractor, building it "
        "included. Problem: its graph is built, and its inputs go to the device. First step: the initial picture is "
        "evaluated and the optimiser goes a step, tracing and compiling included. Step: one later. Second cell: "
        "targets, problem and first step of another pair of pictures of the same size, which pay for no import, "
        "weights, graph or tracing."
    )
    report.write()


def _measure(options: argparse.Namespace) -> dict[str, float]:
    taken: dict[str, float] = {}
    quiet_tensorflow()
    with _timed(taken, "import"):
        import_keras_quietly()
        from nstcore.networks.backbones import get_backbone
        from nstcore.networks.extractor import pretrained_network
        from nstcore.problem import build_problem
        from nstcore.recipe import resolve
        from nstcore.scene import Scene, Style
        from nstcore.targets import scene_targets

    content, style = cut_pair(options, options.size)
    config = TransferConfig(backbone=options.backbones, size=options.size)
    recipe, scene = resolve(config), Scene(content, (Style(style),))
    with _timed(taken, "build"):
        get_backbone(config.backbone).build()
    with _timed(taken, "weights"):
        pretrained_network(config.backbone, config.weights)
    taken["weights"] = max(0.0, taken["weights"] - taken["build"])  # it builds the network too
    with _timed(taken, "targets"):
        targets = scene_targets(scene, recipe)
    with _timed(taken, "problem"):
        problem = build_problem([scene], recipe, [targets])
    with _timed(taken, "first step"):
        optimizer = _started(problem, scene, recipe)
    with _timed(taken, "step"):
        _step(optimizer)
    with _timed(taken, "second cell"):
        second = Scene(style, (Style(content),))
        _started(build_problem([second], recipe), second, recipe)
    return taken


def _started(problem: Problem, scene: Scene, recipe: Recipe) -> Optimizer:
    """The run of a scene as `nstcore.run.Run` begins it, after a step."""
    from nstcore.optimizers import make_optimizer
    from nstcore.optimizers.pixel_range import WithinRange

    optimizer = make_optimizer(recipe.optimizer, recipe.optimizer_settings)
    optimizer.start(WithinRange(problem), scene.content[np.newaxis].astype(np.float32))
    _step(optimizer)
    return optimizer


def _step(optimizer: Optimizer) -> None:
    """Go on until a step is taken."""
    while not optimizer.step():
        pass


@contextmanager
def _timed(taken: dict[str, float], step: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    taken[step] = time.perf_counter() - start


if __name__ == "__main__":
    main()
