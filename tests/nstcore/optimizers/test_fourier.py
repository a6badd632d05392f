"""Pictures as weighted frequencies, against SciPy's cosine transform."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.fft

from nstcore import ConfigError, TransferConfig, build_objective, style_transfer
from nstcore.backend import on_device
from nstcore.optimizers import OPTIMIZERS, make_optimizer, optimizer_settings
from nstcore.optimizers.evaluation import evaluation
from nstcore.optimizers.fourier import Fourier, frequency_scale
from nstcore.optimizers.pixel_range import WithinRange
from nstcore.optimizers.settings import Parametrization
from nstcore.run import Run
from nstcore.stopping import Stopping

SHAPE = (2, 6, 9, 3)
SMALL = TransferConfig(
    backbone="vgg16", size=64, iterations=6, weights="random", parametrization="fourier", coarse_sizes=()
)


def synthesized(z: np.ndarray, exponent: float) -> np.ndarray:
    scale = frequency_scale(*SHAPE[1:3], exponent)[..., np.newaxis]
    return np.asarray(scipy.fft.idctn(scale * z, axes=(1, 2), norm="ortho"))


def test_the_scale_is_a_power_of_the_frequency_with_mean_one():
    scale = frequency_scale(4, 8, 1.0)
    assert scale.mean() == pytest.approx(1.0)
    # Cycles per pixel of column j are j / 16, of row i i / 8; none is less than one period per picture, 1 / 8.
    assert scale / scale[0, 4] == pytest.approx(
        0.25 / np.maximum(np.hypot(np.arange(4)[:, np.newaxis] / 8, np.arange(8) / 16), 1 / 8)
    )
    assert (frequency_scale(4, 8, 0.0) == 1).all()


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_pictures_are_the_inverse_cosine_transform(valley, to_numpy, exponent):
    random = np.random.default_rng(0)
    problem = Fourier(valley(np.ones(SHAPE), 0.0), exponent, decorrelated=False)
    z = random.normal(scale=50, size=SHAPE).astype(np.float32)
    assert to_numpy(problem.pictures(on_device(z))) == pytest.approx(synthesized(z, exponent), abs=1e-3)


@pytest.mark.parametrize("decorrelated", [False, True])
def test_what_stands_for_a_picture_gives_it_back(valley, to_numpy, decorrelated):
    pictures = np.random.default_rng(0).uniform(0, 255, SHAPE).astype(np.float32)
    problem = Fourier(WithinRange(valley(np.ones(SHAPE), 0.0)), 0.5, decorrelated=decorrelated)
    assert to_numpy(problem.pictures(on_device(problem.at(pictures)))) == pytest.approx(pictures, abs=2e-2)


@pytest.mark.parametrize("decorrelated", [False, True])
def test_the_gradient_is_that_of_the_composition_and_its_pixels_are_found(valley, to_numpy, decorrelated):
    """By central differences along random directions; what the range is calibrated with is the gradient by pixels."""
    random = np.random.default_rng(1)
    slopes = random.uniform(0.5, 2, SHAPE)
    inner = valley(slopes, 100.0)
    problem = Fourier(inner, 0.5, decorrelated=decorrelated)
    z = problem.at(random.uniform(0, 255, SHAPE).astype(np.float32))

    def value(at):
        return to_numpy(evaluation(problem.function)(at.astype(np.float32), problem.arguments)[1])[:, 0].astype(float)

    gradient = to_numpy(evaluation(problem.function)(z, problem.arguments)[0])
    for _ in range(3):
        way = random.normal(size=SHAPE)
        by_hand = (value(z + 0.5 * way) - value(z - 0.5 * way)).sum()
        assert float((gradient * way).sum()) == pytest.approx(by_hand, rel=2e-2, abs=30.0)
    seen = {}
    inner.calibrate = lambda slopes, gradient: seen.update(slopes=slopes, gradient=to_numpy(gradient))
    problem.calibrate(np.zeros(2), on_device(gradient))
    expected = 2 * slopes * (to_numpy(problem.pictures(on_device(z))) - 100.0)
    assert seen["gradient"] == pytest.approx(expected, rel=1e-3, abs=0.1)
    assert seen["slopes"] == pytest.approx(np.abs(expected).mean(axis=(1, 2, 3)), rel=1e-3)


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_every_optimizer_goes_down_within_the_range(valley, optimizer):
    start = np.random.default_rng(0).uniform(60, 200, SHAPE).astype(np.float32)
    problem, totals = valley(np.ones(SHAPE), 300.0), []
    rates = {} if "lbfgs" in optimizer else {"learning_rate": 60.0 if optimizer in ("adam", "rmsprop") else 0.02}
    run = Run(
        problem,
        make_optimizer(optimizer, optimizer_settings(optimizer, rates)),
        Stopping(40),
        lambda row, _, terms: totals.append((row, terms["total"])),
        Parametrization(bounded=True, fourier_exponent=0.5),
    )
    run.start(start)
    pictures = run.finish()
    assert pictures.max() <= 255
    assert pictures.min() >= 0
    # At best every value is at the bound, 45 levels from the bottom.
    best = 45.0**2 * np.prod(SHAPE[1:])
    for row in range(2):
        mine = [total for each, total in totals if each == row]
        assert min(mine) < (1.01 if "lbfgs" in optimizer else 2.0) * best < mine[0]


def test_a_state_of_other_frequencies_is_not_taken_up(valley):
    """The same numbers would be another picture."""

    def run(parametrization):
        made = make_optimizer("adam", optimizer_settings("adam", {}))
        return Run(valley(np.ones(SHAPE), 100.0), made, Stopping(2), lambda *_: None, parametrization)

    first = run(Parametrization(fourier_exponent=0.5))
    first.start(np.full(SHAPE, 90.0, np.float32))
    state = first.state_dict()
    run(Parametrization(fourier_exponent=0.5)).load_state(state)
    for other in (
        Parametrization(fourier_exponent=1.0),
        Parametrization(fourier_exponent=0.5, decorrelated=True),
        Parametrization(),
    ):
        with pytest.raises(ConfigError, match="the state of an optimizer must be of"):
            run(other).load_state(state)


def test_a_transfer_starts_at_the_same_loss_and_ends_elsewhere(content_picture, style_picture):
    pixels = style_transfer(content_picture, style_picture, dataclasses.replace(SMALL, parametrization="pixels"))
    fourier = style_transfer(content_picture, style_picture, SMALL)
    assert fourier.trace[0].total == pytest.approx(pixels.trace[0].total, rel=1e-4)
    assert fourier.trace[-1].total < fourier.trace[0].total
    assert (fourier.image != pixels.image).any()


def test_the_flat_objective_speaks_of_frequencies(content_picture, style_picture):
    objective = build_objective(content_picture, style_picture, SMALL)
    pixels = build_objective(content_picture, style_picture, dataclasses.replace(SMALL, parametrization="pixels"))
    assert (objective.to_image(objective.x0) == pixels.to_image(pixels.x0)).all()
    assert objective(objective.x0)[0] == pytest.approx(pixels(pixels.x0)[0], rel=1e-4)
    assert abs(objective.x0).max() > 1000  # the mean, over all positions


def test_settings_of_frequencies_ask_for_frequencies():
    for settings in ({"fourier_exponent": 1.0}, {"fourier_colors": "decorrelated"}):
        with pytest.raises(ConfigError, match='settings of parametrization="fourier"'):
            TransferConfig(**settings)
        TransferConfig(parametrization="fourier", **settings)
