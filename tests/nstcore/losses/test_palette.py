"""The distance of colors against its formula over all pairs, and the picture as a layer."""

from __future__ import annotations

import numpy as np
import pytest

from nstcore import TransferConfig, build_objective
from nstcore.losses import PICTURE, make_loss
from nstcore.networks.extractor import activation_shapes, feature_network
from nstcore.networks.layer_list import list_layers
from nstcore.networks.network import Network

# What decorrelates colors in the authors' code: gray, and two differences.
COLORS = np.array(
    [[0.57735, 0.57735, 0.57735], [-0.57735, 0.788675, -0.211325], [-0.57735, -0.211325, 0.788675]], np.float64
)


def costs(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Of all colors (n, 3) with all of (m, 3), -½ to ½."""
    angles = 1 - (x @ y.T) / np.linalg.norm(x, axis=1)[:, None] / np.linalg.norm(y, axis=1)
    squares = np.square(x[:, None] - y).sum(axis=-1) / 3
    return angles + np.sqrt(squares + 1e-5) - np.sqrt(1e-5)


def distance(x: np.ndarray, y: np.ndarray) -> float:
    found = costs(x, y)
    return float(max(found.min(axis=1).mean(), found.min(axis=0).mean()))


def colors(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 255, (1, count, 3)).astype(np.float32)


@pytest.mark.parametrize("sizes", [(30, 30), (25, 9), (6, 40)])
def test_the_loss_is_the_formula_and_the_gradient_its_slope(sizes, gradient_of, central_differences, to_numpy):
    mine, style = colors(0, sizes[0]), colors(1, sizes[1])
    loss = make_loss("palette", {})
    target = {"features": style}
    y = style[0].astype(np.float64) / 255 - 0.5

    def formula(x: np.ndarray) -> float:
        return distance(x / 255 - 0.5, y)

    at = mine[0].astype(np.float64)
    assert to_numpy(loss.value(mine, target))[0] == pytest.approx(formula(at), rel=1e-5)
    expected = central_differences(formula, at, 1e-3)
    assert np.linalg.norm(gradient_of(loss, mine, target)[0] - expected) < 1e-3 * np.linalg.norm(expected)


def test_the_authors_turn_of_colors_changes_nothing():
    x, y = (colors(seed, 20)[0].astype(np.float64) / 255 - 0.5 for seed in (0, 1))
    assert costs(x @ COLORS.T, y @ COLORS.T) == pytest.approx(costs(x, y), abs=1e-5)


def test_equal_colors_anywhere_are_no_distance_and_gray_has_a_gradient(gradient_of, to_numpy):
    loss, style = make_loss("palette", {}), colors(0, 40)
    shuffled = np.random.default_rng(0).permutation(style, axis=1)
    assert to_numpy(loss.value(shuffled, {"features": style}))[0] == pytest.approx(0.0, abs=1e-6)
    middle = np.full((1, 10, 3), 127.5, np.float32)  # where colors have no direction
    assert np.isfinite(gradient_of(loss, middle, {"features": style})).all()


@pytest.mark.parametrize("samples", [10_000, 80])
def test_it_reads_the_picture_itself_in_the_engine(blotches, samples):
    """Every pixel of both pictures, or the means of cells of four by four; as many of each."""
    content, style = blotches(1, 32, 40), blotches(2, 40, 32)
    config = TransferConfig(
        "vgg16",
        weights="random",
        size=40,
        content_weight=0.0,
        total_variation_weight=0.0,
        losses={"gram": {"weight": 0.0}, "palette": {"samples": samples}},
    )
    objective = build_objective(content, style, config)
    shape = objective.shape
    picture = objective.x0.reshape(-1, 3)
    assert objective.components(objective.x0)["palette"] == pytest.approx(1.0, rel=1e-4)  # balanced
    moved = np.clip(picture + np.random.default_rng(0).normal(scale=30, size=picture.shape), 0, 255)
    side = 1 if samples > len(picture) else 4
    shaped = [one.reshape(32, 40, 3) for one in (moved, picture)]
    mine, start, reference = (_cells(one, side) / 255 - 0.5 for one in (*shaped, style.astype(np.float64)))
    expected = distance(mine, reference) / distance(start, reference)
    assert objective.components(moved.ravel())["palette"] == pytest.approx(expected, rel=1e-3)
    assert objective(moved.ravel())[1].reshape(shape).any(axis=2).mean() > 0.5  # not a few that were drawn


def _cells(picture: np.ndarray, side: int) -> np.ndarray:
    """Mean colors of square cells."""
    height, width, _ = picture.shape
    return picture.reshape(height // side, side, width // side, side, 3).mean(axis=(1, 3)).reshape(-1, 3)


@pytest.mark.parametrize(("sides", "cells"), [((192, 144), 36 * 27), ((30, 30), 900), ((5, 4000), 1 * 905)])
def test_there_are_no_more_cells_than_were_asked_for(sides, cells):
    assert make_loss("palette", {}).features(np.zeros((1, *sides, 3), np.float32)).shape == (1, cells, 3)


@pytest.mark.parametrize("filters", ["trained"])
def test_the_picture_is_a_layer_beside_others_and_alone(to_numpy, filters):
    network = Network("vgg16", "random", filters=filters)
    picture = np.random.default_rng(0).integers(0, 256, (1, 16, 20, 3)).astype(np.float32)
    for layers in ((PICTURE,), ("block1_conv1", PICTURE)):
        seen = feature_network(network, layers)(picture)
        assert seen.keys() == set(layers)
        assert (to_numpy(seen[PICTURE]) == picture).all()
        shapes = {layer.name: shape for layer, shape in activation_shapes(network, layers, 16, 20)}
        assert shapes[PICTURE] == (1, 16, 20, 3)
    assert list_layers("vgg16")[0].name == PICTURE
