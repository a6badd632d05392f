"""What keeping values within 0..255 means for the picture that is written."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from nstcore import TransferConfig, build_objective, style_transfer

CONFIG = TransferConfig(backbone="vgg16", size=64, iterations=40, weights="random", style_weight=1e4)


@pytest.mark.parametrize("pixel_range", ["bounded", "free"])
def test_the_trace_speaks_of_the_picture_that_is_written(content_picture, style_picture, pixel_range):
    content_picture = np.where(content_picture < 100, 0, 255).astype(np.uint8)  # its values stand at the bounds
    config = dataclasses.replace(CONFIG, pixel_range=pixel_range)
    result = style_transfer(content_picture, style_picture, config)
    written = build_objective(content_picture, style_picture, config).components(
        result.image.astype(np.float64).ravel()
    )
    lost = written["total"] / result.trace[-1].total - 1
    # Rounding to whole grey levels costs little; values cut off cost a lot.
    assert abs(lost) < 0.005 if pixel_range == "bounded" else lost > 0.01
