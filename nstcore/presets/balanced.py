"""The default settings, network by network: measured by judges that are not optimised (`benchmarks.pictures`)."""

from __future__ import annotations

from typing import Any

from nstcore.networks.backbones import Backbone
from nstcore.presets.preset import Preset

# Residual and Inception networks answer to a grid of single pixels as they do to strokes. VGG does not: its pictures
# are the same either way. Measured for ResNet50 and InceptionV3; other networks are taken to be like these.
_STROKES: dict[str, Any] = {"parametrization": "fourier"}

BALANCED = Preset(
    "benchmarks/pictures.py: settings at which each backbone stylises best by judges that it does not optimise",
    of_backbone={
        "resnet50": {
            # The ends of blocks, where all that a stage knows comes together, in place of layers inside them; more of
            # them cost time and gained nothing. What is at an eighth of the picture's size holds on to the content as
            # VGG's block4_conv2 does.
            "style_layers": (
                "conv1_relu",
                "conv2_block3_out",
                "conv3_block2_out",
                "conv3_block4_out",
                "conv4_block1_1_relu",
            ),
            "content_layers": ("conv3_block4_out",),
        },
        # Its style layers come near to those of the style picture soon, and what is left of them counts little.
        "inceptionv3": {"style_weight": 400.0},
    },
    from_layers=lambda backbone: {} if is_vgg(backbone) else _STROKES,
)


def is_vgg(backbone: Backbone) -> bool:
    """Whether a network is of plain convolutions and max pooling, for which the papers' settings are made."""
    return backbone.application.startswith("VGG")
