"""From targets and settings to the numbers the loss graph is fed with: its targets, coefficients and weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nstcore.config import TransferConfig
from nstcore.losses import style_coefficient, style_target_divisor
from nstcore.targets import ContentTarget, StyleTarget

# A reference below this share of the style's own energy means that the content picture already has the style (it may be
# the same picture); dividing by it would turn rounding errors into a loss.
_LEAST_REFERENCE = 1e-6
# A content picture with less structure than this share of the style picture's is next to flat. Measured with VGG19, 64
# to 512 px: pictures of one color have 0, gray with noise of one level 0.001 of that of "The Starry Night"; the least
# of 15 photographs, a blurred one, has 0.03 of that, and 0.004 of that of harsh stripes.
_FLAT = 0.003
# A flat one is weighed as if it had this share. Its own features are those of the frame of padding, and what any style
# adds to them costs so much that the picture stays what it is: with VGG19, 64 px and the default weights the style lost
# nothing at 0.015, half or more at 0.05, and 0.8 and more at 0.2, about what photographs have.
_STRUCTURE_OF_FLAT = 0.2
# And nothing is divided by 0: a black picture has no energy at all.
_TINY = float(np.finfo(np.float32).tiny)


def graph_inputs(
    config: TransferConfig, content: ContentTarget, style: StyleTarget, height: int, width: int
) -> dict[str, Any]:
    """Everything `loss_graph.build_loss_graph` takes besides the picture, as float32 arrays.

    Args:
        config: resolved settings.
        content, style: targets computed with the same settings.
        height, width: of the picture that is optimised, which is the content picture's.
    """
    style_targets, style_coefficients = [], []
    for layer, layer_weight in zip(config.style_layers, config.style_layer_weights, strict=True):
        positions, gram = content.style.positions[layer], style.grams[layer]
        divisor = style_target_divisor(
            config.style_normalization, positions=positions, style_positions=style.positions[layer]
        )
        style_targets.append(gram * np.float32(style.positions[layer] / divisor))
        coefficient = style_coefficient(
            config.style_normalization,
            channels=gram.shape[0],
            positions=positions,
            pixels=height * width,
            reference=style_reference(content.style.grams[layer], gram),
        )
        style_coefficients.append(layer_weight * coefficient)
    balanced = config.style_normalization == "balanced"
    content_coefficients = [
        1.0 / content_reference(content.features[layer], content.style.structures[layer], style.structures[layer])
        if balanced
        else 1.0
        for layer in config.content_layers
    ]
    weights = (config.content_weight, config.style_weight, config.total_variation_weight)
    with np.errstate(over="ignore"):  # beyond float32 the loss becomes infinite, and the objective says so
        return {
            "content_targets": [content.features[layer] for layer in config.content_layers],
            "style_targets": style_targets,
            "content_coefficients": np.asarray(content_coefficients, np.float32),
            "style_coefficients": np.asarray(style_coefficients, np.float32),
            "weights": np.asarray(weights, np.float32),
        }


def stack_inputs(inputs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Join the `graph_inputs` of several pictures of a size into those of the graph of their batch."""

    def stack(*leaves: Any) -> Any:
        return (
            [stack(*parts) for parts in zip(*leaves, strict=True)] if isinstance(leaves[0], list) else np.stack(leaves)
        )

    return {name: stack(*(one[name] for one in inputs)) for name in inputs[0]}


def style_reference(content_gram: np.ndarray, style_gram: np.ndarray) -> float:
    """The "balanced" reference of a style layer: Σ (G/M - A/M)² at the content picture, where its term is 1."""
    distance = float(np.sum(np.square(content_gram - style_gram, dtype=np.float64)))
    energy = float(np.sum(np.square(style_gram, dtype=np.float64)))
    return max(distance, _LEAST_REFERENCE * energy, _TINY)


def content_reference(features: np.ndarray, structure: float, style_structure: float) -> float:
    """The "balanced" reference of a content layer: ½ Σ (P - mean P)², the loss of a picture without any structure.

    That of a picture that is next to flat is larger, the more the flatter it is (`_STRUCTURE_OF_FLAT`).

    Args:
        features: P, (M, N).
        structure, style_structure: of this picture and the style's, by position (`StyleTarget.structures`).
    """
    spread = 0.5 * float(np.sum(np.square(features - features.mean(axis=0), dtype=np.float64)))
    positions: int = features.shape[0]
    flatness = max(0.0, 1.0 - structure / max(_FLAT * style_structure, _TINY))
    return max(spread, flatness * _STRUCTURE_OF_FLAT * style_structure * positions, _TINY)
