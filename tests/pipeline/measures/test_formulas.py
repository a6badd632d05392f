"""The measures against oracles by hand: their ends, their formulas, and what is not defined."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from scipy.ndimage import correlate1d

from nstcore import MemoryShortageError, PictureError, WeightsError, memory
from nstcore.networks.weights import Provenance
from nstcore.pictures.resizing import resize_to
from pipeline.measures import formulas, judges
from pipeline.measures.distributions import sliced_distance, slices
from pipeline.measures.judges import JUDGES, JudgeFeatures
from pipeline.measures.names import MEASURES
from pipeline.measures.ssim import ssim

NAMES = {measure.name for measure in MEASURES}


def by_hand(picture):
    """A judge simple enough for paper: the colours themselves are the features of both layers."""
    features = picture.reshape(-1, 3).astype(np.float32) / 255
    gram = features.T @ features / np.float32(len(features))
    return JudgeFeatures(features, (gram, gram * 2), (slices(features), slices(features * 2)), features)


@pytest.fixture
def simple_judges(monkeypatch):
    """Both judges and LPIPS stand ready, and see what `by_hand` says."""
    forget()
    looks = []

    def features(judge, picture):
        looks.append(judge.name)
        return by_hand(picture)

    monkeypatch.setattr(formulas, "features_of", features)
    monkeypatch.setattr(formulas, "locate", lambda network: Provenance(network, "a test", "", network))
    monkeypatch.setattr(formulas, "_provenance", lambda network: Provenance(network, "a test", "", network))
    monkeypatch.setattr(formulas, "lpips", lambda one, other: 0.25)
    yield looks
    forget()


def forget():
    for cached in (formulas._content_features, formulas._style_of, formulas._references, formulas._lpips_features):
        cached.cache_clear()


@pytest.fixture
def pictures(blotches):
    return blotches(1, 40, 60), blotches(2, 50, 33)


def test_every_measure_that_has_a_name_is_taken(simple_judges, pictures, blotches):
    content, style = pictures
    measured = formulas.measure(blotches(3, 40, 60), content, style)
    assert measured.measures.keys() == NAMES
    assert measured.unmeasured == {}
    assert measured.judges.keys() == set(judges.NETWORKS)
    assert measured.judges["lpips"]["sha256"] == "lpips"


def test_the_content_picture_has_all_style_to_gain_and_no_content_lost(simple_judges, pictures):
    measures = formulas.measure(pictures[0], *pictures).measures
    for judge in JUDGES.values():
        assert not judge.by_grams or measures[f"style_{judge.name}"] == 1
        assert not judge.by_slices or measures[f"slices_{judge.name}"] == 1
        assert measures[f"content_{judge.name}"] == 0
    assert measures["ssim"] == pytest.approx(1, abs=1e-12)
    assert measures["colour_content"] == pytest.approx(0, abs=1e-12)


def test_the_style_picture_has_all_style_and_the_contents_distance_of_1(simple_judges, pictures):
    content, style = pictures
    made = resize_to(style, 40, 60)
    measures = formulas.measure(made, content, style).measures
    assert measures["content_vgg19"] == 1
    own = formulas.measure(made, content, made).measures
    assert own["style_vgg19"] == own["slices_mobilenet_v2"] == own["slices_efficientnet_lite0"] == 0
    assert own["coverage_efficientnet_lite0"] == 1


def test_shares_are_those_of_the_formula(simple_judges, pictures, blotches):
    content, style = pictures
    made = blotches(3, 40, 60)
    received = formulas.judged(JUDGES["vgg19"], made, content, style)
    (x, gram_x), (p, gram_p), (_, gram_a) = ((by_hand(one).content, by_hand(one).grams[0]) for one in (made, *pictures))
    resized = by_hand(resize_to(style, 40, 60)).content
    # The second layer is twice the first, so that its share is the same.
    assert received["style_vgg19"] == pytest.approx(((gram_x - gram_a) ** 2).sum() / ((gram_p - gram_a) ** 2).sum())
    assert received["content_vgg19"] == pytest.approx(((x - p) ** 2).sum() / ((resized - p) ** 2).sum())


def test_where_a_denominator_vanishes_nothing_is_defined_and_the_reason_is_said(simple_judges, pictures):
    content, _ = pictures
    black = np.zeros_like(content)
    for style in (content, np.ascontiguousarray(content)):
        measured = formulas.measure(black, content, style)
        shown = {"ssim", "lpips", "colour_style", "colour_content", "coverage_efficientnet_lite0"}
        assert measured.measures.keys() == shown
        assert "already has the style" in measured.unmeasured["style_vgg19"]
        assert "same content" in measured.unmeasured["content_vgg19"]
    assert formulas.measure(black, black, black).unmeasured.keys() == NAMES - measured.measures.keys()
    assert math.isnan(formulas.judged(JUDGES["vgg19"], black, content, content)["style_vgg19"])


def test_a_mixture_is_measured_as_the_mean_over_its_styles(simple_judges, pictures, blotches):
    """By their shares; what one of them leaves undefined is not defined."""
    content, style = pictures
    made, other = blotches(3, *content.shape[:2]), blotches(4, 50, 70)
    one, two = (formulas.measure(made, content, each) for each in (style, other))
    mixed = formulas.measure_mixture(made, content, [(style, 0.75), (other, 0.25)])
    assert mixed.measures.keys() == one.measures.keys()
    for name, value in mixed.measures.items():
        assert value == pytest.approx(0.75 * one.measures[name] + 0.25 * two.measures[name])
    assert mixed.judges == one.judges
    assert formulas.measure_mixture(made, content, [(style, 1.0)]) == one
    undefined = formulas.measure(made, content, content).unmeasured
    assert undefined
    assert formulas.measure_mixture(made, content, [(style, 0.5), (content, 0.5)]).unmeasured == undefined


def test_a_judge_that_is_not_there_costs_its_measures_alone(simple_judges, pictures, monkeypatch):
    monkeypatch.setattr(formulas, "locate", lambda network: None if network == "vgg19" else object())

    def gone(one, other):
        raise WeightsError("its file was deleted")

    monkeypatch.setattr(formulas, "lpips", gone)
    measured = formulas.measure(pictures[0], *pictures, {"vgg19": "no network"})
    assert measured.unmeasured == {
        "style_vgg19": "no network",
        "content_vgg19": "no network",
        "lpips": "its file was deleted",
    }
    assert measured.judges.keys() == {"efficientnet_lite0", "mobilenet_v2"}
    assert formulas.gaps(measured.unmeasured) == ("style_vgg19, content_vgg19: no network; lpips: its file was deleted")
    assert "not at hand" in formulas.measure(pictures[0], *pictures).unmeasured["style_vgg19"]


def test_what_cells_share_is_looked_at_once(simple_judges, pictures, blotches):
    for seed in range(3, 7):
        formulas.measure(blotches(seed, 40, 60), *pictures)
    # Each judge: four pictures made; content, style, and style at the content's size once.
    assert len(simple_judges) == len(JUDGES) * (4 + 3)


def test_what_does_not_fit_into_memory_is_refused_before_anyone_looks(simple_judges, pictures, monkeypatch):
    content, style = pictures
    monkeypatch.setattr(memory, "free_memory", lambda: 2**20)
    with pytest.raises(MemoryShortageError, match=r"60 x 40 pixels through the judges .* 5 MiB .* 1 MiB are free"):
        formulas.measure(content, content, style)
    assert not simple_judges


@pytest.mark.slow
@pytest.mark.pretrained
def test_the_judges_take_the_memory_that_is_asked_for():
    """Of a process of its own, whose peak is no other's."""
    program = """
import pathlib
import numpy as np
from nstcore import memory
from pipeline.measures import formulas

def peak():  # since the program began; getrusage would count the process that started it too
    status = pathlib.Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])

def pictures(height, width):
    return np.random.default_rng(0).integers(0, 256, (3, height, width, 3), np.uint8)

formulas.measure(*pictures(48, 64))
asked = []
memory.require_bytes = lambda required, who: asked.append(required)
before = peak()
assert formulas.measure(*pictures(384, 512)).unmeasured == {}
print((peak() - before) / asked[0])
"""
    alone = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert alone.returncode == 0, alone.stderr
    assert 0.7 < float(alone.stdout) < 1


def test_a_picture_of_another_size_is_refused(simple_judges, pictures):
    with pytest.raises(PictureError, match=r"size of its content picture \(40, 60\).*\(50, 33\)"):
        formulas.measure(pictures[1], *pictures)


def ssim_by_hand(one, other):
    """Wang 2004, equation 13, with an 11 x 11 Gaussian window of σ = 1.5; where the window lies inside."""
    place = np.arange(-5, 6)
    window = np.exp(-(place**2) / (2 * 1.5**2))
    window /= window.sum()

    def local(image):
        for axis in (0, 1):
            image = correlate1d(image, window, axis=axis)
        return image[5:-5, 5:-5]

    x, y = (picture @ np.array([0.299, 0.587, 0.114]) for picture in (one, other))
    mean_x, mean_y = local(x), local(y)
    var_x, var_y, covariance = local(x * x) - mean_x**2, local(y * y) - mean_y**2, local(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    numerator = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return (numerator / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))).mean()


def test_ssim_is_wangs(blotches):
    one, other = blotches(1, 40, 50), blotches(2, 40, 50)
    assert ssim(one, other) == pytest.approx(ssim_by_hand(one, other), abs=1e-9)
    assert ssim(one, one) == pytest.approx(1)
    # Luminance alone: a change of colour that leaves it is none. 299 · 100 = 587 · 0 + 114 · x has no whole x.
    gray, tinted = np.full((20, 20, 3), 100, np.uint8), np.full((20, 20, 3), (157, 71, 100), np.uint8)
    assert ssim(gray, tinted) == pytest.approx(1, abs=1e-5)


def test_colors_are_counted_by_cubes_of_32_levels():
    black, dark, white = (np.full((4, 6, 3), level, np.uint8) for level in (0, 31, 255))
    half = np.concatenate([black, white])
    assert formulas.color_distance(black, dark) == 0  # one cube
    assert formulas.color_distance(black, white) == 1
    assert formulas.color_distance(half, white) == 0.5  # whatever the sizes
    red = np.full((4, 6, 3), (255, 0, 0), np.uint8)
    assert formulas.color_distance(red, red[..., ::-1]) == 1


@pytest.mark.pretrained
def test_the_judges_know_paintings_apart():
    """Two crops of one texture are closer in style than crops of two textures, for every judge."""
    from skimage import data

    textures = [data.brick(), data.grass(), data.gravel()]
    crops = [np.repeat(picture[..., None], 3, axis=2) for picture in textures]
    halves = [(picture[:192, :192], picture[-192:, -192:]) for picture in crops]
    for judge in JUDGES.values():
        features = [[judges.features_of(judge, half) for half in pair] for pair in halves]
        for place, (one, other) in enumerate(features):
            for stranger in (each for index, pair in enumerate(features) for each in pair if index != place):
                for gram, same, strange in zip(one.grams, other.grams, stranger.grams, strict=True):
                    assert gram.shape == strange.shape == same.shape
                near, far = (_difference(one, third) for third in (other, stranger))
                assert near < far


def _difference(one, other):
    """Of Gram matrices where the judge compares them, of slices where it does not."""
    if not one.grams:
        return sum(sliced_distance(a, b) / (a**2).mean() for a, b in zip(one.slices, other.slices, strict=True))
    return sum(formulas.gram_distance(a, b) / (a**2).sum() for a, b in zip(one.grams, other.grams, strict=True))
