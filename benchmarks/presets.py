"""Does every preset lower its loss on every backbone? The best loss of a short run, as a share of that at the start.

python -m benchmarks.presets [--presets gatys2016,bordag --backbones vgg19 --size 256 --iterations 30]
"""

from __future__ import annotations

import argparse

from benchmarks.common.problem import add_picture_options
from benchmarks.common.report import Report, add_results_option, progress
from nstcore import BACKBONES, DivergenceError, presets
from nstcore.system.quiet import quiet_tensorflow

#: One for each optimiser, and what else is made for one network alone.
_PRESETS = "balanced,gatys2016,gupta2019,khan2019,xu2016-rmsprop,keras-example,lisciandrello,bordag,crowsonkb,cnnmrf"


def main() -> None:
    options = _options()
    quiet_tensorflow()
    report = Report("presets", f"Presets, {options.size} px, {options.iterations} iterations", options.results)
    backbones = options.backbones.split(",")
    rows = []
    for name in options.presets.split(","):
        optimizer = presets.get(name, backbone=backbones[0]).optimizer
        rows.append((name, optimizer, *(_left(name, backbone, options) for backbone in backbones)))
    report.table(("preset", "optimiser", *backbones), rows)
    report.say(
        "The best loss of a run as a share of the loss at its start; in brackets that of the last iterate, where it is "
        "another. The pictures are a photograph and a drawn style."
    )
    report.write()


def _left(name: str, backbone: str, options: argparse.Namespace) -> str:
    from nstcore import style_transfer

    progress(f"{name}, {backbone}")
    config = presets.get(
        name, backbone=backbone, size=options.size, iterations=options.iterations, coarse_sizes=(), precision="float32"
    )
    try:
        trace = style_transfer(options.content, options.style, config).trace
    except DivergenceError as error:
        return f"diverges: {error}"
    first, last, best = trace[0].total, trace[-1].total, min(iterate.total for iterate in trace)
    return f"{best / first:.3g}" + (f" ({last / first:.3g})" if last > best else "")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Ask every preset on every backbone whether it lowers its loss.")
    add_picture_options(parser)
    add_results_option(parser)
    parser.add_argument("--presets", default=_PRESETS)
    parser.add_argument("--backbones", default=",".join(BACKBONES))
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--iterations", type=int, default=30)
    return parser.parse_args()


if __name__ == "__main__":
    main()
