"""Where everything lies under the output folder."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePath

from nstcore.system.files import encodable
from pipeline.grid.series import Series
from pipeline.storage.places import absolute

# Of the 255 bytes a file system allows, a plot's name takes two of these, a separator, a checksum and a suffix.
_LONGEST_NAME = 100


def picture_name(path: Path) -> str:
    """The name of a picture in paths and reports: its file name without suffix, shortened if it is too long to join.

    Bytes that are not UTF-8 are written out (\\xe9), because pages, tables and JSON must be.
    """
    name = encodable(path.stem)
    encoded = name.encode()
    if len(encoded) <= _LONGEST_NAME:
        return name
    return f"{encoded[: _LONGEST_NAME - 9].decode(errors='ignore')}-{hashlib.sha256(encoded).hexdigest()[:8]}"


def parts_of_output(output: PurePath) -> list[PurePath]:
    """The folders right below an output folder. One run as another user may have left some of them behind."""
    return [
        output / name for name in ("cells", "networks", "targets", "measures", "weights", "reports", "papers", "nights")
    ]


def cell_folder(output: PurePath, content: str, style: str, backbone: str, digest: str) -> PurePath:
    return output / "cells" / content / style / f"{backbone}-{digest}"


def network_folder(output: PurePath, style: str, backbone: str, digest: str) -> PurePath:
    """Of the network that is trained for a style, with the losses of a backbone."""
    return output / "networks" / style / f"{backbone}-{digest}"


def target_file(output: PurePath, kind: str, picture: str, backbone: str, digest: str) -> PurePath:
    return output / "targets" / kind / picture / f"{backbone}-{digest}.npz"


def measures_file(output: PurePath, content: str, style: str, backbone: str, digest: str, judges: str) -> PurePath:
    """Of the measures of the cell `digest`, as the judges of that identity took them."""
    return output / "measures" / content / style / f"{backbone}-{digest}-{judges}.json"


def weights_failure_file(output: PurePath, backbone: str, weights: str) -> PurePath:
    told_apart = "" if weights == "imagenet" else f"-{hashlib.sha256(os.fsencode(weights)).hexdigest()[:8]}"
    return output / "weights" / f"{backbone}{told_apart}.failure.json"


def report_folder(output: PurePath, grid: str) -> PurePath:
    return output / "reports" / grid


def nights_folder(output: PurePath) -> PurePath:
    return output / "nights"


def pair_stems(pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """What the plots of each pair of a grid are named: "<content>--<style>".

    Of picture names that hold "--" two pairs may join to one: "a--b" and "c", "a" and "b--c". Those get a checksum
    each, also where only a file system that ignores case would take them for one.
    """
    joined = {pair: "--".join(pair) for pair in pairs}
    uses = Counter(stem.casefold() for stem in joined.values())
    return {pair: stem if uses[stem.casefold()] == 1 else _told_apart(stem, pair) for pair, stem in joined.items()}


def _told_apart(stem: str, pair: tuple[str, str]) -> str:
    # No picture's name holds a slash.
    return f"{stem}-{hashlib.sha256('/'.join(pair).encode()).hexdigest()[:8]}"


def loss_plot_file(report: PurePath, pair: str) -> PurePath:
    """Of a pair's losses; `pair` is its name of `pair_stems`, as in the functions below."""
    return report / "loss_per_iteration" / f"{pair}.png"


def terms_plot_file(report: PurePath, pair: str) -> PurePath:
    return report / "terms_per_iteration" / f"{pair}.png"


def time_plot_file(report: PurePath, pair: str) -> PurePath:
    return report / "time" / f"{pair}.png"


def variants_file(report: PurePath, pair: str) -> PurePath:
    return report / "variants" / f"{pair}.png"


def summary_file(report: PurePath) -> PurePath:
    return report / "summary.png"


def fronts_file(report: PurePath) -> PurePath:
    return report / "fronts.png"


def image_grid_file(report: PurePath, series: Series) -> PurePath:
    return report / "image_grid" / f"{series.file_stem}.png"


def training_figure_file(report: PurePath, style: str, backbone: str, digest: str) -> PurePath:
    return report / "training" / f"{style}--{backbone}-{digest}.png"


def gallery_file(report: PurePath) -> PurePath:
    return report / "gallery.json"


def plan_file(report: PurePath) -> PurePath:
    return report / "plan.json"


def runs_folder(output: PurePath) -> PurePath:
    """Of the processes that work on an output folder at the moment."""
    return absolute(output) / "runs"


def papers_folder(output: PurePath, papers: str, digest: str) -> PurePath:
    return output / "papers" / f"{papers}-{digest}"


def computed_pictures_file(output: PurePath, content: str, style: str, digest: str) -> PurePath:
    """Of the measures of pictures that no cell made, of a content and a style."""
    return output / "papers" / "computed" / content / f"{style}-{digest}.json"


def paper_figure_file(folder: PurePath, paper: str, exhibit: str, name: str) -> PurePath:
    return folder / "figures" / f"{paper}-{exhibit}-{name}.png"
