"""Where everything lies under the output folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pipeline.series import Series

# Of the 255 bytes a file system allows, a plot's name takes two of these, a separator and a suffix.
_LONGEST_NAME = 100


def picture_name(path: Path) -> str:
    """The name of a picture in paths and reports: its file name without suffix, shortened if it is too long to join."""
    name = path.stem
    encoded = name.encode()
    if len(encoded) <= _LONGEST_NAME:
        return name
    return f"{encoded[: _LONGEST_NAME - 9].decode(errors='ignore')}-{hashlib.sha256(encoded).hexdigest()[:8]}"


def cell_folder(output: Path, content: str, style: str, backbone: str, digest: str) -> Path:
    return output / "cells" / content / style / f"{backbone}-{digest}"


def target_file(output: Path, kind: str, picture: str, backbone: str, digest: str) -> Path:
    return output / "targets" / kind / picture / f"{backbone}-{digest}.npz"


def measures_file(output: Path, content: str, style: str, backbone: str, digest: str, judges: str) -> Path:
    """Of the measures of the cell `digest`, as the judges of that identity took them."""
    return output / "measures" / content / style / f"{backbone}-{digest}-{judges}.json"


def weights_failure_file(output: Path, backbone: str, weights: str) -> Path:
    told_apart = "" if weights == "imagenet" else f"-{hashlib.sha256(weights.encode()).hexdigest()[:8]}"
    return output / "weights" / f"{backbone}{told_apart}.failure.json"


def report_folder(output: Path, grid: str) -> Path:
    return output / "reports" / grid


def nights_folder(output: Path) -> Path:
    return output / "nights"


def loss_plot_file(report: Path, content: str, style: str) -> Path:
    return report / "loss_per_iteration" / f"{content}--{style}.png"


def terms_plot_file(report: Path, content: str, style: str) -> Path:
    return report / "terms_per_iteration" / f"{content}--{style}.png"


def time_plot_file(report: Path, content: str, style: str) -> Path:
    return report / "time" / f"{content}--{style}.png"


def variants_file(report: Path, content: str, style: str) -> Path:
    return report / "variants" / f"{content}--{style}.png"


def summary_file(report: Path) -> Path:
    return report / "summary.png"


def image_grid_file(report: Path, series: Series) -> Path:
    return report / "image_grid" / f"{series.file_stem}.png"


def gallery_file(report: Path) -> Path:
    return report / "gallery.json"


def plan_file(report: Path) -> Path:
    return report / "plan.json"


def papers_folder(output: Path, papers: str, digest: str) -> Path:
    return output / "papers" / f"{papers}-{digest}"


def paper_figure_file(folder: Path, paper: str, exhibit: str, name: str) -> Path:
    return folder / "figures" / f"{paper}-{exhibit}-{name}.png"
