"""The papers that train a network for a style: their losses, their networks, and how they train them.

`nst train --preset` takes all of it, `nst --preset` the losses.
"""

from __future__ import annotations

from typing import Any

from nstcore.presets.papers import PAPERS
from nstcore.presets.preset import Preset

# Johnson et al. 2016: the network of the supplement, table 1, with fractionally strided convolutions (3.1); the first
# of its two data sets' settings (4.1).
_JOHNSON_NETWORK: dict[str, Any] = {"width": 32, "blocks": 5, "strides": (2, 2), "upsampling": "transposed"}
_JOHNSON_TRAINING: dict[str, Any] = {
    "steps": 40_000,
    "batch": 4,
    "crop": 256,
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "warm_up": 0.0,
    "decay": 1.0,
    "weighting": "total",
    "reuse": 1,
}

FEED_FORWARD: dict[str, Preset] = {
    "johnson2016": Preset(
        source="Johnson, Alahi, Fei-Fei 2016: eq. 2 to 4 with VGG16, content at relu3_3, style at relu1_2, relu2_2, "
        "relu3_3 and relu4_3 (section 4.1), network of the supplement, table 1, Adam with 1e-3, batches of 4, 40,000 "
        "steps at 256 px without decay (4.1); weights 1 and 5, as in their code, and total variation of 1e-6 (4.1: "
        "1e-6 to 1e-4)",
        ours="instance normalization in place of that of the batch (Ulyanov 2016); random crops and flips in place of "
        "whole photographs made square; the weights are of their rescaled range of VGG16's activations",
        backbone="vgg16",
        settings={
            "style_normalization": "gatys",
            "losses": {"content": {"mean": True}},
            "content_weight": 1.0,
            # 1/N² Σ Δ² is 4 times eq. 4 of Gatys, and the four layers are summed, not averaged.
            "style_weight": 5.0 * 4.0 * 4.0,
            "total_variation_weight": 1e-6,
            "total_variation": "squared",
        },
        of_backbone={
            name: {
                "content_layers": ("block3_conv3",),
                "style_layers": ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3"),
            }
            for name in ("vgg16", "vgg19")
        },
        network=_JOHNSON_NETWORK,
        training=_JOHNSON_TRAINING,
    ),
    "khan2019-feedforward": Preset(
        source="Khan, Naseh, Sumanth, Hazra: the losses of khan2019 (average pooling, filters rescaled to a mean "
        "activation of one, total variation), a network trained by Adam for a few hours, with transposed convolutions "
        "or nearest neighbors (section III; `--upsampling`)",
        ours="network, batches, learning rate and steps, which are not given: those of johnson2016, with nearest "
        "neighbors; weights and layers as in khan2019",
        backbone="vgg19",
        settings={
            name: value for name, value in PAPERS["khan2019"].settings.items() if not name.startswith("optimizer")
        },
        network={**_JOHNSON_NETWORK, "upsampling": "nearest"},
        training=_JOHNSON_TRAINING,
    ),
}
