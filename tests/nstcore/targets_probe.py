"""Run as a program by `test_targets.py`: targets on the Keras backend that KERAS_BACKEND names.

`python targets_probe.py PICTURES.npz OUT.npz` reads `content` and `style`, of different size; it writes the targets of
both, and how often a Gram matrix was asked for: for the first of them, for another picture of its size, for the style.
"""

from __future__ import annotations

import sys

import numpy as np

from nstcore import TransferConfig, targets

STYLE_LAYERS = ("block2_conv1", "block1_conv1")  # not sorted: targets keep the settings' order
CONTENT_LAYERS = ("block2_conv2",)


def main(pictures_path: str, out_path: str) -> None:
    pictures = np.load(pictures_path)
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
    found: dict[str, object] = {"counts": counts, "layers": list(style.grams)}
    found |= {f"content/{layer}": features for layer, features in content.features.items()}
    for kind, target in (("of_content", content.style), ("of_style", style)):
        found |= {f"{kind}/{layer}": gram for layer, gram in target.grams.items()}
        found |= {f"{kind}/positions/{layer}": count for layer, count in target.positions.items()}
    np.savez(out_path, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
