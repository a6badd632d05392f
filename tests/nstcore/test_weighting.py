"""The references of "balanced": those of ordinary pictures are their own, a flat picture borrows from its style."""

from __future__ import annotations

import numpy as np
import pytest

from nstcore import TransferConfig, style_transfer, targets
from nstcore.weighting import content_reference, graph_inputs

CONFIG = TransferConfig("vgg16", weights="random", size=64).resolved()


def flat(*color: int) -> np.ndarray:
    return np.full((64, 64, 3), color, np.uint8)


def gradient(first: int, last: int) -> np.ndarray:
    row = np.linspace(first, last, 64).round().astype(np.uint8)
    return np.tile(row[None, :, None], (64, 1, 3))


@pytest.fixture(scope="module")
def reference(style_picture):
    """Picture -> the reference of its content layer in this style, and ½ Σ (P - mean P)² there."""
    extractor = targets.target_network(CONFIG)
    style = targets.style_target(style_picture, extractor, CONFIG)

    def of(picture: np.ndarray) -> tuple[float, float]:
        content = targets.content_target(picture, extractor, CONFIG)
        (features,) = content.features.values()
        (coefficient,) = graph_inputs(CONFIG, content, style, 64, 64)["content_coefficients"]
        return 1 / coefficient, 0.5 * np.square(features - features.mean(axis=0), dtype=np.float64).sum()

    return of


def test_an_ordinary_picture_keeps_its_own_reference(reference, blotches):
    pictures = [blotches(seed, 64, 64) for seed in range(3)]
    for picture in [*pictures, (128 + 0.3 * (pictures[0] - 128.0)).astype(np.uint8), gradient(0, 255)]:
        found, own = reference(picture)
        assert found == pytest.approx(own, rel=1e-6)


@pytest.mark.parametrize("color", [(124, 117, 104), (128, 128, 128), (0, 0, 0), (1, 2, 3)])
def test_a_flat_picture_has_a_share_of_its_styles_structure(reference, style_picture, color):
    found, own = reference(flat(*color))
    style = targets.style_target(style_picture, targets.target_network(CONFIG), CONFIG)
    (structure,) = style.structures.values()
    assert found == pytest.approx(max(own, 0.2 * structure * 64), rel=1e-5)  # 8 x 8 positions
    assert found > own or color in ((0, 0, 0), (1, 2, 3))  # whose frame of padding is enough


def test_there_is_no_step_between_flat_and_ordinary():
    features = np.array([[1.0, 2.0], [1.5, 2.0]], np.float32)
    own = content_reference(features, 1.0, 1.0)
    structures = np.linspace(0.004, 0, 41)
    found = np.array([content_reference(features, structure, 1.0) for structure in structures])
    assert own == 0.0625
    assert (found[structures >= 0.003] == own).all()
    assert (np.diff(found) >= 0).all()
    assert found[-1] == pytest.approx(0.4)
    assert np.diff(found).max() < 0.04


def test_two_flat_pictures_divide_by_something():
    assert 0 < content_reference(np.zeros((4, 2), np.float32), 0.0, 0.0) < 1e-30


def test_structure_is_the_distance_from_a_picture_of_the_mean_color(content_picture):
    extractor = targets.target_network(CONFIG)
    (layer,) = CONFIG.content_layers
    mean = np.broadcast_to(content_picture.mean(axis=(0, 1)), content_picture.shape)[np.newaxis]
    of_picture, of_flat = (
        np.asarray(extractor(picture.astype(np.float32))[layer], np.float64).reshape(-1, 512)
        for picture in (content_picture[np.newaxis], mean)
    )
    found = targets.style_target(content_picture, extractor, CONFIG).structures[layer]
    assert found == pytest.approx(0.5 * np.square(of_picture - of_flat).sum() / len(of_flat), rel=1e-4)
    assert targets.style_target(flat(7, 80, 200), extractor, CONFIG).structures[layer] == 0


@pytest.mark.pretrained
@pytest.mark.parametrize("color", [(124, 117, 104), (128, 128, 128)])
def test_a_flat_picture_takes_on_a_style(style_picture, color):
    """VGG19, whose kernels hardly answer to pictures of ImageNet's mean color: nothing moved."""
    result = style_transfer(flat(*color), style_picture, TransferConfig("vgg19", size=64, iterations=30))
    assert result.trace[-1].style < 0.5 * result.trace[0].style
    assert np.abs(result.image.astype(int) - color).mean() > 10
