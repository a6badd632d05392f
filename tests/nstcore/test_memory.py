"""What a run is said to need, against what it takes, and what happens when that is not there."""

from __future__ import annotations

import dataclasses
import importlib
import logging
from types import SimpleNamespace

import pytest

from nstcore import MemoryShortageError, TransferConfig, memory, style_transfer
from nstcore.recipe import resolve
from nstcore.system import free_memory

CONFIG = TransferConfig(backbone="vgg16", weights="random", size=64, iterations=1)


@pytest.mark.parametrize(("optimizer", "vectors"), [("lbfgs", 35 * 8), ("lbfgs-device", 28 * 4), ("adam", 9 * 4)])
def test_the_activations_of_a_small_network_are_counted_by_hand(optimizer, vectors):
    config = TransferConfig(
        backbone="vgg16",
        weights="random",
        content_layers=("block2_conv1",),
        style_layers=("block1_conv1",),
        optimizer=optimizer,
    )
    height, width = 64, 96
    pixels = height * width
    # Picture, two convolutions of 64 channels before and after their activation, pooling, one of 128 at half the size.
    values = pixels * (3 + 2 * 64 + 2 * 64) + pixels // 4 * (64 + 2 * 128)
    expected = 1.05 * (4 * values + vectors * 3 * pixels)
    assert memory.required_memory(resolve(config), height, width) == pytest.approx(expected, rel=1e-6)


def test_numbers_that_are_sorted_count_too():
    def needed(*names, **settings):
        losses = {name: {"layers": ("block1_conv1", "block2_conv1"), **settings} for name in names}
        return memory.required_memory(resolve(TransferConfig("vgg16", weights="random", losses=losses)), 64, 96)

    sorted_numbers = 64 * 96 * 64 + 32 * 48 * 128
    expected = 1.05 * 4 * 4 * sorted_numbers
    assert needed("sliced_wasserstein") - needed() == pytest.approx(expected, rel=1e-4)
    assert needed("histogram", "mean_variance") - needed() == pytest.approx(expected, rel=1e-4)
    few = 64 * 96 * 10 + 32 * 48 * 10
    assert needed("sliced_wasserstein", directions=10) - needed() == pytest.approx(1.05 * 16 * few, rel=1e-4)


@pytest.mark.parametrize("backbone", ["vgg19", "resnet50", "inceptionv3"])
def test_four_times_the_pixels_need_four_times_the_memory(backbone):
    config = TransferConfig(backbone=backbone, weights="random")
    small, large = (memory.required_memory(resolve(config), side, side) for side in (256, 512))
    assert large == pytest.approx(4 * small, rel=0.1)


@pytest.mark.parametrize(
    ("name", "settings", "values"),
    [
        # 16 x 24 positions of 256 channels: differences, two of the style, and 7 rows of positions with the style.
        ("patches", {}, 11 * 384 * 256 + 7 * 384 * 19),
        ("patches", {"stride": 2}, 12 * 384 * 256 + 2**22),
        ("nearest_neighbors", {}, 8 * 384 * 256 + 2**22),
    ],
)
def test_what_losses_hold_is_counted(name, settings, values):
    plain = TransferConfig("vgg16", weights="random", content_layers=("block3_conv1",), style_layers=("block3_conv1",))
    further = dataclasses.replace(plain, losses={name: {"layers": ("block3_conv1",), **settings}})
    without, with_loss = (memory.required_memory(resolve(config), 64, 96) for config in (plain, further))
    assert with_loss - without == pytest.approx(1.05 * 4 * values, rel=1e-6)


def test_a_run_that_cannot_fit_is_refused_before_it_starts(monkeypatch, content_picture, style_picture):
    monkeypatch.setattr(memory, "free_memory", lambda: 2**20)
    with pytest.raises(
        MemoryShortageError, match=r"64 x 48 pixels through vgg16 need about \d+ MiB .* 1 MiB are free.*smaller"
    ):
        style_transfer(content_picture, style_picture, CONFIG, lambda _: pytest.fail("it started"))


@pytest.mark.parametrize(("free", "words"), [(None, "is not known here"), (5 * 2**30, "5.0 GiB are free")])
def test_what_a_run_needs_is_said(monkeypatch, caplog, content_picture, style_picture, free, words):
    monkeypatch.setattr(memory, "free_memory", lambda: free)
    with caplog.at_level(logging.INFO, logger="nstcore"):
        style_transfer(content_picture, style_picture, CONFIG)
    assert "64 x 48 pixels through vgg16 need about" in caplog.text
    assert words in caplog.text


def test_linux_tells_what_is_free(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal:  100 kB\nMemAvailable:  12 kB\n")
    assert free_memory._available(tmp_path / "meminfo") == 12 * 1024
    assert free_memory._available(tmp_path / "nothing") is None


def test_a_control_groups_limit_counts(tmp_path):
    for name, text in {"max": "1000\n", "current": "600\n", "stat": "anon 500\ninactive_file 50\n"}.items():
        (tmp_path / f"memory.{name}").write_text(text)
    assert free_memory._left_in_group(tmp_path) == 450
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory._left_in_group(tmp_path) is None
    assert free_memory._left_in_group(tmp_path / "nothing") is None


def test_on_a_gpu_what_torch_keeps_of_its_own_counts_as_free(monkeypatch):
    """It keeps what earlier pictures took; a GPU that it has filled so has room for the next."""
    pytest.importorskip("torch")
    adapter = importlib.import_module("nstcore.backend.torch")
    cuda = {"is_available": True, "mem_get_info": (26, 1000), "memory_reserved": 900, "memory_allocated": 300}
    for name, told in cuda.items():
        monkeypatch.setattr(adapter.torch.cuda, name, lambda told=told: told)
    assert adapter.free_device_memory() == 26 + 600


def test_on_a_gpu_what_jax_has_taken_for_its_pictures_counts_as_free(monkeypatch):
    pytest.importorskip("jax")
    adapter = importlib.import_module("nstcore.backend.jax")
    told = {"bytes_limit": 900, "bytes_in_use": 300}
    device = SimpleNamespace(platform="gpu", memory_stats=lambda: told)
    monkeypatch.setattr(adapter.jax, "devices", lambda: [device])
    assert adapter.free_device_memory() == 600
