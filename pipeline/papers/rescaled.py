"""Filters rescaled to a mean activation of one, with losses as large as VGG19's are as it was trained.

The VGG16 that a machine without Keras' host gets is another training of it, whose activations are 36 to 355 times
smaller than VGG19's. A comparison of losses that are not balanced then tests the scale of that file. With rescaled
filters (Gatys et al. 2016, section 2) both networks have one scale; layer weights give each layer the size that the
formulas of the papers meet in Keras' VGG19, so that content, style and total variation weigh against one another as
there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Mean activations of Keras' VGG19 as it was trained, over `nstcore.networks.measuring_pictures`
#: (`nstcore.networks.activity`), with average and with max pooling.
_AVERAGE_POOLING = {
    "block1_pool": 105.6,
    "block2_pool": 95.4,
    "block3_pool": 280.9,
    "block4_pool": 17.7,
    "block5_pool": 0.262,
    "block5_conv2": 3.71,
}
_MAX_POOLING = {
    "block1_conv1": 23.9,
    "block2_conv1": 127.1,
    "block3_conv1": 135.4,
    "block4_conv1": 551.6,
    "block5_conv1": 47.5,
    "block4_conv2": 358.2,
}


def as_trained(
    content_weight: float, content_layer: str, style_layers: tuple[str, ...], *, pooling: str
) -> dict[str, Any]:
    """Settings of rescaled filters, for both VGG networks.

    A content term grows with the square of activations, a style term with their fourth power.
    """
    activity: Mapping[str, float] = _AVERAGE_POOLING if pooling == "avg" else _MAX_POOLING
    return {
        "filters": "normalized",
        "content_weight": content_weight * activity[content_layer] ** 2,
        "style_layer_weights": tuple(activity[layer] ** 4 / len(style_layers) for layer in style_layers),
    }
