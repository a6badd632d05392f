"""Large pictures start from a smaller run."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from nstcore import ConfigError, TransferConfig, presets, style_transfer
from nstcore.level import optimize
from nstcore.loading import load_scene
from nstcore.recipe import resolve
from nstcore.result import Iterate
from nstcore.scene import coarse_levels

CONFIG = TransferConfig(backbone="vgg16", weights="random", size=96, iterations=4, coarse_sizes=(48, 64))


@pytest.fixture(scope="module")
def pictures(blotches):
    return blotches(1, 96, 80), blotches(2, 96, 96)


@pytest.mark.parametrize(
    ("size", "coarse"),
    [(256, ()), (511, ()), (512, (256,)), (1000, (250 * 2,)), (1024, (256, 512)), (2048, (256, 512, 1024))],
)
def test_large_pictures_start_at_halves_of_their_size(size, coarse):
    assert TransferConfig(size=size).resolved().coarse_sizes == coarse


@pytest.mark.parametrize("coarse_sizes", [(64, 64), (96,), (64, 48), "halves", (16,), (True,), 48, None])
def test_sizes_that_make_no_sense_are_refused(coarse_sizes):
    with pytest.raises(ConfigError, match="coarse_sizes"):
        dataclasses.replace(CONFIG, coarse_sizes=coarse_sizes)


def test_the_papers_had_one_size():
    assert presets.get("gatys2016", size=1024).resolved().coarse_sizes == ()
    assert presets.get("gupta2019", size=1024).resolved().coarse_sizes == ()


def test_settings_with_sizes_survive_json():
    assert TransferConfig.from_dict(CONFIG.to_dict()) == CONFIG
    assert TransferConfig.from_dict(TransferConfig().to_dict()) == TransferConfig()


def test_each_run_starts_from_the_one_before_enlarged(pictures):
    """Done by hand, size after size, with runs of one size alone."""
    result = style_transfer(*pictures, CONFIG)
    recipe = resolve(CONFIG)
    before = None
    for level in (*recipe.coarse(), recipe):
        scene = load_scene(pictures[0], [pictures[1]], level)
        (before,) = optimize([scene], level, coarse=[before])
    assert [run.size for run in result.coarse] == [48, 64]
    assert result.trace[0].total == pytest.approx(before.trace[0].total, rel=1e-4)
    assert np.abs(result.image.astype(int) - before.image).max() <= 2
    assert result.image.shape == (96, 80, 3)


def test_time_goes_on_and_every_run_is_reported(pictures):
    seen: list[Iterate] = []
    result = style_transfer(*pictures, CONFIG, seen.append)
    starts = [place for place, iterate in enumerate(seen) if iterate.iteration == 0]
    assert len(starts) == 3
    assert seen[starts[2] :] == list(result.trace)
    assert seen[: starts[1]] == list(result.coarse[0].trace)
    seconds = [iterate.seconds for iterate in seen]
    assert seconds == sorted(seconds)
    assert result.seconds >= seconds[-1]


def test_a_size_too_small_for_the_network_is_left_out(blotches):
    recipe = resolve(CONFIG)
    scene = load_scene(blotches(1, 96, 50), [blotches(2, 96, 96)], recipe)
    # At 48 px the strip would be 25 wide.
    assert [(level.size, rows) for level, rows in coarse_levels([scene], recipe)] == [(64, [0])]
