"""Pictures through a network: in bands as at once, within the memory that is told, and with what a person asks for."""

from __future__ import annotations

import tracemalloc

import keras
import numpy as np
import pytest

from nstcore import backend
from nstcore.errors import ConfigError, MemoryShortageError, PictureError
from nstcore.feedforward import application
from nstcore.feedforward.application import stylize, stylize_unrounded, whole_memory
from nstcore.feedforward.bands import banded_memory, rows_of_a_band
from nstcore.feedforward.network import SIZES, NetworkSettings, build_network
from nstcore.pictures.luminance import luminance
from nstcore.system.kept import drop_kept

NEAREST, TRANSPOSED = NetworkSettings(4, 2, (2, 2)), NetworkSettings(4, 1, (2, 2), "transposed")
OTHERS = (NetworkSettings(3, 1, (3, 2)), NetworkSettings(3, 0, (2, 4), "transposed"), NetworkSettings(3, 0, ()))


def trained(settings: NetworkSettings) -> keras.Model:
    """A network with scales and shifts of its own, so that statistics matter."""
    network, random = build_network(settings, 4), np.random.default_rng(4)
    for layer in network.layers:
        if layer.name.endswith("_norm"):
            layer.gamma.assign(random.uniform(0.5, 1.5, layer.gamma.shape))
            layer.beta.assign(random.normal(0, 0.3, layer.beta.shape))
    return network


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return trained(NEAREST)


@pytest.mark.parametrize("settings", [NEAREST, TRANSPOSED, *OTHERS], ids=str)
@pytest.mark.parametrize(("height", "width"), [(61, 45), (64, 32)])
def test_bands_give_what_the_whole_gives(settings, height, width, blotches):
    """Of a picture whose rows differ, so that a band's own statistics would not do."""
    network, picture = trained(settings), blotches(7, height, width)
    picture = (picture * np.linspace(0.2, 1, height)[:, np.newaxis, np.newaxis]).astype(np.uint8)
    whole = stylize_unrounded(network, picture, bands="never")
    assert np.ptp(whole) > 100
    for rows in (3, 16):
        banded = stylize_unrounded(network, picture, bands=rows)
        np.testing.assert_allclose(banded, whole, atol=0.01)  # of 255; a hundredth of what a seam may be
    assert np.abs(stylize(network, picture, bands=16).astype(int) - stylize(network, picture)).max() <= 1


def test_the_smallest_pictures_go_through_in_bands_too(network, blotches):
    side = NEAREST.smallest_side
    picture = blotches(1, side, side)
    whole = stylize_unrounded(network, picture, bands="never")
    np.testing.assert_allclose(stylize_unrounded(network, picture, bands=2), whole, atol=0.01)
    for height, width in ((side - 1, 20), (20, side - 1)):
        with pytest.raises(PictureError, match=f"at least {side}"):
            stylize(network, blotches(1, height, width))


def test_bands_keep_to_the_memory_that_is_told(blotches):
    settings = NetworkSettings(8, 1, (2, 2))
    network, picture = trained(settings), blotches(3, 400, 500)
    stylize(network, picture[:40, :40], bands=16)
    tracemalloc.start()
    stylize(network, picture, bands=16)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    largest_layer = 400 * 500 * settings.width * 4
    # The largest layer and its neighbor, the result, and some bands; not a third layer.
    assert largest_layer < most < 2 * largest_layer
    assert most < banded_memory(settings, 400, 500, 16) < banded_memory(settings, 400, 500, 400)


def test_bands_are_computed_without_being_traced_for_each_picture(network, blotches, monkeypatch):
    monkeypatch.setattr(backend, "compiled", lambda function: pytest.fail("a function is traced"))
    assert stylize(network, blotches(1, 40, 30), bands=8).shape == (40, 30, 3)


def test_memory_is_given_back_after_a_picture_of_another_size_alone(network, blotches, monkeypatch):
    returned = []
    monkeypatch.setattr(application, "return_memory", lambda: returned.append(True))
    drop_kept()
    for height, times in ((20, 1), (20, 1), (21, 2), (20, 2), (22, 3), (23, 4), (24, 5), (20, 5), (21, 6)):
        stylize(network, blotches(1, height, 30))
        assert len(returned) == times
    stylize(network, blotches(1, 24, 30), bands=8)
    assert len(returned) == 7


def test_what_was_compiled_is_forgotten_after_many_sizes_and_never_for_one(network, blotches, monkeypatch):
    forgotten = []
    monkeypatch.setattr(backend, "forget_compiled", lambda: forgotten.append(True))
    drop_kept()
    for heights, times in (([20] * 40, 0), (range(21, 35), 0), ([35], 1), (range(36, 51), 1), ([51], 2)):
        for height in heights:
            stylize(network, blotches(1, height, 12))
            application.forget_many_sizes()
        assert len(forgotten) == times


@pytest.mark.parametrize(
    ("free", "height", "in_bands"),
    [(2**40, 512, False), (None, 512, False), (2**40, 4000, True), (2**29, 512, True), (None, 4000, True)],
)
def test_what_is_free_decides_whether_there_are_bands(free, height, in_bands, monkeypatch):
    monkeypatch.setattr(application, "free_memory", lambda: free)
    monkeypatch.setattr("nstcore.memory.free_memory", lambda: free)
    rows = application._rows(SIZES["small"], height, height, "auto")
    assert rows == (rows_of_a_band(SIZES["small"], height) if in_bands else None)


def test_a_picture_for_which_no_memory_is_left_is_told_in_one_line(network, blotches, monkeypatch):
    monkeypatch.setattr("nstcore.memory.free_memory", lambda: 2**20)
    monkeypatch.setattr(application, "free_memory", lambda: 2**20)
    for bands, what in (("auto", "in bands"), (8, "in bands"), ("never", "a feed-forward network need")):
        with pytest.raises(MemoryShortageError, match=what):
            stylize(network, blotches(1, 300, 200), bands=bands)


def test_the_memory_of_the_whole_grows_with_the_picture_and_the_network():
    small, johnson = (whole_memory(SIZES[size], 1000, 1000) for size in ("small", "johnson"))
    assert 2**30 < small < 2 * 2**30  # measured: 1.6 GiB
    assert johnson > 2 * small
    assert whole_memory(SIZES["small"], 2000, 1000) == pytest.approx(2 * small, rel=1e-6)
    assert banded_memory(SIZES["small"], 3000, 4000) < 2 * 2**30  # measured: 1.3 GiB
    assert banded_memory(SIZES["johnson"], 3000, 4000) < 3 * 2**30  # measured: 2.3 GiB


@pytest.mark.parametrize("bands", ["never", 16])
def test_a_part_of_the_style_is_a_part_of_the_way(bands, network, blotches):
    picture = blotches(5, 40, 50)
    all_of_it = np.clip(stylize_unrounded(network, picture, bands=bands), 0, 255)
    np.testing.assert_array_equal(stylize(network, picture, strength=0, bands=bands), picture)
    quarter = stylize_unrounded(network, picture, strength=0.25, bands=bands)
    np.testing.assert_allclose(quarter, 0.75 * picture + 0.25 * all_of_it, atol=1e-3)


@pytest.mark.parametrize("bands", ["never", 16])
def test_kept_colors_are_the_picture_s_and_the_luminance_the_network_s(bands, network, blotches):
    picture = blotches(5, 140, 50)
    kept = stylize_unrounded(network, picture, keep_colors=True, bands=bands).astype(np.float64)
    drawn = np.clip(stylize_unrounded(network, picture, bands=bands), 0, 255)
    chroma, own = (each - luminance(each)[..., np.newaxis] for each in (picture, kept))
    np.testing.assert_allclose(own, chroma, atol=1e-3)
    inside = (kept.min(axis=2) > 0.5) & (kept.max(axis=2) < 254.5)
    assert inside.mean() > 0.3
    np.testing.assert_allclose(luminance(kept)[inside], luminance(drawn)[inside], atol=1e-3)


@pytest.mark.parametrize(
    "option",
    [
        {"strength": 1.5},
        {"strength": -0.1},
        {"strength": float("nan")},
        {"strength": "1"},
        {"bands": 0},
        {"bands": -4},
        {"bands": "always"},
        {"bands": 2.5},
        {"bands": True},
    ],
    ids=str,
)
def test_options_that_cannot_be_are_told_in_one_line(option, network, blotches):
    limits = {
        "strength": "strength must be a number from 0 to 1. Received: ",
        "bands": "bands must be ",
    }
    with pytest.raises(ConfigError) as told:
        stylize(network, blotches(1, 20, 20), **option)
    assert str(told.value).startswith(limits[next(iter(option))])
    assert "\n" not in str(told.value)
