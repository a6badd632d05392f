"""What a study varied, as a table of pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pipeline.grid.series import Series
from pipeline.report import plots

GRAY = np.full((40, 50, 3), 128, np.uint8)


def texts(figure):
    return {text.get_text() for text in figure.texts}


def test_the_last_axis_goes_across_and_all_else_down():
    series = [
        Series(backbone, (("pooling", pooling), ("style_weight", weight)))
        for backbone in ("vgg19", "vgg16")
        for pooling in ("max", "avg")
        for weight in ("10", "40")
    ]
    figure = plots.variant_table(dict.fromkeys(series[1:], GRAY), series, title="t", missing={series[0]: "broke"})
    found = {text.replace("\n", " ") for text in texts(figure)}
    assert {"10", "40", "VGG19, pooling max", "VGG16, pooling avg", "broke"} <= found
    assert any("style_weight" in text for text in found)
    assert len(figure.images) == 7


def test_cases_of_one_backbone_each_stand_in_a_row_without_gaps():
    series = [Series("vgg19", (("case", "a"),)), Series("resnet50", (("case", "b"),))]
    figure = plots.variant_table(dict.fromkeys(series, GRAY), series, title="t")
    assert len(figure.images) == 2
    assert "no picture" not in texts(figure)
    assert {"VGG19, case a", "ResNet50, case b"} <= {text.replace("\n", " ") for text in texts(figure)}


def test_too_many_columns_for_a_page_are_a_wall(tmp_path):
    series = [Series("vgg19", (("seed", str(seed)),)) for seed in range(30)]
    colors = [(250, 8 * seed, 40) for seed in range(30)]
    pictures = {each: np.full((40, 60, 3), color, np.uint8) for each, color in zip(series, colors, strict=True)}
    del pictures[series[7]]
    figure = plots.variant_table(pictures, series, title="t", missing={series[7]: "broke"})
    assert texts(figure) >= {"t · VGG19 · seed", "broke", *(str(seed) for seed in range(30))}
    assert "no picture" not in texts(figure)  # the last line is shorter, and that is all
    plots.save(figure, tmp_path / "wall.png")
    wall = np.array(Image.open(tmp_path / "wall.png").convert("RGB"))
    assert wall.shape[0] < wall.shape[1] < 1000
    del colors[7]
    corners = [tuple(np.argwhere((wall == color).all(axis=2))[0]) for color in colors]
    assert corners == sorted(corners)  # line by line, in the study's order


def test_a_wall_of_several_backbones_names_them():
    series = [Series(name, (("seed", str(seed)),)) for name in ("vgg19", "vgg16") for seed in range(13)]
    figure = plots.variant_table(dict.fromkeys(series, GRAY), series, title="t")
    assert len(figure.images) == 26
    assert {"VGG19, seed 12", "VGG16, seed 0"} <= {text.replace("\n", " ") for text in texts(figure)}


def test_without_variants_there_is_no_such_table():
    with pytest.raises(ValueError, match="must have a variant"):
        plots.variant_table({}, [Series("vgg19")], title="t")
