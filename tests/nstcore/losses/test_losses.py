"""The losses against values worked out by hand, and what a loss says of itself."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import ClassVar, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nstcore import ConfigError, TransferConfig, build_objective
from nstcore.losses import (
    LOSSES,
    Layer,
    Loss,
    feature_matrix,
    features_read,
    loss_class,
    make_loss,
    ops,
    reading_name,
)
from nstcore.losses.content import Content
from nstcore.losses.gram import Gram
from nstcore.losses.total_variation import TotalVariation, TotalVariationKind
from nstcore.recipe import resolve


def test_feature_matrix_has_a_row_per_position_in_reading_order(to_numpy):
    activation = np.arange(24, dtype=np.float32).reshape(2, 2, 3, 2)
    expected = [[[12 * b + 2 * m, 12 * b + 2 * m + 1] for m in range(6)] for b in range(2)]
    assert to_numpy(feature_matrix(activation)).tolist() == expected


def test_gram_of_ones_is_one_at_every_pair_of_channels(to_numpy):
    target = Gram().target(np.ones((1, 7, 3), np.float32))
    assert to_numpy(target["gram"]).tolist() == [[[1.0] * 3] * 3]
    assert to_numpy(target["positions"]).tolist() == [7.0]


def test_gram_of_one_hot_rows_counts_channels(to_numpy):
    features = np.eye(3, dtype=np.float32)[[0, 0, 1, 1]]
    gram = to_numpy(Gram().target(np.stack([features, features[::-1]]))["gram"])
    assert (4 * gram).tolist() == [[[2, 0, 0], [0, 2, 0], [0, 0, 0]]] * 2


def test_content_loss_is_half_the_sum_of_squares(to_numpy):
    features, target = np.full((1, 2, 3), 5.0, np.float32), {"features": np.full((1, 2, 3), 3.0, np.float32)}
    assert to_numpy(Content().value(features, target)).tolist() == [0.5 * 6 * 4]


# What a difference d below and one to the right come to.
OF_TWO_DIFFERENCES = {
    "power": lambda d: (2 * d**2) ** 1.25,
    "squared": lambda d: 2 * d**2,
    "absolute": lambda d: 2 * d,
}


@pytest.mark.parametrize("kind", get_args(TotalVariationKind))
def test_total_variation_of_a_checkerboard(kind, to_numpy):
    height, width, step = 4, 5, 3.0
    board = step * (np.indices((height, width)).sum(axis=0) % 2)
    picture = np.repeat(board[np.newaxis, :, :, np.newaxis], 3, axis=-1).astype(np.float32)
    # Every inner pixel differs by `step` from the one below and the one to the right.
    expected = 3 * (height - 1) * (width - 1) * OF_TWO_DIFFERENCES[kind](step)
    assert to_numpy(TotalVariation(kind=kind).value(picture, {})).tolist() == pytest.approx([expected], rel=1e-6)


@pytest.mark.parametrize("kind", get_args(TotalVariationKind))
def test_total_variation_of_a_flat_picture_is_zero_and_so_is_its_gradient(kind, gradient_of, to_numpy):
    flat = np.full((1, 8, 8, 3), 77.0, np.float32)
    assert to_numpy(TotalVariation(kind=kind).value(flat, {})).tolist() == [0.0]
    assert (gradient_of(TotalVariation(kind=kind), flat, {}) == 0.0).all()


def test_absolute_total_variation_counts_edges_by_their_height(gradient_of, to_numpy):
    """One step of 90 costs what 90 of 1 do; the gradient is a sign for each neighbor."""
    steep, gentle = np.zeros((2, 1, 3, 92, 1), np.float32)
    steep[0, :, 45:, 0], gentle[0, :, :, 0] = 90.0, np.arange(92).clip(0, 90)
    loss = TotalVariation(kind="absolute")
    assert to_numpy(loss.value(steep, {})) == to_numpy(loss.value(gentle, {})) == 2 * 90
    assert gradient_of(loss, steep, {})[0, 0, 43:47, 0].tolist() == [0, -1, 1, 0]


@pytest.mark.parametrize("kind", get_args(TotalVariationKind))
def test_gradient_of_total_variation_is_what_central_differences_measure(kind, gradient_of, central_differences):
    picture = np.random.default_rng(0).uniform(0, 255, (4, 5, 2))

    def formula(x):
        down, right = x[:-1, :-1] - x[1:, :-1], x[:-1, :-1] - x[:-1, 1:]
        if kind == "absolute":
            return np.abs(down).sum() + np.abs(right).sum()
        return ((down**2 + right**2) ** (1.25 if kind == "power" else 1.0)).sum()

    found = gradient_of(TotalVariation(kind=kind), picture[np.newaxis].astype(np.float32), {})[0]
    expected = central_differences(formula, picture, 1e-4)
    assert np.linalg.norm(found - expected) < 1e-4 * np.linalg.norm(expected)


def test_a_shifted_gram_matrix_is_that_of_shifted_features(compared, gradient_of, central_differences, to_numpy):
    random = np.random.default_rng(0)
    mine, style = random.normal(size=(2, 1, 9, 4)).astype(np.float32)
    guide = random.uniform(0, 2, (1, 9)).astype(np.float32)

    def formula(features, reference):
        grams = [(one - 0.7).T @ (one - 0.7) / 9 for one in (features, reference)]
        return np.square(grams[0] - grams[1]).sum()

    loss, target = Gram(shift=-0.7), compared(Gram(shift=-0.7), style)
    own, other = mine[0].astype(float), style[0].astype(float)
    assert to_numpy(loss.value(mine, target)) == pytest.approx([formula(own, other)], rel=1e-5)
    expected = central_differences(lambda x: formula(x, other), own)
    assert gradient_of(loss, mine, target)[0] == pytest.approx(expected, rel=1e-3, abs=1e-4)
    shifted = guide[0][:, None] * (other - 0.7)  # the guide weighs what is shifted, so that what is outside stays 0
    assert to_numpy(loss.target(style, guide)["gram"])[0] == pytest.approx(shifted.T @ shifted / 9, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("loss", [Content(), Gram()])
def test_values_of_a_batch_are_those_of_its_pictures(loss, to_numpy):
    random = np.random.default_rng(0)
    features, reference = random.normal(size=(2, 3, 20, 6)).astype(np.float32)
    target = {name: to_numpy(array) for name, array in loss.target(reference).items()}
    together = to_numpy(loss.value(features, target))
    assert together.shape == (3,)
    for one in range(3):
        alone = {name: array[one : one + 1] for name, array in target.items()}
        expected = to_numpy(loss.value(features[one : one + 1], alone))[0]
        assert together[one] == pytest.approx(expected, rel=1e-5)


LAYERS = ("shallow", "deep")
OF_LAYERS = [name for name in LOSSES if loss_class(name).reads != "picture"]


def activations(seed: int, batch: int = 1) -> dict[str, np.ndarray]:
    """By layer, (B, height, width, N); the deeper one is smaller and has more channels."""
    random = np.random.default_rng(seed)
    shapes = {"shallow": (batch, 6, 8, 5), "deep": (batch, 3, 4, 7)}
    return {layer: random.normal(size=shape).astype(np.float32) for layer, shape in shapes.items()}


@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("name", OF_LAYERS)
def test_a_picture_at_its_own_target_has_no_loss(name, softmax, compared, to_numpy):
    loss = make_loss(name, {"layers": LAYERS, "softmax": softmax})
    reference, others = features_read(loss, activations(0, batch=2)), features_read(loss, activations(1, batch=2))
    assert reference.keys() == {reading_name(reading) for reading in loss.readings}
    for reading, features in reference.items():
        target = compared(loss, features)
        other = to_numpy(loss.value(others[reading], target))
        assert other.shape == (2,)
        assert (other > 0).all()
        assert to_numpy(loss.value(features, target)) == pytest.approx(np.zeros(2), abs=1e-5 * float(other[0]))


def test_softmax_is_over_a_whole_layer(to_numpy):
    activation = activations(0, batch=2)["deep"]
    exponents = np.exp(activation.astype(np.float64).reshape(2, -1))
    expected = (exponents / exponents.sum(axis=1, keepdims=True)).reshape(2, 12, 7)
    found = features_read(Gram(layers=("deep",), softmax=True), {"deep": activation})["deep"]
    assert to_numpy(found) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", [name for name in OF_LAYERS if make_loss(name, {}).compares_targets])
def test_what_two_targets_tell_is_the_value(name, to_numpy):
    """The engine balances by it, instead of looking at the content picture once more."""
    loss = make_loss(name, {"layers": LAYERS})
    mine, reference = (features_read(loss, activations(seed)) for seed in (0, 1))
    for reading in mine:
        seen, target = (
            {key: to_numpy(array)[0] for key, array in loss.target(one[reading]).items()} for one in (mine, reference)
        )
        layer = Layer(positions=12, channels=7, pixels=48)
        constants = {key: array[np.newaxis] for key, array in loss.constants(target, layer).items()}
        expected = float(to_numpy(loss.value(mine[reading], constants))[0])
        assert loss.between(seen, target) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["content", "gram"])
def test_positions_outside_a_guide_do_not_count(name, to_numpy):
    """With a guide of ones it is the loss without one; where it is 0 the features may be anything."""
    random = np.random.default_rng(0)
    loss = make_loss(name, {})
    mine, reference = random.normal(size=(2, 2, 12, 5)).astype(np.float32)
    everywhere, half = np.ones((2, 12), np.float32), np.repeat([[1.0] * 6 + [0.0] * 6], 2, axis=0).astype(np.float32)
    plain = to_numpy(loss.value(mine, loss.target(reference)))
    assert to_numpy(loss.value(mine, loss.target(reference, everywhere), everywhere)) == pytest.approx(plain, rel=1e-6)
    inside = to_numpy(loss.value(mine, loss.target(reference, half), half))
    changed = mine.copy()
    changed[:, 6:] = 99.0
    assert to_numpy(loss.value(changed, loss.target(reference, half), half)) == pytest.approx(inside, rel=1e-6)
    assert (inside != plain).all()


@dataclass(frozen=True, kw_only=True)
class Neighbors(Loss):
    """Reads two layers at a time, the second enlarged, and knows which positions lie side by side."""

    reads: ClassVar[str] = "style"

    @property
    def readings(self) -> tuple[tuple[str, ...], ...]:
        return tuple(pairwise(self.layers))

    def features(self, *activations):
        return tuple(ops.cast(activation, "float32") for activation in activations)

    def target(self, features, guide=None):
        first, second = features
        return {
            "edges": ops.mean(ops.square(first[:, 1:] - first[:, :-1]), axis=(1, 2)),
            "mean": ops.mean(second, (1, 2)),
        }

    def value(self, features, target, guide=None):
        own = self.target(features)
        return sum(ops.sum(ops.square(own[name] - target[name]), axis=-1) for name in own)

    def coefficient(self, layer):
        return None


def test_a_loss_may_join_layers_and_see_neighbours(monkeypatch, content_picture, style_picture):
    """Balanced by the engine, whatever a loss reads: at the content picture it is 1/|L| of each reading."""
    monkeypatch.setitem(LOSSES, "neighbors", Neighbors)
    layers = ("block1_conv1", "block2_conv1", "block2_conv2")
    config = TransferConfig(
        weights="random", size=64, losses={"neighbors": {"layers": layers}, "gram": {"weight": 0.0}}
    )
    assert make_loss("neighbors", {"layers": layers}).layer_weights == (0.5, 0.5)
    with pytest.raises(ConfigError, match=r"each of block1_conv1\+block2_conv1, block2_conv1\+block2_conv2"):
        make_loss("neighbors", {"layers": layers, "layer_weights": (1, 2, 3)})
    objective = build_objective(content_picture, style_picture, config)
    assert objective.components(objective.x0)["neighbors"] == pytest.approx(1.0, rel=1e-4)


shapes = st.tuples(st.integers(1, 30), st.integers(1, 30), st.integers(1, 5), st.integers(0, 2**31))


@given(shapes)
def test_normalizations_in_the_common_form_equal_the_published_formulas(shape):
    """Σ (G/M - T)² · c against Gatys 2016 (eq. 4), the plain sum and the classic example, from raw Gram matrices."""
    positions, style_positions, channels, seed = shape
    random = np.random.default_rng(seed)
    features, style = random.normal(size=(positions, channels)), random.normal(size=(style_positions, channels))
    gram, target = features.T @ features, style.T @ style
    layer = Layer(positions=positions, channels=channels, pixels=4 * positions)
    published = {
        "gatys": np.sum((gram / positions - target / style_positions) ** 2) / (4 * channels**2),
        "none": np.sum((gram - target) ** 2),
        "keras-example": np.sum((gram - target) ** 2) / (4 * 3**2 * layer.pixels**2),
    }
    kept = {"gram": target / style_positions, "positions": np.float32(style_positions)}
    for normalization, expected in published.items():
        loss = Gram(normalization=normalization)
        compared = loss.constants(kept, layer)["gram"]
        ours = loss.coefficient(layer) * np.sum((gram / positions - compared) ** 2)
        assert ours == pytest.approx(expected, rel=1e-5)
    balanced = Gram()
    assert balanced.coefficient(layer) is None
    assert (balanced.constants(kept, layer)["gram"] == kept["gram"]).all()


def test_gatys_normalization_is_equation_4_for_pictures_of_equal_size():
    positions, channels = 20, 4
    gram, target = (f.T @ f for f in np.random.default_rng(0).normal(size=(2, positions, channels)))
    factor = Gram(normalization="gatys").coefficient(Layer(positions=positions, channels=channels, pixels=1))
    ours = factor * np.sum((gram / positions - target / positions) ** 2)
    assert ours == pytest.approx(np.sum((gram - target) ** 2) / (4 * channels**2 * positions**2), rel=1e-6)


def test_layers_of_a_style_share_its_weight_and_those_of_the_content_add_up():
    layers = ("a", "b", "c", "d")
    assert Gram(layers=layers).layer_weights == (0.25,) * 4
    assert Content(layers=layers).layer_weights == (1.0,) * 4
    assert Gram(layers=layers, layer_weights=[1, 2, 3, 0]).layer_weights == (1.0, 2.0, 3.0, 0.0)


def test_what_flat_settings_do_not_say_of_their_losses_is_said_in_losses():
    config = TransferConfig(
        content_layers=("a", "b"), losses={"content": {"layer_weights": [1, 0.25]}, "gram": {"shift": -1}}
    )
    losses = dict(resolve(config).losses)
    assert (losses["content"].layers, losses["content"].layer_weights) == (("a", "b"), (1.0, 0.25))
    assert (losses["gram"].shift, losses["gram"].layers) == (-1.0, config.resolved().style_layers)
    assert resolve(TransferConfig()).losses != resolve(TransferConfig(losses={"gram": {"shift": -1}})).losses


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("nothing", {}, r"unknown loss; expected some of content, gram, total_variation.*'nothing'"),
        (3, {}, "unknown loss"),
        ("gram", {"strength": 1}, r"unknown setting of losses\.gram; expected some of weight, .*strength"),
        ("gram", {"weight": -1}, r"Gram\.weight must be a finite number >= 0\. Received: Gram\.weight=-1"),
        ("gram", {"weight": "1"}, "weight must be"),
        ("gram", {"weight": float("nan")}, "weight must be"),
        ("gram", {"layers": "block1_conv1"}, "layers must be a sequence"),
        ("gram", {"layers": (1,)}, "layers must be a sequence"),
        ("gram", {"layers": ("a", "a")}, "different layer names"),
        ("gram", {"layers": ("a", "b"), "layer_weights": (1.0,)}, "one weight for each of a, b"),
        ("gram", {"layer_weights": 3}, "a sequence of numbers"),
        ("gram", {"normalization": "other"}, "one of balanced, gatys, none, keras-example"),
        ("gram", {"shift": float("inf")}, r"Gram\.shift must be a finite number\. Received: Gram\.shift=inf"),
        ("gram", {"shift": "1"}, r"Gram\.shift must be a finite number\. "),
        ("total_variation", {"kind": "other"}, "one of power, squared, absolute"),
        ("total_variation", {"layers": ("a",)}, "reads the picture itself"),
    ],
)
def test_settings_that_make_no_sense_are_refused(name, settings, message):
    with pytest.raises(ConfigError, match=message):
        make_loss(name, settings)


@dataclass(frozen=True, kw_only=True)
class Undeclared(Loss):
    """A loss whose author said nothing of what its setting shapes."""

    radius: int = 3

    reads: ClassVar = "style"


def test_a_setting_that_says_nothing_shapes_everything():
    """So that whoever forgets it gets slow code instead of wrong results."""
    wide, narrow = Undeclared(radius=5, weight=2.0), Undeclared(radius=3)
    assert wide.structure("graph") != narrow.structure("graph")
    assert wide.target_settings() != narrow.target_settings()
    assert wide.structure("graph") == Undeclared(radius=5)


@pytest.mark.parametrize("name", LOSSES)
def test_weights_shape_neither_graph_nor_targets(name):
    one, other = make_loss(name, {}), make_loss(name, {"weight": 7.0})
    assert one.structure("graph", "target") == other.structure("graph", "target")
    assert one.target_settings() == other.target_settings()
    assert {field.name for field in fields(one)} >= {"weight", "layers", "layer_weights"}


def test_settings_are_checked_without_keras():
    code = (
        "import sys\n"
        "from nstcore import TransferConfig\n"
        "from nstcore.losses import LOSSES, make_loss\n"
        "[make_loss(name, {}) for name in LOSSES]\n"
        "TransferConfig(losses={'gram': {'weight': 2}}, optimizer='adam', optimizer_settings={'learning_rate': 2})\n"
        "assert 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
