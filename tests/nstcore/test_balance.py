"""What "balanced" divides by: ordinary pictures have references of their own, a flat one borrows from its style."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from nstcore import TransferConfig, style_transfer
from nstcore.problem import build_problem
from nstcore.recipe import resolve
from nstcore.scene import Scene, Style
from nstcore.targets import compute_targets, structures

CONFIG = TransferConfig("vgg16", weights="random", size=64)
(LAYER,) = CONFIG.resolved().content_layers


def flat(*color: int) -> np.ndarray:
    return np.full((64, 64, 3), color, np.uint8)


def gradient(first: int, last: int) -> np.ndarray:
    row = np.linspace(first, last, 64).round().astype(np.uint8)
    return np.tile(row[None, :, None], (64, 1, 3))


def structure(picture: np.ndarray) -> float:
    loss = dict(resolve(CONFIG).losses)["content"]
    return structures(picture, loss, resolve(CONFIG))[LAYER]


@pytest.fixture(scope="module")
def reference(style_picture, to_numpy):
    """Picture -> the reference of its content layer in this style, and ½ Σ (P - mean P)² there."""

    def of(picture: np.ndarray, style: np.ndarray = style_picture) -> tuple[float, float]:
        kept = compute_targets(picture, "content", resolve(CONFIG)).kept["content", LAYER]["features"]
        problem = build_problem([Scene(picture, (Style(style),))], CONFIG)
        coefficient = float(to_numpy(problem.arguments[0]["coefficients"]["content"]).item())
        return 1 / coefficient, 0.5 * np.square(kept - kept.mean(axis=0), dtype=np.float64).sum()

    return of


def test_an_ordinary_picture_keeps_its_own_reference(reference, blotches):
    pictures = [blotches(seed, 64, 64) for seed in range(3)]
    for picture in [*pictures, (128 + 0.3 * (pictures[0] - 128.0)).astype(np.uint8), gradient(0, 255)]:
        found, own = reference(picture)
        assert found == pytest.approx(own, rel=1e-5)


@pytest.mark.parametrize("color", [(124, 117, 104), (128, 128, 128), (0, 0, 0), (1, 2, 3)])
def test_a_flat_picture_has_a_share_of_its_styles_structure(reference, style_picture, color):
    found, own = reference(flat(*color))
    assert found == pytest.approx(max(own, 0.2 * structure(style_picture) * 64), rel=1e-5)  # 8 x 8 positions
    assert found > own or color in ((0, 0, 0), (1, 2, 3))  # whose frame of padding is enough


def test_there_is_no_step_between_flat_and_ordinary(reference, blotches):
    """A picture whose contrast fades."""
    picture = blotches(0, 64, 64).astype(float) - 128.0
    shares = np.linspace(0.0, 0.1, 51)
    found = np.array([reference((128 + share * picture).round().astype(np.uint8))[0] for share in shares])
    steps = np.abs(np.diff(found)) / found.max()
    assert steps.max() < 0.15


def test_two_flat_pictures_divide_by_something(reference):
    assert 0 < reference(flat(0, 0, 0), flat(9, 9, 9))[0] < np.inf


def test_structure_is_the_distance_from_a_picture_of_the_mean_color(content_picture):
    mean = np.broadcast_to(content_picture.mean(axis=(0, 1)).round(), content_picture.shape).astype(np.uint8)
    config = dataclasses.replace(CONFIG, size=64)
    of_picture, of_flat = (
        compute_targets(one, "content", resolve(config)).kept["content", LAYER]["features"].astype(float)
        for one in (content_picture, mean)
    )
    expected = 0.5 * np.square(of_picture - of_flat).sum() / len(of_flat)
    assert structure(content_picture) == pytest.approx(expected, rel=0.05)  # the mean is no whole number there
    assert structure(flat(7, 80, 200)) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.pretrained
@pytest.mark.parametrize("color", [(124, 117, 104), (128, 128, 128)])
def test_a_flat_picture_takes_on_a_style(style_picture, color):
    """VGG19, whose kernels hardly answer to pictures of ImageNet's mean color: nothing moved."""
    result = style_transfer(flat(*color), style_picture, TransferConfig("vgg19", size=64, iterations=30))
    assert result.trace[-1].style < 0.5 * result.trace[0].style
    assert np.abs(result.image.astype(int) - color).mean() > 10
