"""What networks see of a style that was given the content's colors: their mean and covariance, on real pictures."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nstcore import TransferConfig, problem, style_transfer
from nstcore.coloring import compared, compared_at
from nstcore.level import starting_picture
from nstcore.pictures.color import with_covariance_of, with_histogram_of
from nstcore.pictures.images import read_picture
from nstcore.pictures.region_map import RegionMap
from nstcore.recipe import resolve
from nstcore.scene import Scene, Style
from nstcore.transfer import transfer
from pipeline.samples.catalog import SAMPLES
from pipeline.samples.styles.textures import TEXTURES

# A Wasserstein distance of the picture itself keeps its mean and covariance, as they come into the network.
CONFIG = TransferConfig(
    backbone="vgg16",
    weights="random",
    size=64,
    iterations=1,
    style_weight=1.0,
    losses={"content": {}, "wasserstein": {"layers": ("picture",)}},
)
FULL, COARSE = 64, 48
# Colors that differ most among the samples: out of range by 100 and more once they are matched.
PHOTOGRAPHS = ("astronaut", "coffee", "chelsea")
STYLES = ("brushwork", "stained-glass", "marbled", "immunohistochemistry", "hubble-deep-field")


def shrunk(picture: np.ndarray, side: int) -> np.ndarray:
    """By Pillow alone."""
    height, width = (round(one * side / max(picture.shape)) for one in picture.shape[:2])
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    """The sample pictures that this machine has, 64 px; at least one photograph and three drawn styles."""
    found = {name: TEXTURES[name]() for name in STYLES if name in TEXTURES}
    for sample in SAMPLES:
        if sample.name in (*PHOTOGRAPHS, *STYLES) and sample.path is not None:
            found[sample.name] = read_picture(sample.path)
    return {name: shrunk(picture, FULL) for name, picture in found.items()}


@pytest.fixture(scope="module")
def pairs(pictures: dict[str, np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    contents, styles = ([pictures[name] for name in names if name in pictures] for names in (PHOTOGRAPHS, STYLES))
    assert contents
    assert len(styles) >= 3
    return list(product(contents, styles))


def statistics(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    colors = picture.reshape(-1, 3).astype(np.float64)
    mean = colors.sum(axis=0) / len(colors)
    return mean, (colors - mean).T @ (colors - mean) / len(colors)


def errors(found: tuple[np.ndarray, np.ndarray], content: np.ndarray) -> list[float]:
    """How far mean and covariance are off, as shares of the norms of the content's."""
    both = zip(found, statistics(content), strict=True)
    return [float(np.linalg.norm(mine - wanted) / np.linalg.norm(wanted)) for mine, wanted in both]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[np.ndarray, np.ndarray]]]:
    """Run by run, the mean and covariance that the network was given of each style."""
    found = []

    def watched(*arguments: Any) -> Any:
        targets = scene_targets(*arguments)
        kept = [style.kept["wasserstein", "picture"] for style in targets.styles]
        found.append([(arrays["mean"], arrays["covariance"]) for arrays in kept])
        return targets

    scene_targets = problem.scene_targets
    monkeypatch.setattr(problem, "scene_targets", watched)
    return found


def test_the_network_is_given_the_contents_mean_and_covariance_at_every_size(pictures, seen):
    content, names = pictures["astronaut"], ("brushwork", "stained-glass")
    config = replace(CONFIG, color="match", coarse_sizes=(COARSE,), style_scale=0.75)
    style_transfer(content, [pictures[name] for name in names], config)
    assert [len(styles) for styles in seen] == [2, 2]
    for content_there, styles in zip((shrunk(content, COARSE), content), seen, strict=True):
        for found in styles:
            assert max(errors(found, content_there)) < 1e-3


def test_real_pictures_are_matched_to_the_last_digits_of_float32(pairs):
    left_range = 0
    for content, style in pairs:
        matched = compared(Scene(content, (Style(style),)), "match").styles[0].picture
        assert matched.dtype == np.float32
        assert max(errors(statistics(matched), content)) < 1e-6
        left_range += matched.min() < -50 or matched.max() > 305
        # What the test is for: written as a picture it would not be matched.
        written = np.clip(np.rint(matched), 0, 255)
        assert max(errors(statistics(written), content)) > 1e-4
    assert left_range > len(pairs) / 2


def test_histograms_have_the_contents_mean_and_deviations_but_not_its_covariance(pairs):
    covariances = []
    for content, style in pairs:
        matched = compared(Scene(content, (Style(style),)), "match-histogram").styles[0].picture
        assert (content.min(axis=(0, 1)) - 1e-3 <= matched.min(axis=(0, 1))).all()
        assert (content.max(axis=(0, 1)) + 1e-3 >= matched.max(axis=(0, 1))).all()
        of_mean, of_covariance = errors(statistics(matched), content)
        assert of_mean < 1e-6
        assert matched.std(axis=(0, 1)) == pytest.approx(content.std(axis=(0, 1)), rel=0.05)
        covariances.append(of_covariance)
    assert max(covariances) > 0.1  # how channels go together stays the style's


def test_each_style_of_a_region_and_of_a_smaller_run_is_matched_by_itself(pictures):
    content = pictures["astronaut"]
    red, blue = "#ff0000", "#0000ff"
    styles = (Style(pictures["brushwork"], region=red), Style(pictures["marbled"], scale=0.5, region=blue))
    shares = np.zeros((2, *content.shape[:2]), np.float32)
    shares[0, :, :30] = shares[1, :, 30:] = 1.0
    scene = Scene(content, styles, RegionMap((red, blue), shares))
    level = resolve(replace(CONFIG, color="match", size=COARSE, coarse_sizes=()))
    for one, there in (
        (compared(scene, "match"), content),
        (compared_at(scene, level), shrunk(content, COARSE)),
    ):
        assert (one.content == there).all()
        assert [style.region for style in one.styles] == [red, blue]
        for style in one.styles:
            assert max(errors(statistics(style.picture), there)) < 1e-6
    assert [max(style.picture.shape) for style in one.styles] == [COARSE, COARSE // 2]


@pytest.mark.parametrize("kind", ["style", "luminance", "style-hues"])
def test_pictures_that_are_not_matched_stay_8_bits_and_are_resized_as_they_were_compared(pictures, kind):
    scene = Scene(pictures["astronaut"], (Style(pictures["brushwork"]),))
    level = resolve(replace(CONFIG, color=kind, size=COARSE, coarse_sizes=()))
    whole, small = compared(scene, kind), compared_at(scene, level)
    for given, made in ((whole.content, small.content), (whole.styles[0].picture, small.styles[0].picture)):
        assert made.dtype == np.uint8
        assert (made == shrunk(given, COARSE)).all()


@pytest.mark.parametrize(("kind", "by_hand"), [("match", with_covariance_of), ("match-histogram", with_histogram_of)])
def test_a_matched_style_is_what_is_transferred(blotches, kind, by_hand):
    content, style = blotches(1, 64, 64), blotches(2, 64, 64)
    config = TransferConfig(
        backbone="vgg16", weights="random", size=64, iterations=4, style_weight=1e4, coarse_sizes=()
    )
    ours = style_transfer(content, style, replace(config, color=kind))
    matched = by_hand(style, content).astype(np.float32)
    (expected,) = transfer([Scene(content, (Style(matched),))], config)
    assert ours.trace[-1].total == expected.trace[-1].total
    assert (ours.image == expected.image).all()


def test_a_start_from_a_matched_style_lies_in_range(pictures):
    scene = compared(Scene(pictures["astronaut"], (Style(pictures["brushwork"]),)), "match")
    matched = scene.styles[0].picture
    assert matched.min() < 0
    assert matched.max() > 255
    start = starting_picture(scene, resolve(replace(CONFIG, color="match", init="style", coarse_sizes=())), None)
    assert matched.shape == start.shape
    assert (start == np.clip(matched, 0, 255)).all()
