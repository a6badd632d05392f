"""What pictures measured, as tables: means by backbone and variant, with intervals, and as multiples of a reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.common.report import Report

#: Names of the measures -> heads of the columns.
COLUMNS = {
    "judge": "judge",
    "style_vgg19": "style left, VGG19",
    "style_efficientnet_lite0": "style left, Lite0",
    "slices_efficientnet_lite0": "slices left, Lite0",
    "slices_mobilenet_v2": "slices left, MobileNetV2",
    "content_vgg19": "content lost, VGG19",
    "content_efficientnet_lite0": "content lost, Lite0",
    "content_mobilenet_v2": "content lost, MobileNetV2",
    "noise": "noise",
    "loss": "final loss",
    "s": "s",
}
#: Those that two networks can be compared by.
_OF_PICTURES = tuple(COLUMNS)[:-2]
_DRAWS = 10_000

#: What is known of a cell: its measures by name, and its "backbone", "variant" and "pair".
Row = Mapping[str, Any]


def tell(report: Report, rows: Sequence[Row], reference: tuple[str, str] | None = None) -> None:
    """Add the tables of cells that `benchmarks.pictures` measured.

    Args:
        reference: a backbone and a variant; then means have intervals, and a second table has all as multiples of it.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["backbone"], row["variant"]), []).append(row)
    for backbone in dict.fromkeys(backbone for backbone, _ in groups):
        table = [
            (variant, len(cells), *(_told(cells, name, reference is not None) for name in COLUMNS))
            for (owner, variant), cells in groups.items()
            if owner == backbone
        ]
        report.say(f"{backbone}:")
        report.table(("variant", "n", *COLUMNS.values()), table)
    if reference is None:
        return
    heads = ("backbone", "variant", "n", *(COLUMNS[name] for name in _OF_PICTURES))
    others = [(key, cells) for key, cells in groups.items() if key != reference]
    report.say(f"As multiples of {reference[0]}, {reference[1]}, over the pairs that both have:")
    report.table(heads, [(*key, *_multiples(cells, groups[reference])) for key, cells in others])
    report.say(f"As multiples of {reference[1]} of the same backbone, likewise:")
    owns = [(key, cells, groups.get((key[0], reference[1]))) for key, cells in others if key[1] != reference[1]]
    report.table(heads, [(*key, *_multiples(cells, own)) for key, cells, own in owns if own])


def _told(cells: Sequence[Row], name: str, intervals: bool) -> str:
    if name not in cells[0]:
        return "–"  # what no transfer made has no loss
    values, pairs = [cell[name] for cell in cells], [cell["pair"] for cell in cells]
    mean = mean_of(name)
    if name in ("loss", "s"):
        return f"{mean(np.array(values), np.ones(len(values))):.3g}"
    if not intervals:
        return f"{mean(np.array(values), np.ones(len(values))):.3f}"
    return _with_interval(pairs, lambda weights: mean(np.array(values), weights))


def _multiples(cells: Sequence[Row], reference: Sequence[Row]) -> list[object]:
    known = {row["pair"]: row for row in reference}
    both = [(cell, known[cell["pair"]]) for cell in cells if cell["pair"] in known]
    pairs = [cell["pair"] for cell, _ in both]
    found: list[object] = [len(both)]
    for name in _OF_PICTURES:
        mine, theirs = (np.array([each[side][name] for each in both]) for side in (0, 1))
        mean = mean_of(name)
        found.append(
            _with_interval(
                pairs,
                lambda weights, mine=mine, theirs=theirs, mean=mean: mean(mine, weights) / mean(theirs, weights),  # type: ignore[misc]
            )
        )
    return found


def mean_of(name: str) -> Callable[[np.ndarray, np.ndarray], float]:
    """The weighted mean that suits a measure: of ratios, where 2 and 1/2 are equally far from 1, the geometric one."""

    def arithmetic(values: np.ndarray, weights: np.ndarray) -> float:
        return float(values @ weights / weights.sum())

    def geometric(values: np.ndarray, weights: np.ndarray) -> float:
        return float(np.exp(arithmetic(np.log(values), weights)))

    return geometric if name == "noise" else arithmetic


def _with_interval(pairs: Sequence[tuple[str, str]], statistic: Callable[[np.ndarray], float]) -> str:
    value = statistic(np.ones(len(pairs)))
    if np.isnan(value):
        return "–"  # a flat picture has no energy to share out
    low, high = bootstrap(pairs, statistic)
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def bootstrap(
    pairs: Sequence[tuple[str, str]], statistic: Callable[[np.ndarray], float], seed: int = 0
) -> tuple[float, float]:
    """The interval that holds 95 % of a statistic when contents and styles are drawn anew, each with replacement.

    Cells that share a content or a style are alike: drawn one by one, they would pretend to be more than they are.

    Args:
        pairs: content and style of each cell.
        statistic: of the weight of each cell, (n,): how often it was drawn.
    """
    contents, styles = (sorted({pair[side] for pair in pairs}) for side in (0, 1))
    random = np.random.default_rng(seed)
    first, second = (
        random.multinomial(len(names), np.full(len(names), 1 / len(names)), _DRAWS) for names in (contents, styles)
    )
    counts = np.stack([first[:, contents.index(c)] * second[:, styles.index(s)] for c, s in pairs], axis=1).astype(
        float
    )
    drawn = [statistic(weights) for weights in counts if weights.any()]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)
