"""L-BFGS against RMSprop, as in table I of Xu, Shi and Pei 2016: to each one's own budget, and to equal loss.

Both minimise the same loss from the same noise (presets `xu2016-gatys` and `xu2016-rmsprop`). The report's budgets
differ: some 400 evaluations of the one, 3000 of the other. How many evaluations, and seconds, each takes to the loss at
which the other ends is read from the traces.

    python -m benchmarks.table_one [--content PICTURE … --style PICTURE … --size 192 --backbone vgg19]
"""

from __future__ import annotations

import argparse
from itertools import product

from benchmarks.common.problem import CONTENT, STYLE, require_pictures
from benchmarks.common.report import Report, add_results_option, progress
from nstcore import Iterate, TransferResult, presets
from nstcore.system.quiet import quiet_tensorflow

_PRESETS = {"L-BFGS": "xu2016-gatys", "RMSprop": "xu2016-rmsprop"}
_ITERATIONS = {"L-BFGS": 400, "RMSprop": 3000}


def main() -> None:
    options = _options()
    quiet_tensorflow()
    report = Report("table_one", "L-BFGS against RMSprop (Xu, Shi, Pei 2016, table I)", options.results)
    rows = []
    for content, style in product(options.content, options.style):
        runs = {name: _run(name, content, style, options) for name in _PRESETS}
        for (name, run), other in zip(runs.items(), reversed(runs.values()), strict=True):
            ends, there = _best(run), _first_below(run, _best(other).total)
            rows.append(
                (
                    *(str(path).rpartition("/")[2].partition(".")[0] for path in (content, style)),
                    *(name, str(run.trace[-1].evaluations), f"{run.seconds:.0f}", f"{ends.total:.4g}"),
                    *((str(there.evaluations), f"{there.seconds:.0f}") if there else ("never", "")),
                )
            )
    report.table(
        ("content", "style", "", "evaluations", "s", "best loss", "evaluations to the other's", "s to it"), rows
    )
    report.say(f"{options.backbone}, {options.size} px, from noise; each for the iterations of the report.")
    report.write()


def _run(name: str, content: str, style: str, options: argparse.Namespace) -> TransferResult:
    from nstcore import style_transfer

    progress(f"{name}: {content}, {style}")
    config = presets.get(
        _PRESETS[name],
        backbone=options.backbone,
        size=options.size,
        iterations=options.iterations or _ITERATIONS[name],
    )
    style_transfer(
        content, style, presets.get(_PRESETS[name], backbone=options.backbone, size=options.size, iterations=2)
    )
    return style_transfer(content, style, config)


def _best(run: TransferResult) -> Iterate:
    return min(run.trace, key=lambda iterate: iterate.total)


def _first_below(run: TransferResult, loss: float) -> Iterate | None:
    return next((iterate for iterate in run.trace if iterate.total <= loss), None)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare L-BFGS with RMSprop.")
    parser.add_argument("--content", nargs="+", default=[CONTENT], help="pictures")
    parser.add_argument("--style", nargs="+", default=[STYLE], help="pictures")
    add_results_option(parser)
    parser.add_argument("--backbone", default="vgg19")
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--iterations", type=int, default=0, help="of both; default: those of the report")
    options = parser.parse_args()
    require_pictures(parser, *options.content, *options.style)
    return options


if __name__ == "__main__":
    main()
