"""The loss as optimisers see it when values must stay within 0..255."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.optimize

from nstcore import TransferConfig, build_objective, style_transfer
from nstcore.pixel_range import WithinRange

CONFIG = TransferConfig(backbone="vgg16", size=64, iterations=40, weights="random", style_weight=1e4)


class Parabola:
    """½ Σ (x - a)², an objective whose minimum within the range is known: clip(a)."""

    def __init__(self, a: np.ndarray) -> None:
        self.a = a
        self.last_components: dict[str, float] = {}

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        assert x.min() >= 0
        assert x.max() <= 255
        self.last_components = self.components(x)
        return self.last_components["total"], x - self.a

    def components(self, x: np.ndarray) -> dict[str, float]:
        return {"total": 0.5 * float(np.sum(np.square(x - self.a)))}


def test_inside_the_range_it_is_the_loss_itself():
    objective = Parabola(np.array([-50.0, 100.0, 300.0]))
    value, gradient = WithinRange(objective)(np.array([0.0, 128.0, 255.0]))
    assert value == objective(np.array([0.0, 128.0, 255.0]))[0]
    assert gradient == pytest.approx([50.0, 28.0, -45.0])


def test_outside_the_gradient_is_the_derivative_of_the_value():
    function = WithinRange(Parabola(np.array([-50.0, 100.0, 300.0, 20.0])))
    function(np.full(4, 128.0))  # sets the spring
    z = np.array([-7.0, 90.0, 270.0, 256.5])
    for i, slope in enumerate(function(z)[1]):
        step = np.eye(4)[i] * 1e-3
        assert slope == pytest.approx((function(z + step)[0] - function(z - step)[0]) / 2e-3, rel=1e-6)


def test_a_quasi_newton_method_ends_at_the_bounds():
    wanted = np.array([-50.0, 100.0, 300.0, 0.0, 255.0, 7.0])
    z, *_ = scipy.optimize.fmin_l_bfgs_b(WithinRange(Parabola(wanted)), np.full(6, 128.0))
    assert np.clip(z, 0, 255) == pytest.approx(np.clip(wanted, 0, 255), abs=0.5)


@pytest.mark.parametrize("pixel_range", ["bounded", "free"])
def test_the_trace_speaks_of_the_picture_that_is_written(content_picture, style_picture, pixel_range):
    content_picture = np.where(content_picture < 100, 0, 255).astype(np.uint8)  # its values stand at the bounds
    config = dataclasses.replace(CONFIG, pixel_range=pixel_range)
    result = style_transfer(content_picture, style_picture, config)
    written = build_objective(content_picture, style_picture, config).components(
        result.image.astype(np.float64).ravel()
    )
    lost = written["total"] / result.trace[-1].total - 1
    # Rounding to whole grey levels costs little; values cut off cost a lot.
    assert abs(lost) < 0.005 if pixel_range == "bounded" else lost > 0.01
