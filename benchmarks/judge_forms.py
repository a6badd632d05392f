"""Does each judge tell styles apart, whatever its form? Crops of one picture against crops of others.

From every picture come four crops, one from each corner. The distance of two crops is what the judge sees between their
styles: of Gram matrices that of `pipeline.measures.comparison`; of slices the squared sliced Wasserstein distance over
what the two would have if they had nothing in common; of patches the share that the other crop does not cover, mean of
both ways. AUC is the chance that two crops of one picture are nearer than two by different artists. A texture that is
drawn twice, with different random numbers, is two works by one artist: "same artist" is the AUC of such pairs, and
"1-NN" the share of crops whose nearest crop is by the same artist.

    python -m benchmarks.judge_forms PICTURE …
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.common.problem import require_pictures
from benchmarks.common.report import Report, add_results_option
from benchmarks.judge_layers import crops_of
from nstcore.system.quiet import quiet_tensorflow
from pipeline.measures import comparison
from pipeline.measures.distributions import coverage, sliced_distance
from pipeline.measures.judges import JUDGES, JudgeFeatures, features_of
from pipeline.samples.styles.textures import TEXTURES

_SIZE, _CROP = 320, 128
_OTHER_SEED = 77
_Distance = Callable[[JudgeFeatures, JudgeFeatures], float]


def main() -> None:
    parser = argparse.ArgumentParser(description="Validate the judges of every form.")
    parser.add_argument("pictures", nargs="+")
    add_results_option(parser)
    options = parser.parse_args()
    require_pictures(parser, *options.pictures)
    quiet_tensorflow()
    crops, owners = crops_of(options.pictures, _SIZE, _CROP)
    artists = [f"picture {owner}" for owner in owners]
    for name, draw in TEXTURES.items():
        for picture in (draw(), draw(_OTHER_SEED)):  # type: ignore[call-arg]
            own, _ = crops_of([picture], _SIZE, _CROP)
            crops, owners = [*crops, *own], np.append(owners, [owners.max() + 1] * len(own))
            artists += [name] * len(own)
    report = Report("judge_forms", "Judges of every form: do they tell styles apart?", options.results)
    pictures = len(set(owners.tolist()))
    report.say(f"{pictures} pictures, {len(crops)} crops of {_CROP} px. {(__doc__ or '').split(chr(10) * 2)[1]}")
    rows = []
    for title, judge, distance in _forms():
        seen = [features_of(JUDGES[judge], crop) for crop in crops]
        rows.append((title, *_scores(_matrix(seen, distance), owners, np.array(artists))))
    report.table(("judge", "within", "between", "AUC", "1-NN", "same artist"), rows)
    report.write()


def _forms() -> list[tuple[str, str, _Distance]]:
    forms: list[tuple[str, str, _Distance]] = []
    for judge in JUDGES.values():
        if judge.by_grams:
            forms.append((f"{judge.title}, Gram matrices", judge.name, _by_grams))
        if judge.by_slices:
            forms.append((f"{judge.title}, sliced Wasserstein", judge.name, _by_slices))
        if judge.patch_layer:
            forms.append((f"{judge.title}, patches covered", judge.name, _uncovered))
    return forms


def _by_grams(one: JudgeFeatures, other: JudgeFeatures) -> float:
    return comparison.style_distance(one.grams, other.grams)


def _by_slices(one: JudgeFeatures, other: JudgeFeatures) -> float:
    shares = []
    for a, b in zip(one.slices, other.slices, strict=True):
        energy = float(np.mean(np.square(a, dtype=np.float64)) + np.mean(np.square(b, dtype=np.float64)))
        shares.append(sliced_distance(a, b) / energy if energy else 0.0)
    return float(np.mean(shares))


def _uncovered(one: JudgeFeatures, other: JudgeFeatures) -> float:
    if one.patches is None or other.patches is None:
        return 0.0
    return 1.0 - (coverage(one.patches, other.patches) + coverage(other.patches, one.patches)) / 2


def _matrix(seen: list[JudgeFeatures], distance: _Distance) -> NDArray[np.float64]:
    found = np.zeros((len(seen), len(seen)))
    for a, b in zip(*np.triu_indices(len(seen), 1), strict=True):
        found[a, b] = found[b, a] = distance(seen[a], seen[b])
    return found


def _scores(distances: NDArray[np.float64], owners: NDArray, artists: NDArray) -> tuple[str, ...]:
    pairs = np.triu_indices(len(owners), 1)
    same, by_one = owners[:, None] == owners[None], artists[:, None] == artists[None]
    within, between = distances[pairs][same[pairs]], distances[pairs][~by_one[pairs]]
    one_artist = distances[pairs][by_one[pairs] & ~same[pairs]]
    nearest = (distances + np.diag(np.full(len(owners), np.inf))).argmin(axis=1)
    numbers = (within.mean(), between.mean(), auc(within, between))
    return (
        *(f"{number:.3f}" for number in numbers),
        f"{np.mean(artists[nearest] == artists):.2f}",
        f"{auc(one_artist, between):.3f}",
    )


def auc(near: NDArray[np.float64], far: NDArray[np.float64]) -> float:
    """The chance that a number of the first is smaller than one of the second; ties count half."""
    return float(np.mean(near[:, None] < far[None]) + np.mean(near[:, None] == far[None]) / 2)


if __name__ == "__main__":
    main()
