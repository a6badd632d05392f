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

from benchmarks.rooms.measure import run_module
from benchmarks.rooms.problem import add_picture_options, cut_pair
from benchmarks.rooms.report import Report, add_results_option, progress, seconds
from nstcore import BACKBONES, TransferConfig
from nstcore.quiet import import_keras_quietly, quiet_tensorflow

if TYPE_CHECKING:
    from nstcore.device_lbfgs import DeviceLBFGS
    from nstcore.objective import Objective

_STEPS = ("import", "build", "weights", "targets", "loss graph", "first step", "step", "second cell")


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
        "included. First step: the initial picture is evaluated and the optimiser goes a step, tracing and compiling "
        "included. Step: one later. Second cell: targets of another pair of pictures of the same size and its first "
        "step, which pay for no import, weights, graph or tracing."
    )
    report.write()


def _measure(options: argparse.Namespace) -> dict[str, float]:
    taken: dict[str, float] = {}
    quiet_tensorflow()
    with _timed(taken, "import"):
        import_keras_quietly()
        from nstcore.backbones import get_backbone
        from nstcore.features import pretrained_network
        from nstcore.objective import compiled_loss
        from nstcore.targets import content_target, style_target, target_network
        from nstcore.transfer import assemble_objective, build_objective

    content, style = cut_pair(options, options.size)
    config = TransferConfig(backbone=options.backbones, size=options.size).resolved()
    with _timed(taken, "build"):
        get_backbone(config.backbone).build()
    with _timed(taken, "weights"):
        pretrained_network(config.backbone, config.weights)
    taken["weights"] = max(0.0, taken["weights"] - taken["build"])  # it builds the network too
    with _timed(taken, "targets"):
        extractor = target_network(config)
        targets = content_target(content, extractor, config), style_target(style, extractor, config)
    with _timed(taken, "loss graph"):
        compiled_loss(config.structure(), *content.shape[:2])
    objective = assemble_objective(content, style, *targets, config)
    with _timed(taken, "first step"):
        run = _started(objective)
    with _timed(taken, "step"):
        run.step()
    with _timed(taken, "second cell"):
        _started(build_objective(style, content, config))
    return taken


def _started(objective: Objective) -> DeviceLBFGS:
    from nstcore.device_lbfgs import minimizer

    run = minimizer(objective, bounded=True)
    run.start()
    run.step()
    return run


@contextmanager
def _timed(taken: dict[str, float], step: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    taken[step] = time.perf_counter() - start


if __name__ == "__main__":
    main()
