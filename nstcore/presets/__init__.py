"""Named settings with their source. A preset fixes what its source fixes; the rest stays at the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nstcore.config import TransferConfig
from nstcore.errors import ConfigError, received
from nstcore.networks.backbones import BACKBONES, FURTHER, get_backbone
from nstcore.presets.methods import METHODS
from nstcore.presets.papers import PAPERS
from nstcore.presets.preset import Preset
from nstcore.presets.programs import PROGRAMS

__all__ = ["PRESETS", "Preset", "get"]

PRESETS: dict[str, Preset] = {
    "balanced": Preset("benchmarks/judge.py: weights at which all four backbones stylise and keep the content"),
    **PAPERS,
    **METHODS,
    **PROGRAMS,
}
# Its name before there was more than one of that report.
PRESETS["xu2016"] = PRESETS["xu2016-gatys"]


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
    backbone = get_backbone(overrides.get("backbone", TransferConfig.backbone))
    return TransferConfig.from_dict(settings_of(name, backbone.name, overrides))


def settings_of(name: str, backbone: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """What is set for a backbone by a preset that exists, and by what takes precedence over it; unchecked.

    A backbone that does not exist has what the preset sets for all.

    Where the content is seen through another network, its layers are those that the preset has for that network.
    """
    preset = PRESETS[name]
    known = BACKBONES.get(backbone) or FURTHER.get(backbone)
    settings = {**(preset.of(known) if known else preset.settings), **overrides}
    of_content = settings.get("content_backbone")
    if isinstance(of_content, str) and of_content not in ("", backbone):
        layers = preset.of_backbone.get(of_content, {}).get("content_layers", ())
        settings |= {"content_layers": overrides.get("content_layers", layers)}
    return settings
