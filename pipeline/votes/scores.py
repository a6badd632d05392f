"""From votes on pairs to a score for each maker: the model of Bradley and Terry, and how sure its scores are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.special import expit, ndtri

from pipeline.votes.vote_files import Vote

#: Half a victory and half a defeat against somebody of score 0, for everyone: whoever always won would have no finite
#: score otherwise.
PRIOR = 0.5
#: Of an interval.
CONFIDENCE = 0.95
#: With fewer scenes their resampling tells nothing.
LEAST_SCENES = 5

_RESAMPLES = 2000
_ROUNDS = 400


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
    """The scores that are most likely, of all makers (Bradley and Terry 1952), by Hunter's (2004) iterations.

    Args:
        victories: (..., K, K), how often the first was preferred to the second; a tie is half a victory of either.

    Returns:
        (..., K), logarithms, where 0 is the opponent of `PRIOR`; their mean is made 0.
    """
    values = _likeliest(victories)
    values -= values.mean(axis=-1, keepdims=True)
    return values


def _likeliest(victories: NDArray[np.float64]) -> NDArray[np.float64]:
    games = victories + np.swapaxes(victories, -1, -2)
    won = victories.sum(axis=-1) + PRIOR
    strengths = np.ones(won.shape)
    for _ in range(_ROUNDS):
        met = games / (strengths[..., :, np.newaxis] + strengths[..., np.newaxis, :])
        strengths = won / (met.sum(axis=-1) + 2 * PRIOR / (strengths + 1.0))
    values: NDArray[np.float64] = np.log(strengths)
    return values


def standard_errors(victories: NDArray[np.float64]) -> NDArray[np.float64]:
    """How uncertain the fitted scores are by the curvature of their likelihood, as if votes were independent.

    Args:
        victories: (K, K), as `fit` takes them.

    Returns:
        (K,), of scores whose mean is made 0.
    """
    values = _likeliest(victories)
    ahead = expit(np.subtract.outer(values, values))
    of_pairs = (victories + victories.T) * ahead * ahead.T
    of_the_prior = 2 * PRIOR * expit(values) * expit(-values)
    information = np.diag(of_pairs.sum(axis=1) + of_the_prior) - of_pairs
    centering = np.eye(len(values)) - 1 / len(values)
    found: NDArray[np.float64] = np.sqrt(np.diag(centering @ np.linalg.inv(information) @ centering))
    return found


def scores(votes: Sequence[Vote], question: str, seed: int = 0) -> list[Score]:
    """Fit the votes on one question. Group after group of makers that were compared, the best of each comes first.

    Either end of an interval is the further one of two. One is of resampled scenes (percentiles of the bootstrap):
    votes on one pair of pictures are not independent of each other, whoever cast them. The other is of the likelihood's
    curvature: where all votes agree, resamples are all alike.
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
        low, high = _interval(met, values, seed) if len(met) >= LEAST_SCENES else (None, None)
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


def _interval(
    victories: NDArray[np.float64], values: NDArray[np.float64], seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    scenes = len(victories)
    random = np.random.default_rng(seed)
    counts = random.multinomial(scenes, np.full(scenes, 1 / scenes), size=_RESAMPLES)
    again = np.concatenate([fit(np.tensordot(some, victories, axes=1)) for some in np.array_split(counts, 20)])
    low, high = np.quantile(again, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    reach = ndtri((1 + CONFIDENCE) / 2) * standard_errors(victories.sum(axis=0))
    return np.minimum(low, values - reach), np.maximum(high, values + reach)
