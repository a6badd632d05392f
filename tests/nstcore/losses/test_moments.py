"""Mean and variance, and the Wasserstein-2 distance, against NumPy and SciPy in float64."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from nstcore.losses.mean_variance import MeanVariance
from nstcore.losses.wasserstein import Wasserstein

MEAN_VARIANCE, WASSERSTEIN = MeanVariance(), Wasserstein()


def mean_variance(features, style, weights=None):
    found = []
    for each in (features, style):
        mean = np.average(each, axis=0, weights=weights)
        found.append((mean, np.sqrt(np.average((each - mean) ** 2, axis=0, weights=weights))))
    (mean, deviation), (of_style, deviation_of_style) = found
    return ((mean - of_style) ** 2 + (deviation - deviation_of_style) ** 2).sum() / features.shape[1]


def wasserstein(features, style, weights=None, noise=1e-4):
    """The formula to the letter, with noise in both covariances, a share of the style's total variance."""
    means = [np.average(each, axis=0, weights=weights) for each in (features, style)]
    own, other = (np.cov(each.T, bias=True, aweights=weights) for each in (features, style))
    own, other = (each + noise * np.trace(other) * np.eye(len(other)) for each in (own, other))
    root = scipy.linalg.sqrtm(other)
    common = np.real(scipy.linalg.sqrtm(root @ own @ root))
    return np.sum((means[0] - means[1]) ** 2) + np.trace(own + other - 2 * common)


FORMULAS = pytest.mark.parametrize(("loss", "formula"), [(MEAN_VARIANCE, mean_variance), (WASSERSTEIN, wasserstein)])


def features(seed, positions, channels, batch=2):
    """Positive like those after a ReLU, channels correlated and of different size."""
    random = np.random.default_rng(seed)
    mixed = random.normal(size=(batch, positions, channels)) @ random.normal(size=(channels, channels))
    return np.maximum(mixed, 0.0).astype(np.float32) * np.geomspace(0.1, 10.0, channels, dtype=np.float32)


@FORMULAS
@pytest.mark.parametrize("positions", [(30, 30), (30, 17), (5, 8)])
def test_values_are_the_formulas(loss, formula, positions, compared, to_numpy):
    """For pictures of one size and of two, and of fewer positions than channels."""
    mine, style = features(0, positions[0], 9), features(1, positions[1], 9)
    found = to_numpy(loss.value(mine, compared(loss, style, like=mine)))
    expected = [formula(one, other) for one, other in zip(mine.astype(float), style.astype(float), strict=True)]
    assert found == pytest.approx(expected, rel=1e-4)


@FORMULAS
def test_gradients_are_what_central_differences_of_the_formula_measure(
    loss, formula, compared, gradient_of, central_differences
):
    mine, style = features(2, 12, 5), features(3, 14, 5)
    found = gradient_of(loss, mine, compared(loss, style))
    for row, style_row in enumerate(style.astype(float)):
        expected = central_differences(lambda x, style=style_row: formula(x, style), mine[row].astype(float))
        assert np.linalg.norm(found[row] - expected) < 1e-3 * np.linalg.norm(expected)


@FORMULAS
def test_a_guide_weighs_positions_by_its_square(loss, formula, compared, gradient_of, to_numpy):
    mine, style = features(4, 20, 5), features(5, 20, 5)
    guide = np.random.default_rng(0).uniform(0.1, 1.5, (2, 20)).astype(np.float32)
    target = compared(loss, style, guide)
    found = to_numpy(loss.value(mine, target, guide))
    rows = zip(mine.astype(float), style.astype(float), guide.astype(float) ** 2, strict=True)
    assert found == pytest.approx([formula(*row) for row in rows], rel=1e-4)
    # A region that a layer is too coarse for.
    assert to_numpy(loss.value(mine, compared(loss, style, 0 * guide), 0 * guide)) == pytest.approx([0, 0], abs=1e-6)
    assert np.isfinite(gradient_of(loss, mine, target, 0 * guide)).all()


@pytest.mark.parametrize("loss", [MEAN_VARIANCE, WASSERSTEIN])
@pytest.mark.parametrize("constant", [0.0, 0.3, 1e4])
def test_channels_that_do_not_vary_have_a_finite_gradient(loss, constant, compared, gradient_of, to_numpy):
    """Of the picture and of the style: dead channels are common after a ReLU."""
    for flat in (slice(None), slice(1, 3)):
        mine, style = features(6, 40, 6), features(7, 40, 6)
        mine[..., flat] = constant
        target = compared(loss, style)
        assert np.isfinite(to_numpy(loss.value(mine, target))).all()
        assert np.isfinite(gradient_of(loss, mine, target)).all()
        style[..., flat] = constant
        for one in (mine, features(6, 40, 6)):
            target = compared(loss, style)
            assert np.isfinite(to_numpy(loss.value(one, target))).all()
            assert np.isfinite(gradient_of(loss, one, target)).all()


def test_a_constant_channel_has_no_deviation(to_numpy):
    mine = np.full((1, 1000, 2), 0.1, np.float32)  # whose mean in float32 is not 0.1 to the last bit
    assert to_numpy(MEAN_VARIANCE.target(mine)["deviation"]).tolist() == [[0.0, 0.0]]


def test_one_dimension_of_wasserstein_is_the_distance_of_means_and_deviations(compared, to_numpy):
    """Of two normal distributions of numbers it is (μ − μ')² + (σ − σ')²; noise adds to both variances."""
    mine, style = features(8, 50, 1), features(9, 60, 1)
    found = to_numpy(WASSERSTEIN.value(mine, compared(WASSERSTEIN, style)))
    expected = [mean_variance(one, other) for one, other in zip(mine.astype(float), style.astype(float), strict=True)]
    assert found == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("channels", [64, 256])
def test_wasserstein_of_covariances_that_are_hard_for_float32(channels, compared, to_numpy):
    """Variances from 1 to 1e-9 and less before the noise, and none in half of the directions."""
    random = np.random.default_rng(0)
    sizes = np.arange(1.0, channels + 1) ** -2.5
    turns = [scipy.linalg.qr(random.normal(size=(channels, channels)))[0] for _ in "ab"]
    drawn = [random.normal(size=(1, channels // 2, channels)) * sizes @ turn for turn in turns]
    mine, style = (100 * one.astype(np.float32) for one in drawn)
    target = compared(WASSERSTEIN, style)
    assert to_numpy(WASSERSTEIN.value(mine, target)) == pytest.approx(
        [wasserstein(mine[0].astype(float), style[0].astype(float))], rel=1e-4
    )
    # And next to the style itself.
    near = style + 1e-3 * (mine - style)
    expected = wasserstein(near[0].astype(float), style[0].astype(float))
    rounding = 5e-7 * np.cov(style[0].T.astype(float)).trace()
    assert to_numpy(WASSERSTEIN.value(near, target)) == pytest.approx([expected], abs=rounding)


def test_a_picture_with_much_more_variance_than_its_style(compared, gradient_of, to_numpy):
    """The noise of such a picture grows with it, so that its Cholesky factor exists."""
    mine = features(10, 30, 40)
    for share in (1e-3, 1e-6, 0.0):
        style = (share * features(11, 30, 40)).astype(np.float32)
        target = compared(WASSERSTEIN, style)
        seen = {name: to_numpy(array)[0] for name, array in WASSERSTEIN.target(mine).items()}
        kept = {name: to_numpy(array)[0] for name, array in WASSERSTEIN.target(style).items()}
        assert to_numpy(WASSERSTEIN.value(mine, target))[0] == pytest.approx(WASSERSTEIN.between(seen, kept), rel=1e-3)
        assert np.isfinite(gradient_of(WASSERSTEIN, mine, target)).all()
