"""What a study varied, as a table of pictures."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline import plots
from pipeline.series import Series

GREY = np.full((40, 50, 3), 128, np.uint8)


def texts(figure):
    return {text.get_text() for text in figure.texts}


def test_the_last_axis_goes_across_and_all_else_down():
    series = [
        Series(backbone, (("pooling", pooling), ("style_weight", weight)))
        for backbone in ("vgg19", "vgg16")
        for pooling in ("max", "avg")
        for weight in ("10", "40")
    ]
    figure = plots.variant_table(dict.fromkeys(series[1:], GREY), series, title="t", missing={series[0]: "broke"})
    found = {text.replace("\n", " ") for text in texts(figure)}
    assert {"10", "40", "VGG19, pooling max", "VGG16, pooling avg", "broke"} <= found
    assert any("style_weight" in text for text in found)
    assert len(figure.images) == 7


def test_cases_of_one_backbone_each_stand_in_a_row_without_gaps():
    series = [Series("vgg19", (("case", "a"),)), Series("resnet50", (("case", "b"),))]
    figure = plots.variant_table(dict.fromkeys(series, GREY), series, title="t")
    assert len(figure.images) == 2
    assert "no picture" not in texts(figure)
    assert {"VGG19, case a", "ResNet50, case b"} <= {text.replace("\n", " ") for text in texts(figure)}


def test_without_variants_there_is_no_such_table():
    with pytest.raises(ValueError, match="must have a variant"):
        plots.variant_table({}, [Series("vgg19")], title="t")
