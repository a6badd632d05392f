"""Asked by `test_targets.py` on every backend: targets of two pictures of different size, and the pictures.

Also how often a Gram matrix was asked for: for the first picture, for another of its size, for the style.
"""

from __future__ import annotations

import numpy as np

from nstcore import TransferConfig
from nstcore.losses.gram import Gram
from nstcore.recipe import resolve
from nstcore.targets import compute_targets

STYLE_LAYERS = ("block2_conv1", "block1_conv1")
CONTENT_LAYERS = ("block2_conv2",)


def answers() -> dict[str, object]:
    random = np.random.default_rng(1)
    pictures = {
        "content": random.integers(0, 256, (48, 64, 3), np.uint8),
        "style": random.integers(0, 256, (64, 40, 3), np.uint8),
    }
    recipe = resolve(
        TransferConfig(backbone="vgg16", weights="random", content_layers=CONTENT_LAYERS, style_layers=STYLE_LAYERS)
    )
    counts, target = [0], Gram.target

    def counted(self: Gram, *arguments: object) -> object:
        counts[-1] += 1
        return target(self, *arguments)

    Gram.target = counted
    content = compute_targets(pictures["content"], "content", recipe)
    counts.append(0)
    compute_targets(pictures["content"][::-1], "content", recipe)
    counts.append(0)
    style = compute_targets(pictures["style"], "style", recipe)
    Gram.target = target
    found: dict[str, object] = {**pictures, "counts": counts}
    for kind, targets in (("of_content", content), ("of_style", style)):
        found |= {f"{kind}/{path}": array for path, array in targets.to_arrays().items()}
    return found
