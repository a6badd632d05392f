"""Asked by `test_regions.py` on every backend: a loss with two regions, its gradient, and what it was made from."""

from __future__ import annotations

import json

import keras
import numpy as np

from nstcore import TransferConfig
from nstcore.pictures.region_map import RegionMap
from nstcore.problem import build_problem
from nstcore.scene import Scene, Style

CONFIG = TransferConfig(
    backbone="vgg16",
    weights="random",
    size=64,
    content_layers=("block2_conv2",),
    style_layers=("block1_conv1", "block2_conv1"),
)


def answers() -> dict[str, object]:
    random = np.random.default_rng(1)
    content, style = (random.integers(0, 256, shape, np.uint8) for shape in ((48, 64, 3), (64, 40, 3)))
    share = np.linspace(0, 1, 64, dtype=np.float32)[np.newaxis].repeat(48, 0)
    of_content = np.stack([share, 1 - share])
    of_style = np.stack([np.tile(np.arange(40) >= 15, (64, 1)), np.tile(np.arange(40) < 15, (64, 1))])
    regions = [RegionMap(("#ff0000", "#0000ff"), one.astype(np.float32)) for one in (of_content, of_style)]
    noisy = (content + random.normal(scale=15, size=(1, 48, 64, 3))).astype(np.float32)
    scene = Scene(content, (Style(style, regions=regions[1]),), regions[0])
    found = build_problem([scene], CONFIG).evaluate(noisy)
    return {
        "content": content,
        "style": style,
        "of_content": of_content,
        "of_style": of_style,
        "noisy": noisy,
        "config": json.dumps(CONFIG.to_dict()),
        "total": keras.ops.convert_to_numpy(found.terms["total"]),
        "gradient": keras.ops.convert_to_numpy(found.gradient),
    }
