"""The terms of the loss against values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from nstcore.losses import (
    content_loss,
    feature_matrix,
    gram_distance,
    gram_matrix,
    style_coefficient,
    style_target_divisor,
    total_variation_loss,
)


def test_feature_matrix_has_a_row_per_position_in_reading_order():
    activation = np.arange(12, dtype=np.float32).reshape(1, 2, 3, 2)
    assert ops.convert_to_numpy(feature_matrix(activation)).tolist() == [[2 * m, 2 * m + 1] for m in range(6)]


def test_gram_of_ones_is_the_number_of_positions():
    assert ops.convert_to_numpy(gram_matrix(np.ones((7, 3), np.float32))).tolist() == [[7.0] * 3] * 3


def test_gram_of_one_hot_rows_counts_channels():
    features = np.eye(3, dtype=np.float32)[[0, 0, 1]]
    assert ops.convert_to_numpy(gram_matrix(features)).tolist() == [[2, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_content_loss_is_half_the_sum_of_squares():
    assert float(content_loss(np.full((2, 3), 5.0, np.float32), np.full((2, 3), 3.0, np.float32))) == 0.5 * 6 * 4


@pytest.mark.parametrize(("kind", "exponent"), [("power", 1.25), ("squared", 1.0)])
def test_total_variation_of_a_checkerboard(kind, exponent):
    height, width, step = 4, 5, 3.0
    board = step * (np.indices((height, width)).sum(axis=0) % 2)
    picture = np.repeat(board[np.newaxis, :, :, np.newaxis], 3, axis=-1).astype(np.float32)
    # Every inner pixel differs by `step` from the one below and the one to the right.
    expected = 3 * (height - 1) * (width - 1) * (2 * step**2) ** exponent
    assert float(total_variation_loss(picture, kind)) == pytest.approx(expected, rel=1e-6)


def test_total_variation_of_a_flat_picture_is_zero():
    assert float(total_variation_loss(np.full((1, 8, 8, 3), 77.0, np.float32), "power")) == 0.0


def test_losses_of_a_batch_are_those_of_its_pictures():
    random = np.random.default_rng(0)
    activations = random.normal(size=(3, 4, 5, 6)).astype(np.float32)
    pictures = random.uniform(0, 255, (3, 8, 7, 3)).astype(np.float32)
    features = feature_matrix(activations)
    target, gram_target = np.ones((3, 20, 6), np.float32), np.ones((3, 6, 6), np.float32)
    assert features.shape == (3, 20, 6)
    assert gram_matrix(features).shape == (3, 6, 6)
    for one in range(3):
        alone = feature_matrix(activations[one : one + 1])
        for ours, expected in (
            (content_loss(features, target), content_loss(alone, target[one])),
            (gram_distance(gram_matrix(features), gram_target), gram_distance(gram_matrix(alone), gram_target[one])),
            (total_variation_loss(pictures, "power"), total_variation_loss(pictures[one : one + 1], "power")),
        ):
            assert float(ours[one]) == pytest.approx(float(expected), rel=1e-5)


shapes = st.tuples(st.integers(1, 30), st.integers(1, 30), st.integers(1, 5), st.integers(0, 2**31))


@given(shapes)
def test_normalisations_in_the_common_form_equal_the_published_formulas(shape):
    """Σ (G/M - T)² · c against Gatys 2016 (eq. 4), the plain sum and the classic example, from raw Gram matrices."""
    positions, style_positions, channels, seed = shape
    pixels = 4 * positions
    random = np.random.default_rng(seed)
    features, style = random.normal(size=(positions, channels)), random.normal(size=(style_positions, channels))
    gram, target = features.T @ features, style.T @ style
    published = {
        "gatys": np.sum((gram / positions - target / style_positions) ** 2) / (4 * channels**2),
        "none": np.sum((gram - target) ** 2),
        "keras-example": np.sum((gram - target) ** 2) / (4 * 3**2 * pixels**2),
        "balanced": np.sum((gram / positions - target / style_positions) ** 2) / 0.125,
    }
    for normalization, expected in published.items():
        divisor = style_target_divisor(normalization, positions=positions, style_positions=style_positions)
        coefficient = style_coefficient(
            normalization, channels=channels, positions=positions, pixels=pixels, reference=0.125
        )
        ours = coefficient * float(gram_distance(gram / positions, target / divisor))
        assert ours == pytest.approx(expected, rel=1e-6)


def test_gatys_normalisation_is_equation_4_for_pictures_of_equal_size():
    random = np.random.default_rng(0)
    positions, channels = 20, 4
    gram, target = (f.T @ f for f in random.normal(size=(2, positions, channels)))
    coefficient = style_coefficient("gatys", channels=channels, positions=positions, pixels=1, reference=1.0)
    ours = coefficient * float(gram_distance(gram / positions, target / positions))
    assert ours == pytest.approx(np.sum((gram - target) ** 2) / (4 * channels**2 * positions**2), rel=1e-6)
