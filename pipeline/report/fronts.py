"""What weights trade: the style that is left against the content that is lost, a curve per backbone and loss.

One sum of both would hide the trade: a setting is better than another if its curve is below, at whatever weight.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from nstcore import TransferConfig
from pipeline.grid.series import Series


@dataclass(frozen=True)
class WeighedCell:
    """A cell as the fronts see it.

    Attributes:
        pair: the names of its content and its style picture.
        config: its settings.
        measures: by the names in `pipeline.measures.names`, as far as known.
    """

    pair: tuple[str, str]
    series: Series
    config: TransferConfig
    measures: Mapping[str, float]


@dataclass(frozen=True)
class Point:
    """The mean of some pairs at one choice of weights.

    Attributes:
        weights: how the study calls them, such as "40".
        content: lost, as a judge sees it.
        style: left.
    """

    weights: str
    content: float
    style: float


@dataclass(frozen=True)
class Front:
    """What one backbone reaches with one set of settings, at several weights.

    Attributes:
        series: the backbone, and what varies besides the weights.
        varied: the axes of the weights, for people.
        points: from the least style for the content to the most.
        pairs: how many pairs of pictures each point is the mean of: those that all of its points have.
    """

    series: Series
    varied: str
    points: tuple[Point, ...]
    pairs: int

    @property
    def best(self) -> tuple[Point, ...]:
        """The points that no other of them beats, from the least content lost on."""
        return tuple(sorted(not_dominated(self.points), key=lambda point: point.content))


def weights_vary(configs: Iterable[TransferConfig]) -> bool:
    """Whether any settings differ in the weights of content and style alone, so that there is a front."""
    weights: dict[TransferConfig, float] = {}
    return any(weights.setdefault(_apart(config), _ratio(config)) != _ratio(config) for config in configs)


def fronts(cells: Iterable[WeighedCell], judge: str) -> list[Front]:
    """The fronts that some cells make, as a judge sees them; in the order of the cells.

    Cells whose measures are not known are left out, and so is what has no two choices of weights.

    Args:
        judge: the name of a network, as the measures have it: "vgg19".
    """
    names = f"content_{judge}", f"style_{judge}"
    groups: dict[TransferConfig, list[WeighedCell]] = {}
    for cell in cells:
        if all(math.isfinite(cell.measures.get(name, math.nan)) for name in names):
            groups.setdefault(_apart(cell.config), []).append(cell)
    found = [_front(members, names) for members in groups.values()]
    return [front for front in found if len(front.points) > 1 and front.pairs]


def not_dominated(points: Sequence[Point]) -> list[Point]:
    """Those with no other that has less of both, or less of one and as much of the other."""
    return [
        one
        for one in points
        if not any(
            other.content <= one.content
            and other.style <= one.style
            and (other.content, other.style) != (one.content, one.style)
            for other in points
        )
    ]


def _apart(config: TransferConfig) -> TransferConfig:
    """The settings apart from the two weights."""
    return replace(config, content_weight=1.0, style_weight=1.0)


def _ratio(config: TransferConfig) -> float:
    return config.style_weight / config.content_weight if config.content_weight else math.inf


def _front(members: Sequence[WeighedCell], names: tuple[str, str]) -> Front:
    by_ratio: dict[float, list[WeighedCell]] = {}
    for cell in members:
        by_ratio.setdefault(_ratio(cell.config), []).append(cell)
    # A point over other pairs would be another picture's, not another weight's.
    common = set.intersection(*({cell.pair for cell in each} for each in by_ratio.values()))
    varying = [
        number
        for number, axis in enumerate(members[0].series.variant)
        if any(cell.series.variant[number] != axis for cell in members)
    ]
    points = []
    for ratio in sorted(by_ratio):
        shown = [cell for cell in by_ratio[ratio] if cell.pair in common]
        if shown:
            means = [math.fsum(cell.measures[name] for cell in shown) / len(shown) for name in names]
            labels = ", ".join(shown[0].series.variant[number][1] for number in varying)
            points.append(Point(labels, *means))
    variant = members[0].series.variant
    kept = tuple(axis for number, axis in enumerate(variant) if number not in varying)
    varied = ", ".join(variant[number][0] for number in varying)
    return Front(Series(members[0].series.backbone, kept), varied, tuple(points), len(common))
