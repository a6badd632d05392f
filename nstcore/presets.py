"""Named settings with their source. A preset fixes what its paper fixes; the rest stays at the defaults."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from nstcore.backbones import get_backbone
from nstcore.config import TransferConfig
from nstcore.errors import ConfigError


@dataclass(frozen=True)
class Preset:
    """Settings from one source.

    Attributes:
        source: paper and section, or how the values were found.
        settings: values of `TransferConfig` fields.
        layers: per backbone the layer settings, where the source names other layers than the backbone's own.
    """

    source: str
    settings: MappingProxyType[str, Any]
    layers: MappingProxyType[str, dict[str, tuple[str, ...]]]


def _vgg_pools() -> dict[str, tuple[str, ...]]:
    return {"style_layers": tuple(f"block{block}_pool" for block in range(1, 6))}


PRESETS: dict[str, Preset] = {
    "balanced": Preset(
        source="benchmarks/judge.py: weights at which all four backbones stylise and keep the content",
        settings=MappingProxyType({}),
        layers=MappingProxyType({}),
    ),
    "gatys2016": Preset(
        source="Gatys, Ecker, Bethge 2016: eq. 1 to 7, sections 2.2 and 3; alpha/beta = 1e-3, noise, average pooling",
        settings=MappingProxyType(
            {
                "pooling": "avg",
                "style_normalization": "gatys",
                "content_weight": 1e-3,
                "style_weight": 1.0,
                "total_variation_weight": 0.0,
                "init": "noise",
                "iterations": 500,
            }
        ),
        layers=MappingProxyType({}),
    ),
    "gupta2019": Preset(
        # Ten rounds of up to 20 evaluations, restarted; here one run of as many evaluations' worth of steps.
        source="Gupta, Sadana, Moudgil 2019, section 4: weights 0.025, 5 and 0.1, the five pooling layers, noise, "
        "average pooling; content layer and normaliser of the classic Keras example that it builds on",
        settings=MappingProxyType(
            {
                "pooling": "avg",
                "style_normalization": "keras-example",
                "content_weight": 0.025,
                "style_weight": 5.0,
                "total_variation_weight": 0.1,
                "total_variation": "power",
                "init": "noise",
                "iterations": 200,
            }
        ),
        layers=MappingProxyType(
            {
                "vgg16": _vgg_pools() | {"content_layers": ("block5_conv2",)},
                "vgg19": _vgg_pools() | {"content_layers": ("block5_conv2",)},
                # Neither network has five pooling layers: the last activation before each halving of the picture.
                "resnet50": {
                    "style_layers": (
                        "conv1_relu",
                        "pool1_pool",
                        "conv2_block3_out",
                        "conv3_block4_out",
                        "conv4_block6_out",
                    ),
                    "content_layers": ("conv4_block6_out",),
                },
                "inceptionv3": {
                    "style_layers": ("activation", "max_pooling2d", "max_pooling2d_1", "mixed3", "mixed8"),
                    "content_layers": ("mixed8",),
                },
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
    if name not in PRESETS:
        raise ConfigError(f"unknown preset; expected one of {', '.join(PRESETS)}. Received: preset={name!r}")
    preset = PRESETS[name]
    backbone = get_backbone(overrides.get("backbone", TransferConfig.backbone))
    return TransferConfig.from_dict({**preset.settings, **preset.layers.get(backbone.name, {}), **overrides})
