"""Asked by `test_targets.py` on every backend: targets of two pictures of different size, and the pictures.

Also how often a Gram matrix was asked for: for the first picture, for another of its size, for the style.
"""

from __future__ import annotations

import numpy as np

from nstcore import TransferConfig, targets

STYLE_LAYERS = ("block2_conv1", "block1_conv1")  # not sorted: targets keep the settings' order
CONTENT_LAYERS = ("block2_conv2",)


def answers() -> dict[str, object]:
    random = np.random.default_rng(1)
    pictures = {
        "content": random.integers(0, 256, (48, 64, 3), np.uint8),
        "style": random.integers(0, 256, (64, 40, 3), np.uint8),
    }
    config = TransferConfig(
        backbone="vgg16", weights="random", content_layers=CONTENT_LAYERS, style_layers=STYLE_LAYERS
    ).resolved()
    extractor = targets.target_network(config)
    counts, gram_matrix = [0], targets.gram_matrix

    def counted(features: object) -> object:
        counts[-1] += 1
        return gram_matrix(features)

    targets.gram_matrix = counted
    content = targets.content_target(pictures["content"], extractor, config)
    counts.append(0)
    targets.style_target(pictures["content"][::-1], extractor, config)
    counts.append(0)
    style = targets.style_target(pictures["style"], extractor, config)
    targets.gram_matrix = gram_matrix
    found: dict[str, object] = {**pictures, "counts": counts, "layers": list(style.grams)}
    found |= {f"content/{layer}": features for layer, features in content.features.items()}
    for kind, target in (("of_content", content.style), ("of_style", style)):
        found |= {f"{kind}/{layer}": gram for layer, gram in target.grams.items()}
        found |= {f"{kind}/positions/{layer}": count for layer, count in target.positions.items()}
    return found
