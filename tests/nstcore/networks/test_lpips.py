"""LPIPS against the paper's formula, written once more in plain torch, and its properties."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from nstcore.networks import lpips
from nstcore.networks.weights import Provenance, pinned

WIDTHS = (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
AFTER_LAST_OF_BLOCK = (1, 3, 6, 9, 12)  # convolutions, counted from 0


def random_arrays():
    """Convolutions that keep the size of what they are given, and heads, as `pinned.load` gives them."""
    random = np.random.default_rng(7)
    arrays, inputs = {}, 3
    names = [f"block{b}_conv{c}" for b, count in enumerate((2, 2, 3, 3, 3), 1) for c in range(1, count + 1)]
    for name, width in zip(names, WIDTHS, strict=True):
        deviation = np.sqrt(2 / (9 * inputs))
        arrays[f"{name}/kernel"] = random.normal(0, deviation, (3, 3, inputs, width)).astype(np.float32)
        arrays[f"{name}/bias"] = random.normal(0, 0.1, width).astype(np.float32)
        inputs = width
    for number, convolution in enumerate(AFTER_LAST_OF_BLOCK, 1):
        arrays[f"head{number}/kernel"] = random.uniform(0, 1, WIDTHS[convolution]).astype(np.float32)
    return arrays, names


@pytest.fixture
def untrained(monkeypatch):
    arrays, names = random_arrays()
    origin = Provenance("lpips", "a test", "", "0" * 64)
    monkeypatch.setattr(pinned, "load", lambda name: (arrays, origin))
    lpips._network.cache_clear()
    yield arrays, names
    lpips._network.cache_clear()


def torch_lpips(torch, arrays, names, one, other):
    """Zhang 2018, equation 1, in float64."""

    def activations(picture):
        x = torch.tensor(picture.astype(np.float64) / 255 * 2 - 1).permute(2, 0, 1)[None]
        shift, scale = ((torch.tensor(v, dtype=torch.float64)[None, :, None, None]) for v in SCALING)
        x = (x - shift) / scale
        found = []
        for place, name in enumerate(names):
            if name.endswith("conv1") and place:
                x = torch.nn.functional.max_pool2d(x, 2, 2)
            kernel = torch.tensor(arrays[f"{name}/kernel"]).double().permute(3, 2, 0, 1)
            x = torch.nn.functional.conv2d(x, kernel, torch.tensor(arrays[f"{name}/bias"]).double(), padding=1).relu()
            if place in AFTER_LAST_OF_BLOCK:
                found.append(x / x.square().sum(dim=1, keepdim=True).sqrt())
        return found

    total = 0.0
    for number, (x, y) in enumerate(zip(activations(one), activations(other), strict=True), 1):
        head = torch.tensor(arrays[f"head{number}/kernel"]).double()[None, :, None, None]
        total += float((head * (x - y).square()).sum(dim=1).mean())
    return total


SCALING = ([-0.030, -0.088, -0.188], [0.458, 0.448, 0.450])  # https://github.com/richzhang/PerceptualSimilarity


def test_it_is_the_papers_formula(untrained, blotches):
    torch = pytest.importorskip("torch", reason="the formula is written once more in torch")
    one, other = blotches(1, 35, 50), blotches(2, 35, 50)
    expected = torch_lpips(torch, *untrained, one, other)
    assert lpips.distance(lpips.features(one), lpips.features(other)) == pytest.approx(expected, rel=1e-4)


def test_equal_pictures_are_at_distance_0_and_the_order_does_not_matter(untrained, blotches):
    one, other = (lpips.features(blotches(seed, 32, 40)) for seed in (3, 4))
    assert lpips.distance(one, one) == 0
    there, back = lpips.distance(one, other), lpips.distance(other, one)
    assert there > 0
    assert there == pytest.approx(back)


def test_features_have_unit_length_at_every_position(untrained, blotches):
    features = lpips.features(blotches(5, 32, 48))
    assert [tuple(layer.shape) for layer in features] == [
        (32, 48, 64),
        (16, 24, 128),
        (8, 12, 256),
        (4, 6, 512),
        (2, 3, 512),
    ]
    for layer in features:
        lengths = np.linalg.norm(keras.ops.convert_to_numpy(layer), axis=-1)
        np.testing.assert_allclose(lengths, 1, atol=1e-4)


@pytest.mark.parametrize(("level", "expected"), [(0, -1), (255, 1)])
def test_black_and_white_are_minus_and_plus_one_before_the_scaling_layer(level, expected):
    scaled = lpips.scaled(np.full((1, 1, 3), level, np.uint8))
    np.testing.assert_allclose(scaled[0, 0], (expected - np.array(SCALING[0])) / np.array(SCALING[1]), rtol=1e-6)
