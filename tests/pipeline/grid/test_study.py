"""A study: what varies, crossed, from Python or from a TOML file."""

from __future__ import annotations

import itertools
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nstcore import ConfigError
from pipeline.grid.expansion import require_meant
from pipeline.grid.series import Series
from pipeline.grid.study import Axis, Choice, Study, read_study, varied

TOML = """
title = "Weights against pooling"
content_dir = "photos"
styles = ["wave"]
backbones = ["vgg19", "vgg16"]
preset = "gatys2016"

[settings]
size = 128

[sweep]
style_weight = [1, 2.5]
style_layers = [["block1_conv1"], ["block1_conv1", "block2_conv1"]]

[[cases]]
name = "plain"

[[cases]]
name = "repaired"
backbone = "resnet50"
style_normalization = "none"
style_layers = []
"""


def written(tmp_path, text):
    path = tmp_path / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_is_read_as_it_says(tmp_path):
    study = read_study(written(tmp_path, TOML))
    assert (study.title, study.content_dir, study.style_dir) == ("Weights against pooling", "photos", "inputs/style")
    assert (study.contents, study.styles, study.backbones) == ((), ("wave",), ("vgg19", "vgg16"))
    assert [axis.name for axis in study.axes] == ["case", "style_weight", "style_layers"]
    assert [choice.label for choice in study.axes[2].choices] == ["block1_conv1", "block1_conv1 + block2_conv1"]


def test_what_varies_is_crossed_and_a_case_may_be_of_one_backbone(tmp_path):
    combinations = list(read_study(written(tmp_path, TOML)).combinations())
    assert len(combinations) == 2 * 2 * 2
    assert [dict(each.variant)["style_weight"] for each in combinations] == ["1", "1", "2.5", "2.5"] * 2
    assert {each.preset for each in combinations} == {"gatys2016"}
    plain, repaired = combinations[0], combinations[4]
    assert plain.backbones == ("vgg19", "vgg16")
    assert plain.settings == {"size": 128, "style_weight": 1, "style_layers": ["block1_conv1"]}
    assert repaired.backbones == ("resnet50",)
    assert repaired.settings["style_normalization"] == "none"


@given(st.lists(st.lists(st.integers(1, 999), min_size=1, max_size=4, unique=True), max_size=3))
def test_every_combination_occurs_once_and_keeps_the_order(values):
    names = ("size", "iterations", "seed")[: len(values)]
    study = Study(axes=tuple(varied(name, each) for name, each in zip(names, values, strict=True)))
    assert [tuple(each.settings[name] for name in names) for each in study.combinations()] == list(
        itertools.product(*values)
    )


def test_presets_and_weights_vary_like_any_setting():
    study = Study(
        backbones=("vgg19", "nonsense"),
        axes=(varied("preset", ["balanced", "gatys2016"]), varied("weights", ["imagenet", "random"])),
    )
    assert [(each.preset, each.weights) for each in study.combinations()] == [
        ("balanced", "imagenet"),
        ("balanced", "random"),
        ("gatys2016", "imagenet"),
        ("gatys2016", "random"),
    ]
    assert all("preset" not in each.settings for each in study.combinations())
    assert study.networks() == [("vgg19", "imagenet"), ("vgg19", "random")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("size = 3", "unknown key; expected some of title, .*Received: size"),
        ("[settings]\nstyle_wieght = 3", "unknown setting; expected some of preset, backbone, .*style_wieght"),
        ("[sweep]\nsize = 3", r"sweep.size must be a list of values. Received: 3"),
        ("[sweep]\nsize = []", "size must go through one or more different values"),
        ("[sweep]\nsize = [1, 1]", r"different values. Received: \['1', '1'\]"),
        ('[sweep]\nbackbone = ["vgg19"]', "list the backbones in `backbones`"),
        ('[sweep]\npreset = ["balanced", "gatis"]', "unknown preset"),
        ("[[cases]]\nsize = 3", "each with a name"),
        ('[[cases]]\nname = "a"\n[[cases]]\nname = "a"', "case must go through one or more different values"),
        ("backbones = []", "one or more different names"),
        ('backbones = "vgg19"', "backbones must be a list of names"),
        ("title = 3", "title must be a text"),
        ("title = ", "is not TOML"),
    ],
)
def test_a_file_that_asks_for_what_is_not_there_is_one_line_with_its_name(tmp_path, text, expected):
    with pytest.raises(ConfigError, match=f"study.toml: .*{expected}") as caught:
        read_study(written(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_no_file_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere.toml: cannot be read"):
        read_study(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("value", "label"),
    [(1e-6, "1e-06"), (0.1, "0.1"), (0.123456789, "0.123456789"), (40, "40"), ([], "none"), (["a", "b"], "a + b")],
)
def test_a_value_is_written_as_people_do(value, label):
    assert varied("style_layers", [value]).choices[0].label == label


def test_files_of_series_are_told_apart_and_safe():
    variants = [(("case", text),) for text in ('a/b "<c>"', "a b c", "雪", "雨", "x" * 300, "x" * 299)]
    stems = [Series("vgg19", variant).file_stem for variant in variants]
    assert len(set(stems)) == len(variants)
    assert all(stem.isascii() and len(stem) < 90 and not set(stem) & set('/\\<>:"|?* ') for stem in stems)
    assert Series("vgg19").file_stem == "vgg19"


def test_cases_are_choices_of_an_axis():
    study = Study(axes=(Axis("case", (Choice("a", {"size": 1}), Choice("b", {}))),), settings={"size": 2})
    assert [each.settings["size"] for each in study.combinations()] == [1, 2]


def test_what_is_no_file_of_a_study_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "link.toml").symlink_to("/dev/zero")
    (tmp_path / "large.toml").write_text("#" * 2**21)
    for name, words in (("pipe", "no ordinary file"), ("link", "no ordinary file"), ("large", "larger than 1 MiB")):
        with pytest.raises(ConfigError, match=rf"{name}\.toml: is {words}"):
            read_study(tmp_path / f"{name}.toml")


@given(
    st.lists(st.lists(st.booleans(), min_size=1, max_size=4), max_size=4),
    st.integers(1, 3),
)
def test_cells_are_counted_as_they_would_be_listed(axes, backbones):
    """Of the choices of every axis some name a backbone of their own."""
    study = Study(
        backbones=("vgg16", "vgg19", "resnet50")[:backbones],
        axes=tuple(
            Axis(
                f"axis {place}",
                tuple(Choice(str(n), {"backbone": "vgg19"} if own else {}) for n, own in enumerate(choices)),
            )
            for place, choices in enumerate(axes)
        ),
    )
    assert study.cells_per_pair() == sum(len(each.backbones) for each in study.combinations())


def test_more_cells_than_anyone_means_are_counted_and_refused_at_once(tmp_path):
    for kind in ("content", "style"):
        (tmp_path / kind).mkdir()
        for number in range(10):
            (tmp_path / kind / f"{number}.png").touch()
    axes = tuple(
        varied(name, list(range(1, 101))) for name in ("style_weight", "content_weight", "total_variation_weight")
    )
    study = Study(str(tmp_path / "content"), str(tmp_path / "style"), backbones=("vgg19",), axes=axes)
    began = time.monotonic()
    with pytest.raises(ConfigError, match=r"100,000,000 cells: 10 content × 10 style pictures × 1,000,000 .*--many"):
        require_meant(study, many_cells=False)
    require_meant(study, many_cells=True)
    assert time.monotonic() - began < 5
