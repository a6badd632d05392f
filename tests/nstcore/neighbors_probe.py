"""Asked by `losses/test_neighbors_on_backends.py` on every backend: searches, and losses that look for neighbors.

Searches are of whole numbers, so that every backend has the same products to the last bit.
"""

from __future__ import annotations

import keras
import numpy as np

from nstcore import TransferConfig, build_objective
from nstcore.losses import nearest
from nstcore.losses.patch_search import nearest_patches
from nstcore.losses.resizing import resized, triangles

LAYERS = ("block1_conv1", "block1_conv2", "block2_conv1")
LOSSES = ("patches", "nearest_neighbors", "earth_movers", "self_similarity")
STRIDES = (1, 2)


def features() -> tuple[np.ndarray, np.ndarray]:
    """Of two pictures and of two styles of another size."""
    random = np.random.default_rng(0)
    mine, style = (random.integers(-3, 4, (2, *sides, 3)).astype(np.float32) for sides in ((7, 9), (12, 8)))
    return mine, style


def answers() -> dict[str, object]:
    random = np.random.default_rng(1)
    content, style = (random.integers(0, 256, (*sides, 3), np.uint8) for sides in ((40, 48), (48, 32)))
    found: dict[str, object] = {}
    mine, others = features()
    queries, keys = (one.reshape(2, -1, 3) for one in (mine, others))
    whole = keras.ops.convert_to_numpy
    patched = [keras.ops.convert_to_tensor(one) for one in (mine, others)]
    before, nearest.AT_ONCE = nearest.AT_ONCE, 5 * 128  # several chunks, the last of which overlaps another
    found["nearest"] = whole(nearest.nearest(*map(keras.ops.convert_to_tensor, (queries, keys))))
    for stride in STRIDES:
        found[f"patches/{stride}"] = whole(nearest_patches(*patched, 3, stride))
    nearest.AT_ONCE = before
    found["resized"] = whole(resized(patched[0], 3, 13, triangles))
    config = TransferConfig(
        "vgg16",
        weights="random",
        size=48,
        content_layers=LAYERS[:1],
        style_layers=LAYERS[:1],
        losses={
            "gram": {"weight": 0.0},
            **{name: {"layers": LAYERS} for name in LOSSES},
            "patches": {"layers": LAYERS, "rotations": (90.0,)},
            "nearest_neighbors": {"layers": LAYERS, "fixed": False, "rotations": (30.0,), "scales": (1.2,)},
            "earth_movers": {"layers": LAYERS, "samples": 200},
        },
    )
    objective = build_objective(content, style, config)
    x = objective.x0 + random.normal(scale=20, size=objective.x0.shape)
    terms = objective.components(x)
    found["terms"] = [terms[name] for name in LOSSES]
    found["gradient"] = objective(x)[1]
    return found
