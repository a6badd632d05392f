"""The pictures that optimisations start from."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from nstcore import ConfigError, PictureError, TransferConfig, build_objective
from nstcore.level import starting_picture
from nstcore.loading import load_scene
from nstcore.pictures.images import write_picture
from nstcore.pictures.initial import initial_picture
from nstcore.pictures.resizing import resize_to
from nstcore.recipe import resolve


def random_picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_initial_picture_from_content_and_style() -> None:
    content, style = random_picture(6, 9), random_picture(12, 5, seed=1)
    start = initial_picture("content", content, style, 0)
    assert start.dtype == np.float32
    np.testing.assert_array_equal(start, content)
    start = initial_picture("style", content, style, 0)
    assert start.dtype == np.float32
    np.testing.assert_array_equal(start, resize_to(style, 6, 9))


def test_initial_noise_is_seeded_uniform_and_full_range() -> None:
    content = random_picture(64, 64)
    noise = initial_picture("noise", content, content, 7)
    assert noise.dtype == np.float32
    assert noise.shape == content.shape
    assert 0 <= noise.min() < 1
    assert 254 < noise.max() <= 255
    assert abs(noise.mean() - 127.5) < 3
    assert abs(noise.std() - 255 / 12**0.5) < 3
    np.testing.assert_array_equal(noise, initial_picture("noise", content, content, 7))
    assert (noise != initial_picture("noise", content, content, 8)).any()


def test_noise_of_the_styles_colors(blotches) -> None:
    style = (blotches(2, 40, 30) // 3 + 80).astype(np.uint8)
    start = initial_picture("style-colors", random_picture(90, 110), style, 5)
    assert (start.shape, start.dtype) == ((90, 110, 3), np.float32)
    colors, wanted = start.reshape(-1, 3), style.reshape(-1, 3).astype(float)
    assert colors.mean(axis=0) == pytest.approx(wanted.mean(axis=0), abs=2.0)
    covariance = np.cov(wanted, rowvar=False)
    assert np.cov(colors, rowvar=False) == pytest.approx(covariance, abs=0.05 * np.abs(covariance).max())


def test_a_file_is_read_with_the_scene_and_stretched_to_the_contents_size_at_every_size(tmp_path) -> None:
    picture, content = random_picture(10, 30, 1), random_picture(40, 48)
    write_picture(tmp_path / "start.png", picture)
    config = TransferConfig(init=str(tmp_path / "start.png"), size=48, coarse_sizes=(40,))
    scene = load_scene(content, content, config)
    (tmp_path / "start.png").unlink()  # it is needed no more
    (coarse,) = resolve(config).coarse()
    for recipe, each in ((resolve(config), scene), (coarse, scene.at(coarse))):
        size = each.content.shape[:2]
        start = starting_picture(each, recipe, None)
        np.testing.assert_array_equal(start, resize_to(picture, *size).astype(np.float32))
    with pytest.raises(PictureError, match=r"start\.png"):
        load_scene(content, content, config)
    with pytest.raises(ConfigError, match="has to be given"):
        initial_picture(config.init, content, content, 0)


@pytest.mark.parametrize("kind", ["content", "noise"])
def test_noise_is_blended_in(kind) -> None:
    content = random_picture(40, 50)
    plain, noise = (initial_picture(kind, content, content, 3, share) for share in (0.0, 1.0))
    assert np.abs(noise - plain).mean() > 50  # also where the start is noise itself
    assert noise.mean() == pytest.approx(127.5, abs=3)
    half = initial_picture(kind, content, content, 3, 0.25)
    assert half == pytest.approx(0.75 * plain + 0.25 * noise, abs=1e-3)


def test_a_transfer_starts_from_there(content_picture, style_picture, tmp_path) -> None:
    write_picture(tmp_path / "start.png", style_picture)
    config = TransferConfig(backbone="vgg16", weights="random", size=64, init=tmp_path / "start.png", init_noise=0.5)
    assert config.init == str(tmp_path / "start.png")
    objective = build_objective(content_picture, style_picture, config)
    plain = build_objective(content_picture, style_picture, dataclasses.replace(config, init="style", init_noise=0.0))
    difference = objective.x0 - plain.x0
    assert 20 < np.abs(difference).mean() < 127


@pytest.mark.parametrize("wrong", ["contnet", "", 3, "a\0.png"])
def test_a_word_that_is_no_start_and_no_file_is_refused(wrong) -> None:
    with pytest.raises(ConfigError, match=r"init.*content, noise, style, style-colors, or the path of a picture"):
        TransferConfig(init=wrong)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, "much"])
def test_a_share_of_noise_is_between_0_and_1(wrong) -> None:
    with pytest.raises(ConfigError, match="init_noise"):
        TransferConfig(init_noise=wrong)
