"""How does the time of an evaluation grow with the number of pixels? Each size in a process of its own.

python -m benchmarks.scaling [--backbone vgg19 --precision float32 --sizes 128,256,384,512,768,1024]
"""

from __future__ import annotations

import argparse

from benchmarks.common.problem import add_picture_options, numbers
from benchmarks.common.report import Report, add_results_option, progress, seconds
from benchmarks.cost import cost


def main() -> None:
    parser = argparse.ArgumentParser(description="Seconds per evaluation against pixels.")
    add_picture_options(parser)
    add_results_option(parser)
    parser.add_argument("--backbone", default="vgg19")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--sizes", type=numbers, default=[128, 256, 384, 512, 768, 1024])
    parser.add_argument("--iterations", type=int, default=6)
    options = parser.parse_args()
    report = Report("scaling", f"Cost against pixels: {options.backbone}, {options.precision}", options.results)
    rows = []
    for size in options.sizes:
        progress(f"{size} px")
        found = cost(options.backbone, size, options.precision, options.iterations, options.content, options.style)
        megapixels = size * (size * 3 // 4) / 1e6
        per_megapixel = (seconds(found.evaluation / megapixels), seconds(found.wall / megapixels))
        rows.append((f"{size} × {size * 3 // 4}", f"{megapixels:.3f}", seconds(found.evaluation), *per_megapixel))
    report.table(("pixels", "megapixels", "s per evaluation", "s per megapixel", "the same, whole run"), rows)
    report.write()


if __name__ == "__main__":
    main()
