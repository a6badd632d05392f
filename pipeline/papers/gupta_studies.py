"""What is run for Gupta, Sadana and Moudgil 2019."""

from __future__ import annotations

from typing import Any

from pipeline.grid.study import Axis, Choice, Study, varied

_BACKBONES = ("inceptionv3", "resnet50", "vgg16", "vgg19")

# "When the number of pooling layers is increased from 5 to 12 in case of ResNet50" (section 5), without saying which:
# the preset's five, and seven more block outputs between them.
_TWELVE = (
    "conv1_relu",
    "conv2_block1_out",
    "conv2_block3_out",
    "conv3_block1_out",
    "conv3_block2_out",
    "conv3_block4_out",
    "conv4_block1_out",
    "conv4_block3_out",
    "conv4_block5_out",
    "conv4_block6_out",
    "conv5_block1_out",
    "conv5_block3_out",
)
_FIVE = ("conv1_relu", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out", "conv5_block3_out")

# One run of as many iterations as their ten rounds have evaluations.
_ONE_RUN: dict[str, Any] = {"optimizer_settings": {}}

STUDIES = {
    "comparison": Study(title="Gupta 2019: four networks", backbones=_BACKBONES, preset="gupta2019", settings=_ONE_RUN),
    "resnet50_layers": Study(
        title="Gupta 2019: ResNet50 with 5 and 12 layers",
        backbones=("resnet50",),
        preset="gupta2019",
        settings=_ONE_RUN,
        axes=(Axis("layers", (Choice("5", {"style_layers": _FIVE}), Choice("12", {"style_layers": _TWELVE}))),),
    ),
    "total_variation": Study(
        title="Gupta 2019: total variation",
        backbones=("vgg19", "vgg16"),
        preset="gupta2019",
        settings=_ONE_RUN,
        axes=(varied("total_variation_weight", (0.0, 0.1)),),
    ),
    "balanced": Study(title="Gupta 2019: ours, the balanced loss", backbones=_BACKBONES, preset="balanced"),
}
