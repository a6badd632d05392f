"""Style pictures at a size of their own."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from nstcore import (
    ConfigError,
    MemoryShortageError,
    PictureError,
    StyleSource,
    TransferConfig,
    build_objective,
    memory,
    style_transfer,
)
from nstcore.loading import load_scene
from nstcore.pictures.resizing import resize
from nstcore.recipe import resolve

CONFIG = TransferConfig(backbone="vgg16", weights="random", size=64, iterations=2)


def scaled(scale: float, **others: object) -> TransferConfig:
    return dataclasses.replace(CONFIG, style_scale=scale, **others)


def test_a_scaled_style_is_the_picture_at_that_size(content_picture, blotches):
    style = blotches(5, 200, 150)
    scene = load_scene(content_picture, style, scaled(2.0))
    assert (scene.styles[0].picture == resize(style, 128)).all()
    assert scene.content.shape == (48, 64, 3)
    losses = [build_objective(content_picture, style, config) for config in (scaled(2.0), CONFIG)]
    noise = np.random.default_rng(0).uniform(0, 255, losses[0].x0.size)
    two, one = (loss.components(noise)["style"] for loss in losses)
    assert two != pytest.approx(one, rel=1e-3)


def test_scales_of_the_settings_and_of_a_style_multiply(content_picture, blotches):
    config = scaled(0.5, size=128)
    scene = load_scene(content_picture, [StyleSource(blotches(1, 99, 99), scale=3.0), blotches(2, 99, 99)], config)
    assert [style.picture.shape[0] for style in scene.styles] == [192, 64]
    smaller = dataclasses.replace(resolve(config), config=dataclasses.replace(config, size=64))
    assert [style.picture.shape[0] for style in scene.at(smaller).styles] == [96, 32]


@pytest.mark.parametrize("scale", [0, -1, "2", float("nan"), True, 0.49, 1e300])
def test_scales_that_leave_no_picture_are_refused(scale):
    with pytest.raises(ConfigError, match=r"style_scale.*(finite number > 0|whole number >= 32)") as raised:
        scaled(scale)
    assert "\n" not in str(raised.value)


def test_a_style_that_gets_too_narrow_says_why(content_picture, blotches):
    config = scaled(0.75)
    with pytest.raises(PictureError, match=r"resized to a longest side of 48.*larger style scale \(it is 0\.75\)"):
        load_scene(content_picture, blotches(1, 60, 100), config)
    load_scene(content_picture, blotches(1, 60, 100), CONFIG)


def test_coarse_runs_scale_along_and_those_too_small_are_left_out(blotches):
    config = TransferConfig(
        backbone="vgg16", weights="random", size=128, iterations=2, coarse_sizes=(40, 64), style_scale=0.5
    )
    assert [level.size for level in resolve(config).coarse()] == [64]
    result = style_transfer(blotches(1, 100, 128), blotches(2, 128, 128), config)
    assert [run.size for run in result.coarse] == [64]


def test_a_picture_with_too_few_pixels_is_enlarged_and_that_is_said(content_picture, blotches):
    said: list[str] = []
    config = scaled(2.0)
    scene = load_scene(content_picture, blotches(1, 90, 60), config, on_enlarging=said.append)
    assert scene.styles[0].picture.shape == (128, 85, 3)
    assert said == ["array has 60 x 90 pixels and is enlarged to 85 x 128"]
    load_scene(content_picture, blotches(1, 128, 128), config, on_enlarging=said.append)
    assert len(said) == 1


def test_a_style_too_large_for_the_memory_is_refused_in_one_line(content_picture, blotches, monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 2**27)
    build_objective(content_picture, blotches(1, 64, 64), CONFIG)
    with pytest.raises(MemoryShortageError, match=r"^a style picture of 640 x 640 pixels .*MiB are free; choose a sm"):
        build_objective(content_picture, blotches(1, 64, 64), scaled(10.0))
