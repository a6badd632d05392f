"""The network: what it computes, for any size of picture, on every backend; and which shapes it can have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest

from nstcore.errors import ConfigError
from nstcore.feedforward.network import SIZES, NetworkSettings, build_network, settings_of
from nstcore.networks.weights.network import read_arrays
from tests.modules import module_of

SHAPES = {
    "nearest": NetworkSettings(4, 2, (2, 2), "nearest"),
    "transposed": NetworkSettings(4, 1, (2, 2), "transposed"),
    "thirds": NetworkSettings(2, 1, (3,), "nearest"),
    "thirds-transposed": NetworkSettings(2, 1, (2, 3), "transposed"),
    "quarters": NetworkSettings(2, 0, (4,), "transposed"),
    "no-step": NetworkSettings(3, 1, ()),
}
Ask = Callable[[str, str], dict[str, np.ndarray]]


@pytest.fixture(scope="session")
def plain() -> ModuleType:
    return module_of(Path(__file__).with_name("plain_network.py"))


def trained(settings: NetworkSettings, seed: int = 1) -> keras.Model:
    """A network whose scales, shifts and biases are not those that it begins with."""
    network = build_network(settings, seed)
    random = np.random.default_rng(seed)
    for layer in network.layers:
        if layer.name.endswith("_norm"):
            layer.gamma.assign(random.uniform(0.5, 1.5, layer.gamma.shape))
            layer.beta.assign(random.normal(0, 0.3, layer.beta.shape))
    network.get_layer("conv_out").bias.assign(random.normal(0, 0.3, 3))
    return network


@pytest.mark.parametrize("name", SHAPES)
def test_a_network_is_what_its_formulas_say_for_any_size_of_picture(name, plain, to_numpy):
    settings = SHAPES[name]
    network = trained(settings)
    weights = {variable: array.astype(np.float64) for variable, array in read_arrays(network).items()}
    random = np.random.default_rng(2)
    for height, width in ((16, 24), (17, 13), (settings.smallest_side, 18)):
        pictures = random.uniform(0, 255, (2, height, width, 3)).astype(np.float32)
        given = to_numpy(network(pictures))
        expected = [plain.forward(settings, weights, picture.astype(np.float64)) for picture in pictures]
        np.testing.assert_allclose(given, expected, atol=2e-3)


@pytest.mark.parametrize("name", SHAPES)
def test_the_settings_of_a_network_can_be_read_off_it(name):
    network = build_network(SHAPES[name])
    assert settings_of(network) == SHAPES[name]
    assert network.count_params() == SHAPES[name].weights
    assert NetworkSettings.from_dict(SHAPES[name].to_dict()) == SHAPES[name]


def test_other_networks_are_not_taken_for_ours():
    picture = keras.Input((None, None, 3))
    for other in (
        keras.Model(picture, keras.layers.Conv2D(3, 3, name="conv_in")(picture)),
        keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]),
    ):
        with pytest.raises(ConfigError, match="build_network"):
            settings_of(other)


def test_the_paper_s_network_has_its_widths_and_blocks():
    """Johnson 2016, supplement, table 1, without the biases, which a normalization takes away."""
    network = build_network(SIZES["johnson"])
    convolutions = [layer for layer in network.layers if hasattr(layer, "kernel_size")]
    assert [(layer.filters, *layer.kernel_size[:1], *layer.strides[:1]) for layer in convolutions] == [
        (32, 9, 1),
        (64, 3, 2),
        (128, 3, 2),
        *[(128, 3, 1)] * 10,
        (64, 3, 1),
        (32, 3, 1),
        (3, 9, 1),
    ]


def test_the_first_weights_are_those_of_the_seed():
    one, same, other = (read_arrays(build_network(SHAPES["nearest"], seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert not np.array_equal(one["conv_in/kernel"], other["conv_in/kernel"])
    # Of float32 arithmetic on a stream that NumPy promises: also on other machines.
    assert one["conv_in/kernel"].ravel()[0] == pytest.approx(np.sqrt(2 / 243) * 1.6243454, rel=1e-6)


def test_a_batch_gives_each_picture_what_it_gets_alone(to_numpy):
    network = trained(SHAPES["transposed"])
    pictures = np.random.default_rng(0).uniform(0, 255, (3, 15, 20, 3)).astype(np.float32)
    alone = [to_numpy(network(picture[np.newaxis]))[0] for picture in pictures]
    np.testing.assert_allclose(to_numpy(network(pictures)), alone, atol=1e-3)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("width", 0),
        ("width", 2.5),
        ("width", True),
        ("width", 10**6),
        ("blocks", -1),
        ("blocks", 65),
        ("strides", (1,)),
        ("strides", (2, 5)),
        ("strides", (2,) * 5),
        ("strides", 2),
        ("strides", "22"),
        ("upsampling", "bilinear"),
        ("upsampling", None),
    ],
)
def test_what_a_network_cannot_be_is_told_in_one_line(field, value):
    with pytest.raises(ConfigError, match=field) as told:
        NetworkSettings(**{field: value})
    assert "\n" not in str(told.value)


def test_unknown_settings_and_seeds_are_refused():
    with pytest.raises(ConfigError, match="depth"):
        NetworkSettings.from_dict({"depth": 3})
    with pytest.raises(ConfigError, match="seed"):
        build_network(SHAPES["no-step"], -1)


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_backends_agree(backend: str, ask: Ask):
    found, expected = ask("feedforward", backend), ask("feedforward", "tensorflow")
    for name in ("nearest", "transposed"):
        np.testing.assert_allclose(found[f"{name}/given"], expected[f"{name}/given"], atol=1e-3 * 255)
        largest = np.abs(expected[f"{name}/gradient"]).max()
        np.testing.assert_allclose(found[f"{name}/gradient"], expected[f"{name}/gradient"], atol=1e-3 * largest)


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
@pytest.mark.parametrize("name", ["nearest", "transposed"])
def test_gradients_are_those_of_central_differences(backend: str, name: str, ask: Ask, plain):
    """Along some directions, of the formulas in float64. A rectifier has no derivative at 0, and so steps are small."""
    found = ask("feedforward", backend)
    settings = {"nearest": NetworkSettings(4, 1, (2, 2)), "transposed": NetworkSettings(3, 1, (2, 3), "transposed")}
    weights = {
        variable: array.astype(np.float64) for variable, array in read_arrays(build_network(settings[name], 5)).items()
    }
    random = np.random.default_rng(9)
    for picture, weighing, gradient in zip(found["pictures"], found["weights"], found[f"{name}/gradient"], strict=True):
        direction = random.normal(size=picture.shape)
        higher, lower = (
            np.sum(plain.forward(settings[name], weights, picture + step * direction) * weighing)
            for step in (1e-4, -1e-4)
        )
        assert np.sum(gradient * direction) == pytest.approx((higher - lower) / 2e-4, rel=5e-3)


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_bands_change_nothing_on_any_backend(backend: str, ask: Ask):
    found = ask("feedforward", backend)
    for name in ("nearest", "transposed"):
        whole = found[f"{name}/bands-never"]
        assert np.ptp(whole) > 50
        np.testing.assert_allclose(found[f"{name}/bands-8"], whole, atol=1e-3 * 255)


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_a_network_in_training_is_applied_as_it_is(backend: str, ask: Ask):
    found = ask("feedforward", backend)
    for name in ("nearest", "transposed"):
        assert np.abs(found[f"{name}/changed"] - found[f"{name}/bands-never"]).max() > 1


@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_pictures_of_many_sizes_leave_little_memory(backend: str, ask: Ask):
    """30 MiB on torch, were free memory not given back. Backends keep what they compile for a size."""
    resident = ask("feedforward_memory", backend)["resident"]
    if not len(resident):
        pytest.skip("this system does not say what a process holds")
    assert resident[-1] - resident[7] < 15
