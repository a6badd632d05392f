"""What does a grid add to its cells? A small real `FullGrid` through Luigi against the bare engine, in one process.

Both make the same cells at one size; networks are loaded and functions compiled before either is timed. The bare engine
computes each target once and then assembles and optimises every cell; it writes nothing. The reports (plots, picture
grids, table, page) are work of another kind, and stand apart.

    python -m benchmarks.grid_overhead [--contents 2 --styles 2 --size 256 --iterations 20 --turns 3]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.common.measure import median_ratio
from benchmarks.common.problem import write_cuts
from benchmarks.common.report import Report, add_results_option, progress, seconds
from nstcore import StyleTransferError, presets
from nstcore.loading import load_picture
from nstcore.system.quiet import import_keras_quietly, quiet_tensorflow
from pipeline.grid.picture_folder import find_pictures

if TYPE_CHECKING:
    from tasks import FullGrid

_REPORTS = (
    *("FigureSet", "SummaryPlot", "ImageGrid"),
    *("JudgeWeights", "MeasureCell", "GridTable", "Gallery", "GridReport"),
)
_SUBJECTS = {"content_dir": "inputs/content", "style_dir": "inputs/style"}


def main() -> None:
    options = _options()
    quiet_tensorflow()
    import_keras_quietly()
    report = Report("grid_overhead", "What a grid adds to its cells", options.results)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_cuts(folder / "content", options.content_dir, options.contents, options.size)
        write_cuts(folder / "style", options.style_dir, options.styles, options.size)
        progress("warm-up")
        _bare_engine(folder, options, iterations=2)
        _through_luigi(_grid(folder, options, iterations=2))
        grids, reports, bare = [], [], []
        for turn in range(options.turns):
            progress(f"turn {turn + 1} of {options.turns}")
            wall, of_reports = _through_luigi(_grid(folder, options, options.iterations))
            grids.append(wall - of_reports)
            reports.append(of_reports)
            bare.append(_bare_engine(folder, options, options.iterations))
    cells = options.contents * options.styles
    report.table(
        (f"{cells} cells, {options.backbone}, {options.size} px, {options.iterations} iterations", "s"),
        [
            ("bare engine", seconds(statistics.median(bare))),
            ("grid without its reports", seconds(statistics.median(grids))),
            ("its reports", seconds(statistics.median(reports))),
            ("grid without its reports / bare engine", f"{median_ratio(grids, bare):.3f}"),
        ],
    )
    report.say(f"Medians of {options.turns} turns, and the median of their ratios.")
    report.write()


def _through_luigi(grid: FullGrid) -> tuple[float, float]:
    """Seconds of the whole grid, and those inside its reports."""
    import luigi

    from benchmarks.common.luigi_times import task_seconds

    with task_seconds() as inside:
        start = time.perf_counter()
        if not luigi.build([grid], local_scheduler=True, log_level="WARNING"):
            raise RuntimeError("the grid failed")
        wall = time.perf_counter() - start
    return wall, sum(inside[name] for name in _REPORTS)


def _grid(folder: Path, options: argparse.Namespace, iterations: int) -> FullGrid:
    """A grid of which nothing is made yet."""
    from tasks import FullGrid

    return FullGrid(
        content_dir=str(folder / "content"),
        style_dir=str(folder / "style"),
        output_dir=str(folder / f"outputs-{uuid.uuid4().hex}"),
        backbones=options.backbone,
        size=options.size,
        iterations=iterations,
    )


def _bare_engine(folder: Path, options: argparse.Namespace, iterations: int) -> float:
    from nstcore.recipe import resolve
    from nstcore.scene import Scene, Style
    from nstcore.targets import SceneTargets, compute_targets
    from nstcore.transfer import transfer

    start = time.perf_counter()
    config = presets.get("balanced", backbone=options.backbone, size=options.size, iterations=iterations)
    recipe = resolve(config)
    contents, styles = (
        [load_picture(path, config) for (path,) in find_pictures(folder / kind).pictures.values()]
        for kind in ("content", "style")
    )
    of_styles = [compute_targets(style, "style", recipe) for style in styles]
    for content in contents:
        of_content = compute_targets(content, "content", recipe)
        for style, of_style in zip(styles, of_styles, strict=True):
            (end,) = transfer([Scene(content, (Style(style),))], recipe, [SceneTargets(of_content, (of_style,))])
            if isinstance(end, StyleTransferError):
                raise end
    return time.perf_counter() - start


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare a grid with the bare engine.")
    add_results_option(parser)
    for name, folder in _SUBJECTS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", default=folder, help="pictures (default: %(default)s)")
    parser.add_argument("--contents", type=int, default=2)
    parser.add_argument("--styles", type=int, default=2)
    parser.add_argument("--backbone", default="vgg19")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--turns", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
