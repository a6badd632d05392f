"""What can be said of a number that was measured on several pairs of pictures.

A grid of contents × styles is no sample of independent pairs: pairs share pictures. So intervals resample contents and
styles, not pairs. The paired test takes pairs for independent, which is too kind; that is why a claim needs both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

#: Draws of a bootstrap, its seed, and the share of them within an interval.
DRAWS, SEED, LEVEL = 2000, 0, 0.95
#: A p-value below this, after Holm's correction over the claims of a paper, counts.
SIGNIFICANT = 0.05

#: A content and a style.
Pair = tuple[str, str]


def as_table(values: Mapping[Pair, float]) -> NDArray[np.float64]:
    """Numbers of pairs by content (rows) and style (columns); NaN where a pair has none."""
    contents, styles = (list(dict.fromkeys(pair[side] for pair in values)) for side in (0, 1))
    table = np.full((len(contents), len(styles)), np.nan)
    for (content, style), value in values.items():
        table[contents.index(content), styles.index(style)] = value
    return table


def median_interval(values: Mapping[Pair, float]) -> tuple[float, float]:
    """A bootstrap interval of the median over pairs: contents and styles are drawn with replacement, each for itself.

    Percentiles of `DRAWS` medians (Efron 1979; for two crossed factors Owen 2007). NaN twice for fewer than two pairs.
    """
    table = as_table(values)
    if np.isfinite(table).sum() < 2:
        return float("nan"), float("nan")
    random = np.random.default_rng(SEED)
    medians = []
    for _ in range(DRAWS):
        rows, columns = (random.integers(0, side, side) for side in table.shape)
        drawn = table[np.ix_(rows, columns)]
        drawn = drawn[~np.isnan(drawn)]
        if drawn.size:
            medians.append(np.median(drawn))
    low, high = np.quantile(medians, ((1 - LEVEL) / 2, (1 + LEVEL) / 2), method="nearest")
    return float(low), float(high)


def signed_rank(values: Sequence[float], null: float = 0.0) -> float:
    """The two-sided p-value of Wilcoxon's signed rank test that numbers lie around `null`; 1 if they all are it."""
    from scipy.stats import wilcoxon  # takes as long to import as all of this package

    differences = np.asarray(values, dtype=np.float64) - null
    if not np.any(differences):
        return 1.0
    return float(wilcoxon(differences, zero_method="pratt").pvalue)


def rank_biserial(values: Sequence[float], null: float = 0.0) -> float:
    """Matched-pairs rank biserial correlation, -1 to 1 (Kerby 2014): ranks above `null` less those below, of all.

    Numbers that are `null` itself are left out; 0 if all are.
    """
    from scipy.stats import rankdata

    differences = np.asarray(values, dtype=np.float64) - null
    differences = differences[differences != 0]
    if not differences.size:
        return 0.0
    ranks = rankdata(np.abs(differences))
    return float((ranks * np.sign(differences)).sum() / ranks.sum())


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """p-values corrected for being several (Holm 1979), in their order; None is no test, and counts for none."""
    tested = sorted((value, place) for place, value in enumerate(p_values) if value is not None)
    corrected: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (value, place) in enumerate(tested):
        highest = max(highest, min(1.0, (len(tested) - rank) * value))
        corrected[place] = highest
    return corrected


def rank_correlation(ones: Sequence[float], others: Sequence[float]) -> float:
    """Spearman's rank correlation, -1 to 1; 0 where one of the two does not vary."""
    from scipy.stats import rankdata

    first, second = (rankdata(values) - (len(values) + 1) / 2 for values in (ones, others))
    scale = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / scale if scale else 0.0
