"""Named settings with their source. A preset fixes what its paper fixes; the rest stays at the defaults."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from nstcore.config import TransferConfig
from nstcore.errors import ConfigError, received
from nstcore.networks.backbones import get_backbone


@dataclass(frozen=True)
class Preset:
    """Settings from one source.

    Attributes:
        source: paper and section, or how the values were found.
        settings: values of `TransferConfig` fields.
        of_backbone: per backbone the settings that the source has for it alone, layers above all.
    """

    source: str
    settings: MappingProxyType[str, Any]
    of_backbone: MappingProxyType[str, dict[str, Any]]


def _vgg_pools() -> dict[str, tuple[str, ...]]:
    return {"style_layers": tuple(f"block{block}_pool" for block in range(1, 6))}


_GATYS_2016: dict[str, Any] = {
    "pooling": "avg",
    "style_normalization": "gatys",
    "content_weight": 1e-3,
    "style_weight": 1.0,
    "total_variation_weight": 0.0,
    "init": "noise",
    "pixel_range": "free",
    "coarse_sizes": (),
    "optimizer": "lbfgs",
    "iterations": 500,
}

PRESETS: dict[str, Preset] = {
    "balanced": Preset(
        source="benchmarks/judge.py: weights at which all four backbones stylise and keep the content",
        settings=MappingProxyType({}),
        of_backbone=MappingProxyType({}),
    ),
    "gatys2016": Preset(
        # Their VGG19 was rescaled to a mean activation of 1, which Keras' is not: a ratio means something else here.
        source="Gatys, Ecker, Bethge 2016: eq. 1 to 7, layers of section 3, alpha/beta = 1e-3, noise, average pooling; "
        "the number of iterations is ours",
        settings=MappingProxyType(_GATYS_2016),
        of_backbone=MappingProxyType({}),
    ),
    "gupta2019": Preset(
        # Ten rounds of up to 20 evaluations each, restarted; here one run of as many iterations.
        source="Gupta, Sadana, Moudgil 2019: five pooling layers (section 4), average pooling (3.3), weights 0.025, 5 "
        "and 0.1 and a start from noise (5); normaliser and content layer of the classic Keras example, which their "
        "losses point to",
        settings=MappingProxyType(
            {
                "pooling": "avg",
                "style_normalization": "keras-example",
                "content_weight": 0.025,
                "style_weight": 5.0,
                "total_variation_weight": 0.1,
                "total_variation": "power",
                "init": "noise",
                "pixel_range": "free",
                "coarse_sizes": (),
                "optimizer": "lbfgs",
                "iterations": 200,
            }
        ),
        of_backbone=MappingProxyType(
            {
                "vgg16": _vgg_pools() | {"content_layers": ("block5_conv2",)},
                "vgg19": _vgg_pools() | {"content_layers": ("block5_conv2",)},
                # Neither network has five pooling layers: five stages instead, each at half the size of the last, and
                # the content layer at a sixteenth of the picture's size, as VGG's is.
                "resnet50": {
                    "style_layers": (
                        "conv1_relu",
                        "conv2_block3_out",
                        "conv3_block4_out",
                        "conv4_block6_out",
                        "conv5_block3_out",
                    ),
                    "content_layers": ("conv4_block6_out",),
                },
                "inceptionv3": {
                    "style_layers": ("activation", "max_pooling2d", "max_pooling2d_1", "mixed3", "mixed8"),
                    "content_layers": ("mixed7",),
                },
            }
        ),
    ),
    "lisciandrello": Preset(
        # The paper gives alpha/beta and the weight of the total variation, but neither alpha nor beta. Beta is that of
        # Keras' current example, which their total variation weight, learning rate and its decay are from.
        source="Lisciandrello, Inzerillo, Monti: layers and max pooling of section 3.1, eq. 1 to 5, alpha/beta = 1e-4, "
        "total variation 1e-6 and 1000 iterations (3.3), no denominator for ResNet50 (3.2.1); beta = 1e-6 and start "
        "from the content picture as in Keras' example; L-BFGS where they descend by gradients",
        settings=MappingProxyType(
            {
                "pooling": "max",
                "style_normalization": "gatys",
                "content_weight": 1e-10,
                "style_weight": 1e-6,
                "total_variation_weight": 1e-6,
                "total_variation": "power",
                "init": "content",
                "pixel_range": "free",
                "coarse_sizes": (),
                "optimizer": "lbfgs",
                "iterations": 1000,
            }
        ),
        of_backbone=MappingProxyType(
            {
                "resnet50": {
                    "style_normalization": "none",
                    "style_layers": (
                        "conv2_block3_1_conv",
                        "conv3_block1_1_conv",
                        "conv4_block1_1_conv",
                        "conv5_block1_1_conv",
                    ),
                    "content_layers": ("conv5_block1_1_conv",),
                }
            }
        ),
    ),
    "xu2016": Preset(
        # Their weights are Gatys' rescaled VGG19's, Keras' are not: a ratio means something else here.
        source="Xu, Shi, Pei 2016: average pooling (section IV-A), noise and eq. 1 to 3, layers of figure 12 and its "
        "smallest alpha/beta, 5e-9; gamma of eq. 5 is not given and taken as 0; the number of iterations is ours",
        settings=MappingProxyType({**_GATYS_2016, "content_weight": 5e-9}),
        of_backbone=MappingProxyType({}),
    ),
    "bordag": Preset(
        source="Bordag, Brandon, Lei: content summed over several layers (eq. 4), w_l = 1/|L| (eq. 8), start from the "
        "content picture (algorithm 1); layers, weights and iterations are not given and ours; L-BFGS where they "
        "descend by gradients (eq. 11)",
        settings=MappingProxyType(
            {
                "pooling": "max",
                "style_normalization": "gatys",
                "content_weight": 1e-3,
                "style_weight": 1.0,
                "total_variation_weight": 0.0,
                "init": "content",
                "pixel_range": "free",
                "coarse_sizes": (),
                "optimizer": "lbfgs",
                "iterations": 500,
            }
        ),
        of_backbone=MappingProxyType(
            {
                "vgg16": {"content_layers": ("block4_conv2", "block5_conv2")},
                "vgg19": {"content_layers": ("block4_conv2", "block5_conv2")},
            }
        ),
    ),
}


def get(name: str, **overrides: Any) -> TransferConfig:
    """Build the configuration of a preset.

    Args:
        name: a name in `PRESETS`.
        overrides: values of `TransferConfig` fields that take precedence, `backbone` among them.

    Raises:
        ConfigError: for an unknown preset, setting or value, listing what is allowed.
    """
    if not isinstance(name, str) or name not in PRESETS:
        raise ConfigError(f"unknown preset; expected one of {', '.join(PRESETS)}. Received: preset={received(name)}")
    preset = PRESETS[name]
    backbone = get_backbone(overrides.get("backbone", TransferConfig.backbone))
    return TransferConfig.from_dict({**preset.settings, **preset.of_backbone.get(backbone.name, {}), **overrides})
