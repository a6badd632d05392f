"""Scores from votes, against a general optimiser and against makers whose strengths are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from pipeline.votes.scores import LEAST_SCENES, PRIOR, fit, scores
from pipeline.votes.vote_files import Vote


def surprise(values, victories):
    """Minus the logarithm of the likelihood, the prior included."""
    gaps = values[:, None] - values[None, :]
    of_the_prior = PRIOR * (np.logaddexp(0, values) + np.logaddexp(0, -values)).sum()
    return (victories * np.logaddexp(0, -gaps)).sum() + of_the_prior


def likeliest(victories):
    """The same maximum, found by descent."""
    return minimize(surprise, np.zeros(len(victories)), victories, method="BFGS", options={"gtol": 1e-9}).x


@pytest.mark.parametrize("seed", range(5))
def test_a_fit_is_the_likeliest(seed):
    victories = np.random.default_rng(seed).integers(0, 9, (5, 5)).astype(float)
    np.fill_diagonal(victories, 0)
    found = likeliest(victories)
    assert fit(victories) == pytest.approx(found - found.mean(), abs=1e-4)


@pytest.mark.parametrize("links", [1, 5])
def test_groups_that_hang_together_by_few_votes_are_fitted_too(links):
    victories = np.zeros((4, 4))
    victories[0, 1] = victories[1, 0] = victories[2, 3] = victories[3, 2] = 500
    victories[0, 2] = links
    found = likeliest(victories)
    assert fit(victories) == pytest.approx(found - found.mean(), abs=1e-4)


def test_several_are_fitted_at_once():
    victories = np.random.default_rng(1).integers(0, 9, (3, 2, 4, 4)).astype(float)
    assert fit(victories)[2, 1] == pytest.approx(fit(victories[2, 1]))


def test_whoever_always_wins_has_a_finite_score():
    values = fit(np.array([[0.0, 7.0], [0.0, 0.0]]))
    assert np.isfinite(values).all()
    assert values[0] > 1 > -1 > values[1]


def cast(strengths, scenes, times, seed=0):
    random = np.random.default_rng(seed)
    names = list(strengths)
    votes = []
    for scene in range(scenes):
        for _ in range(times):
            left, right = random.permutation(len(names))[:2]
            wins = random.random() < 1 / (1 + np.exp(strengths[names[right]] - strengths[names[left]]))
            answers = {"hang": "left" if wins else "right"}
            votes.append(Vote("", ("", f"c{scene}", "s"), names[left], names[right], answers))
    return votes


def test_known_strengths_are_found_again_within_their_intervals():
    strengths = {"VGG19": 1.0, "VGG16": 0.2, "ResNet50": -0.4, "InceptionV3": -0.8}
    found = scores(cast(strengths, scenes=30, times=40), "hang")
    assert [one.name for one in found] == list(strengths)
    for one in found:
        assert one.low < strengths[one.name] < one.high
        assert one.low < one.value < one.high


def test_makers_without_a_difference_have_intervals_that_overlap():
    found = scores(cast({"a": 0.0, "b": 0.0}, scenes=20, times=10), "hang")
    assert found[0].low < 0 < found[0].high


def test_few_scenes_give_no_interval():
    votes = cast({"a": 1.0, "b": -1.0}, scenes=LEAST_SCENES - 1, times=50)
    assert all(one.low is None and one.high is None for one in scores(votes, "hang"))


def test_votes_are_counted():
    def vote(left, right, answer):
        return Vote("", ("", "c", "s"), left, right, {"style": answer})

    votes = [vote("a", "b", "left"), vote("b", "a", "left"), vote("b", "a", "same")]
    a, b = sorted(scores(votes, "style"), key=lambda one: one.name)
    assert (a.wins, a.losses, a.ties) == (b.wins, b.losses, b.ties) == (1, 1, 1)
    assert a.value == pytest.approx(b.value) == pytest.approx(0)
    assert scores(votes, "hang") == []


def agreeing(answer, scenes, times):
    votes = [Vote("", ("", f"c{scene}", "s"), "a", "b", {"hang": answer}) for scene in range(scenes)] * times
    return min(scores(votes, "hang"), key=lambda one: one.name)


@pytest.mark.parametrize("answer", ["left", "right", "same"])
def test_votes_that_all_agree_are_not_certain(answer):
    """Resamples of them are all alike."""
    few, more, crowded = agreeing(answer, LEAST_SCENES, 1), agreeing(answer, 30, 1), agreeing(answer, LEAST_SCENES, 40)
    for one in (few, more, crowded):
        assert one.low < one.value < one.high
        assert one.high - one.low > (0.1 if answer == "same" else 0.8)
    sign = {"left": 1, "right": -1, "same": 0}[answer]
    assert [np.sign(round(one.value, 6)) for one in (few, more, crowded)] == [sign] * 3
    nearer = {"left": "low", "right": "high"}.get(answer)
    if nearer:
        assert abs(getattr(more, nearer)) > abs(getattr(few, nearer)) > 0
        # However many people say so, it is of as many pairs of pictures.
        assert abs(crowded.high - crowded.low) > abs(more.high - more.low)


@pytest.mark.parametrize(("scenes", "times"), [(5, 3), (12, 3), (12, 30)])
def test_intervals_hold_known_strengths_as_often_as_they_say(scenes, times):
    strengths = {"a": 0.7, "b": 0.0, "c": -0.7}
    held = [
        one.low <= strengths[one.name] <= one.high
        for seed in range(40)
        for one in scores(cast(strengths, scenes, times, seed), "hang")
    ]
    assert 0.88 <= np.mean(held) <= 1


def test_makers_that_were_never_compared_are_scored_apart():
    def votes(left, right, scenes):
        return [Vote("", ("", f"c{scene}", "s"), left, right, {"hang": "left"}) for scene in range(scenes)]

    apart = scores(votes("a", "b", 3) + votes("c", "d", 30), "hang")
    assert [(one.name, one.group) for one in apart] == [("a", 1), ("b", 1), ("c", 2), ("d", 2)]
    assert [one.value for one in apart[2:]] == [one.value for one in scores(votes("c", "d", 30), "hang")]
    assert [one.low is None for one in apart] == [True, True, False, False]
    joined = scores(votes("a", "b", 3) + votes("c", "d", 30) + votes("b", "c", 1), "hang")
    assert {one.group for one in joined} == {1}
