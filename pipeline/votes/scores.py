"""From votes on pairs to a score for each maker: the model of Bradley and Terry, and how sure its scores are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.special import expit

from pipeline.votes.vote_files import Vote

#: Half a victory and half a defeat against somebody of score 0, for everyone: whoever always won would have no finite
#: score otherwise.
PRIOR = 0.5
#: Of an interval.
CONFIDENCE = 0.95
#: With fewer scenes their resampling tells nothing.
LEAST_SCENES = 5

_RESAMPLES = 2000
_STEPS = 100
_CLOSE = 1e-9


@dataclass(frozen=True)
class Score:
    """How a maker fares in one question.

    Attributes:
        name: the maker, a label of a series.
        wins, losses, ties: votes; a tie is "no difference".
        value: the natural logarithm of the odds against a maker of score 0, the average one: 0.7 is two to one.
        low, high: the interval of the value; None where there are too few scenes for one.
        group: from 1. Votes connect the makers of a group, if only through others; scores of two groups do not compare.
    """

    name: str
    wins: int
    losses: int
    ties: int
    value: float
    low: float | None
    high: float | None
    group: int


def fit(victories: NDArray[np.float64]) -> NDArray[np.float64]:
    """The scores that are most likely, of all makers (Bradley and Terry 1952), by Newton's steps.

    Args:
        victories: (..., K, K), how often the first was preferred to the second; a tie is half a victory of either.

    Returns:
        (..., K), logarithms, where 0 is the opponent of `PRIOR`; their mean is made 0.
    """
    games = victories + np.swapaxes(victories, -1, -2)
    won = victories.sum(axis=-1) + PRIOR
    values = np.zeros(won.shape)
    for _ in range(_STEPS):
        ahead = expit(values[..., :, np.newaxis] - values[..., np.newaxis, :])
        gradient = won - (games * ahead).sum(axis=-1) - 2 * PRIOR * expit(values)
        of_pairs = games * ahead * (1 - ahead)
        own = of_pairs.sum(axis=-1) + 2 * PRIOR * expit(values) * expit(-values)
        curvature = own[..., np.newaxis] * np.eye(won.shape[-1]) - of_pairs
        step = np.linalg.solve(curvature, gradient[..., np.newaxis])[..., 0]
        furthest = np.abs(step).max(axis=-1, keepdims=True)
        values += step / np.maximum(1.0, furthest)  # a longer one may lead to where the likelihood is flat
        if furthest.max() < _CLOSE:
            break
    values -= values.mean(axis=-1, keepdims=True)
    return values


def scores(votes: Sequence[Vote], question: str, seed: int = 0) -> list[Score]:
    """Fit the votes on one question. Group after group of makers that were compared, the best of each comes first.

    The interval is of the Bayesian bootstrap (Rubin 1981) over scenes, since votes on one pair of pictures are not
    independent of each other, whoever cast them. For every two makers that met it has half a scene besides in which
    one wins all, and half a scene in which the other does, as Jeffreys' interval of a proportion has them: scenes that
    all agree would look certain otherwise.
    """
    votes = [vote for vote in votes if question in vote.answers]
    names = sorted({name for vote in votes for name in (vote.left, vote.right)})
    if not names:
        return []
    scenes = sorted({vote.scene for vote in votes})
    victories = np.zeros((len(scenes), len(names), len(names)))
    ties = np.zeros(len(names), int)
    for vote in votes:
        left, right = names.index(vote.left), names.index(vote.right)
        of_the_scene = victories[scenes.index(vote.scene)]
        answer = vote.answers[question]
        of_the_scene[left, right] += {"left": 1.0, "same": 0.5, "right": 0.0}[answer]
        of_the_scene[right, left] += {"left": 0.0, "same": 0.5, "right": 1.0}[answer]
        ties[[left, right]] += answer == "same"
    total = victories.sum(axis=0)
    groups, group_of = connected_components(total + total.T, directed=False)
    found = []
    for group in range(groups):
        places = np.flatnonzero(group_of == group)
        of_the_group = victories[:, places[:, np.newaxis], places]
        met = of_the_group[of_the_group.any(axis=(1, 2))]
        values = fit(met.sum(axis=0))
        low, high = _interval(met, seed) if len(met) >= LEAST_SCENES else (None, None)
        found += sorted(
            (
                Score(
                    name=names[place],
                    wins=round(total[place].sum() - ties[place] / 2),
                    losses=round(total[:, place].sum() - ties[place] / 2),
                    ties=int(ties[place]),
                    value=float(values[number]),
                    low=None if low is None else float(low[number]),
                    high=None if high is None else float(high[number]),
                    group=group + 1,
                )
                for number, place in enumerate(places)
            ),
            key=lambda score: -score.value,
        )
    return found


def _interval(victories: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Both ends, (2, K), from (scenes, K, K)."""
    random = np.random.default_rng(seed)
    games = victories + np.swapaxes(victories, -1, -2)
    of_a_scene = games.sum(axis=0) / np.maximum((games > 0).sum(axis=0), 1)
    weights = random.exponential(size=(_RESAMPLES, len(victories)))
    resampled = np.tensordot(weights, victories, axes=1)
    resampled += random.gamma(0.5, size=(_RESAMPLES, *of_a_scene.shape)) * of_a_scene
    ends: NDArray[np.float64] = np.quantile(fit(resampled), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    return ends
